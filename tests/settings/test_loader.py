import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tipline_gw import resources
from tipline_gw.errors import ConfigError
from tipline_gw.settings import load
from tipline_gw.settings.loader import lines_of
from tipline_gw.settings.schema import Sms

GOOD = """\
[line]
name = "Línea"
languages = ["es", "en"]

[store]
url = "sqlite:////var/lib/tips.db"

[recipients]
file = "recipients.txt"

[sms]
reply = "code"

[[modem]]
name = "gsm0"
port = "/dev/ttyUSB0"

[[modem]]
name = "gsm1"
port = "/dev/ttyUSB1"
pin_file = "gsm1.pin"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tipline.toml"
    path.write_text(text)
    return path


def complaint(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, text))
    return str(caught.value).replace(str(tmp_path) + "/", "")


def test_a_good_file_loads_with_absolute_paths(tmp_path):
    loaded = load(written(tmp_path, GOOD))
    assert loaded.recipients.file == tmp_path / "recipients.txt"
    assert loaded.voice.prompts == tmp_path / "prompts"
    assert loaded.modem[0].pin_file is None
    assert loaded.modem[1].pin_file == tmp_path / "gsm1.pin"


def test_an_unknown_key_is_named_with_its_line(tmp_path):
    said = complaint(tmp_path, GOOD.replace("[sms]\n", "[sms]\nno_such_key = 1\n"))
    assert said == (
        "tipline.toml:12: sms.no_such_key: unknown key: remove it, or correct its spelling"
    )


def test_an_unknown_table_is_named_with_its_line(tmp_path):
    assert complaint(tmp_path, GOOD + "[smss]\na = 1\n").startswith("tipline.toml:22: smss:")


def test_a_wrong_type_is_named_with_its_line(tmp_path):
    said = complaint(tmp_path, GOOD.replace('reply = "code"', "reassembly_seconds = '9'"))
    assert said.startswith("tipline.toml:12: sms.reassembly_seconds: ")


def test_the_right_modem_of_several_is_named(tmp_path):
    said = complaint(tmp_path, GOOD.replace('port = "/dev/ttyUSB1"', 'port = "ttyUSB1"'))
    assert said.startswith("tipline.toml:20: modem.1.port: ")


def test_a_missing_key_points_at_its_table(tmp_path):
    said = complaint(tmp_path, GOOD.replace('url = "sqlite:////var/lib/tips.db"', ""))
    assert said == "tipline.toml:5: store.url: is missing"


def test_every_fault_is_told_at_once(tmp_path):
    text = GOOD.replace('reply = "code"', "a = 1\nb = 2")
    assert len(complaint(tmp_path, text).splitlines()) == 2


def test_the_limits_of_texts_have_defaults_that_a_file_changes(tmp_path):
    limits = ("sender_limit", "modem_limit", "answer_limit", "sending_limit")
    loaded = load(written(tmp_path, GOOD)).sms
    assert [getattr(loaded, name) for name in limits] == [30, 1200, 6, 120]
    text = GOOD.replace("[sms]", "[sms]\n" + "\n".join(f"{name} = 7" for name in limits))
    changed = load(written(tmp_path, text)).sms
    assert [getattr(changed, name) for name in limits] == [7] * 4
    for name in limits:
        said = complaint(tmp_path, GOOD.replace("[sms]", f"[sms]\n{name} = 0"))
        assert said.startswith(f"tipline.toml:12: sms.{name}: ")


def test_the_shipped_file_shows_every_key_for_texts_with_its_default():
    file = resources.folder("config") / "tipline.toml"
    shown = tomllib.loads(file.read_text())["sms"]
    assert shown == Sms().model_dump()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["es", "en"]', '["es", "es"]'),
        ('["es", "en"]', "[]"),
        ('["es", "en"]', '["../x"]'),
        ('"Línea"', '"Línea"\nemergency_number = "९११"'),  # digits that no prompt says
        ('"Línea"', '"Línea"\nsms_number = "६५६१"'),
        ('name = "gsm1"', 'name = "gsm0"'),
        ("ttyUSB1", "ttyUSB0"),
        ('name = "gsm1"', 'name = "a5550123456"'),
        ("sqlite:////var", "mysql:////var"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path, old, new):
    assert "tipline.toml:" in complaint(tmp_path, GOOD.replace(old, new))


def test_broken_toml_is_named_with_its_line(tmp_path):
    assert complaint(tmp_path, "[line]\nname = \n").startswith("tipline.toml:2: TOML: ")


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="run tipline-gw init"):
        load(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "tipline.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(path)


def test_lines_of_knows_tables_and_keys():
    lines = lines_of(GOOD)
    assert lines["modem", 1, "name"] == 19
    assert lines[("store",)] == 5


@settings(max_examples=300, deadline=None, database=None)
@given(st.text(max_size=200))
def test_any_text_is_settings_or_our_error(text):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.toml"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with pytest.raises(ConfigError):
            load(path)


@pytest.mark.parametrize("text", ['name = "abc', "name = [1,\n", 'name = """a\nb\n\n'])
def test_what_is_not_ended_is_named_with_the_last_line(tmp_path, text):
    last = text.rstrip().count("\n") + 2
    assert re.match(rf"tipline\.toml:{last}: TOML: ", complaint(tmp_path, "[line]\n" + text))


@pytest.mark.parametrize("value", ["1" * 5000, "[" * 3000 + "]" * 3000])
def test_what_python_itself_refuses_is_named_with_the_file(tmp_path, value):
    said = complaint(tmp_path, f"a = {value}\n")
    assert said == "tipline.toml: TOML: a number is too long, or brackets are nested too deep"


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            '[voice]\nagi_listen = "127.0.0.1:4574"\n',
            "voice.audio_listen: is the port of voice.agi",
        ),
        ('[voice]\naudio_listen = "0.0.0.0:9477"\n', "metrics.listen: is the port of voice.audio"),
        ('[voice]\nagi_listen = "localhost:9477"\n', "metrics.listen: is the port of voice.agi"),
        ('[metrics]\nlisten = "127.0.0.1:04573"\n', "24: metrics.listen: is the port of voice.agi"),
        (
            '[voice]\nagi_listen = "[::1]:1"\naudio_listen = "[0::1]:1"\n',
            "25: voice.audio_listen: is the port of voice.agi_listen as well: give each its own",
        ),
    ],
)
def test_two_servers_on_one_port_are_named(tmp_path, tables, said):
    assert said in complaint(tmp_path, GOOD + "\n" + tables)


def test_one_port_of_two_addresses_is_no_clash(tmp_path):
    text = GOOD + '\n[metrics]\nlisten = "127.0.0.2:4573"\n'
    assert load(written(tmp_path, text)).metrics.listen == "127.0.0.2:4573"
