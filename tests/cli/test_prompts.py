import io
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from tests.prompts.voices import hum
from tipline_gw.cli.prompts import app
from tipline_gw.errors import PromptError
from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts import names


@dataclass
class Given:
    """Stands where ``ctx.obj`` does."""

    prompts: Path

    def settings(self):
        line = SimpleNamespace(languages=["es", "en"], emergency_number="911")
        return SimpleNamespace(line=line, voice=SimpleNamespace(prompts=self.prompts))


@pytest.fixture
def run(tmp_path):
    def invoke(*arguments):
        return CliRunner().invoke(app, arguments, obj=Given(tmp_path))

    return invoke


def test_build_makes_every_prompt_and_says_how_many(run, tmp_path):
    first, second = run("build"), run("build")
    assert first.exit_code == second.exit_code == 0
    count = len(list(tmp_path.rglob("*.sln")))
    assert first.stdout == f"{count} made, 0 unchanged, 0 recorded\n"
    assert second.stdout == f"0 made, {count} unchanged, 0 recorded\n"


def test_build_as_json_names_what_was_made(run):
    report = json.loads(run("build", "--json").stdout)
    assert {"es/welcome", "en/welcome", "es/language-en"} <= set(report["built"])
    assert json.loads(run("build", "--json").stdout)["built"] == []


def test_build_tells_of_recordings_with_old_words(run, tmp_path):
    run("build")
    (tmp_path / "es" / "goodbye.sln").write_bytes(hum(1.0, rate=8000).samples)
    assert "1 recorded" in run("build").stdout
    entry = 'msgctxt "prompt"\nmsgid "goodbye"\nmsgstr "Hasta luego."\n'
    (tmp_path / "es.po").write_text(entry)
    assert "es/goodbye: recorded before its words were changed" in run("build").stdout


def test_build_shows_no_progress_where_nobody_looks(run):
    assert run("build").stderr == ""


def test_build_shows_progress_on_a_terminal(tmp_path, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    from tipline_gw.cli import prompts

    terminal = Terminal()
    monkeypatch.setattr(prompts.sys, "stderr", terminal)
    with prompts._progress(shown=True) as progress:
        assert progress is not None
        progress(1, 2)
    assert "prompts" in terminal.getvalue()


def test_check_names_the_synthetic_prompts_and_exits_0(run):
    run("build")
    checked = run("check")
    assert checked.exit_code == 0
    assert f"en: {len(names.SAID)} synthetic: welcome, menu-main" in checked.stdout


def test_check_fails_where_a_prompt_cannot_be_played(run, tmp_path):
    run("build")
    (tmp_path / "es" / "welcome.sln").unlink()
    checked = run("check")
    assert checked.exit_code == 1
    assert "es/welcome: missing: run tipline-gw prompts build, or record it" in checked.stdout
    assert isinstance(checked.exception, PromptError)
    assert checked.exception.what == "prompts that cannot be played: 1"


def test_check_as_json_gives_each_finding(run, tmp_path):
    run("build")
    (tmp_path / "es" / "welcome.sln").unlink()
    findings = json.loads(run("check", "--json").stdout)
    assert {
        "problem": "missing",
        "language": "es",
        "name": "welcome",
        "seconds": None,
        "stands_in": None,
        "loudness": None,
        "kind": "prompt",
        "fatal": True,
        "todo": "run tipline-gw prompts build, or record it",
    } in findings


def test_check_is_content_with_recordings(run, tmp_path):
    for language in ("es", "en"):
        for name in names.of_folder(["es", "en"], language):
            sound = hum(0.5, rate=8000).samples
            manifests.write(tmp_path / language / f"{name}.sln", sound)
    checked = run("check")
    assert (checked.exit_code, checked.stdout) == (0, "every prompt is there and recorded\n")


def test_check_tells_when_it_takes_too_long_until_the_tone(run, tmp_path):
    run("build")
    (tmp_path / "en" / "welcome.sln").write_bytes(hum(9.0, rate=8000).samples)
    checked = run("check")
    assert checked.exit_code == 0
    assert "en/before-tone: too-long (" in checked.stdout
