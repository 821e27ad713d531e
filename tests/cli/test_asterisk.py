import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from tipline_gw.cli.asterisk import asterisk_config
from tipline_gw.errors import ConfigError, PromptError, VoiceError

app = typer.Typer()
app.command("asterisk-config")(asterisk_config)


@pytest.fixture
def context(tmp_path: Path) -> SimpleNamespace:
    for language in ("es", "en"):
        (tmp_path / "prompts" / language).mkdir(parents=True)
        (tmp_path / "prompts" / language / "welcome.sln").write_bytes(bytes(320))
    voice = SimpleNamespace(
        agi_listen="127.0.0.1:4573",
        prompts=tmp_path / "prompts",
        max_calls=30,
        max_recording_seconds=180,
    )
    line = SimpleNamespace(languages=["es", "en"], sms_number="123")
    settings = SimpleNamespace(voice=voice, line=line, trunk=[], number=[])
    return SimpleNamespace(settings=lambda: settings)


def run(context: SimpleNamespace, *words: object) -> str:
    """Standard output; what the command raises comes through."""
    result = CliRunner().invoke(app, list(map(str, words)), obj=context, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_it_says_where_it_wrote_and_how_to_start_it(
    context: SimpleNamespace, tmp_path: Path
) -> None:
    said = run(context, tmp_path / "ast")
    assert f"{tmp_path}/ast: " in said
    assert f"asterisk -f -C {tmp_path}/ast/asterisk.conf" in said
    assert (tmp_path / "ast/sounds/en/tipline/welcome.sln").exists()
    conf = (tmp_path / "ast/asterisk.conf").read_text()
    assert "maxcalls = 34\n" in conf
    assert int(re.search(r"(?m)^maxfiles = (\d+)$", conf)[1]) > 7 * 30 + 100


def test_json_says_the_same(context: SimpleNamespace, tmp_path: Path) -> None:
    said = json.loads(
        run(context, "/etc/tl", "--root", tmp_path, "--sip-listen", "127.0.0.1:5060", "--json")
    )
    assert said["directory"] == f"{tmp_path}/etc/tl"
    assert said["inside"] == "/etc/tl"
    assert said["prompts"] == 2
    assert "res_agi.so" in said["missing"]
    assert "bind = 127.0.0.1:5060" in (tmp_path / "etc/tl/pjsip.conf").read_text()


def test_missing_prompts_refuse(context: SimpleNamespace, tmp_path: Path) -> None:
    context.settings().voice.prompts = tmp_path / "none"
    with pytest.raises(PromptError, match="prompts build"):
        run(context, tmp_path / "ast")


def test_a_trunk_off_the_loopback_refuses(context: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="loopback"):
        run(context, tmp_path / "ast", "--sip-listen", "0.0.0.0:5060")


def test_another_configuration_refuses(context: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "asterisk.conf").write_text("[options]\n")
    with pytest.raises(ConfigError):
        run(context, tmp_path)


@pytest.mark.parametrize(
    ("version", "lacks"), [("20.9.0", "does not pass keys on"), ("16.28", "too old"), ("22.4", "")]
)
def test_a_release_that_lacks_something_is_told(
    context: SimpleNamespace, tmp_path: Path, version: str, lacks: str
) -> None:
    said = json.loads(run(context, tmp_path / "ast", "--asterisk-version", version, "--json"))
    assert version.startswith(said["release"])
    assert lacks in said["lacks"]
    assert bool(said["lacks"]) is bool(lacks)


def test_a_version_that_is_none_is_refused(context: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no version"):
        run(context, tmp_path / "ast", "--asterisk-version", "new")
