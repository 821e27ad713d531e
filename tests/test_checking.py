"""What ``check`` says where it may not look."""

from pathlib import Path

import pytest
from sqlalchemy import text

from tipline_gw import checking
from tipline_gw.settings import loader
from tipline_gw.settings.trunks import Number
from tipline_gw.setup import prepare
from tipline_gw.store.engine import open_engine
from tipline_gw.voice.asterisk_config import Plan, write


def test_asterisk_files_that_may_not_be_read_are_a_finding_and_no_traceback(tmp_path, monkeypatch):
    def refused(directory, _srtp):
        raise PermissionError(13, "Permission denied", str(directory / "asterisk.conf"))

    list(prepare(tmp_path / "gw", demo_keys=False))
    config = tmp_path / "gw" / "tipline.toml"
    monkeypatch.setattr(checking, "asterisk_faults", refused)
    found = checking.findings(config, loader.load(config), tmp_path)
    (said,) = [each for each in found if each.file == str(tmp_path / "asterisk.conf")]
    assert said.fatal
    assert "nothing is known of it" in said.what
    assert "as root" in said.todo


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    directory = tmp_path_factory.mktemp("home") / "gw"
    list(prepare(directory, demo_keys=False))
    return directory / "tipline.toml"


def test_a_running_asterisk_whose_files_may_not_be_read_is_a_finding(config, tmp_path, monkeypatch):
    def forbidden(place, srtp):
        raise PermissionError(13, "Permission denied", str(place / "modules.conf"))

    monkeypatch.setattr(checking, "live_faults", forbidden)
    found = checking.findings(config, loader.load(config), None, tmp_path / "asterisk")
    (said,) = [each for each in found if each.file == str(tmp_path / "asterisk/modules.conf")]
    assert said.fatal
    assert "nothing is known of it" in said.what


@pytest.mark.parametrize(
    ("old", "new", "said", "fatal"),
    [
        ("max_calls = 240", "max_calls = 30", None, False),
        ('agi_listen = "127.0.0.1:4573"', 'agi_listen = "[::1]:4573"', "voice.agi_listen", True),
        ('languages = ["es", "en"]', 'languages = ["en", "es"]', "languages", False),
        ("[line]", '[line]\nsms_number = "6561110000"', "numbers", False),
    ],
)
def test_asterisk_s_files_are_written_again_after_a_change(config, tmp_path, old, new, said, fatal):
    before = loader.load(config)
    files = tmp_path / "asterisk"
    write(Plan(files, before.voice.agi_listen, before.voice.prompts, before.line.languages))
    place = str(files / "extensions.conf")
    assert [f for f in checking.findings(config, before, files) if f.file == place] == []
    text = config.read_text()
    assert old in text
    changed = config.with_name("changed.toml")
    changed.write_text(text.replace(old, new, 1))
    found = [f for f in checking.findings(changed, loader.load(changed), files) if f.file == place]
    assert [(said in each.what, each.fatal) for each in found] == [(True, fatal)] * bool(said)


def test_a_number_that_is_dialled_otherwise_by_now_is_told(config, tmp_path):
    files, settings = tmp_path / "asterisk", loader.load(config)
    numbers = [Number(name="centro", dialled=dialled) for dialled in ("6141", "6142")]
    old, new = (settings.model_copy(update={"number": [number]}) for number in numbers)
    write(Plan(files, "127.0.0.1:4573", settings.voice.prompts, settings.line.languages,
               numbers=old.number))  # fmt: skip
    place = str(files / "extensions.conf")
    assert [f for f in checking.findings(config, old, files) if f.file == place] == []
    (said,) = [f for f in checking.findings(config, new, files) if f.file == place]
    assert "are not those of the configuration" in said.what


def tls(config, tmp_path):
    """The configuration with a trunk that has a certificate and a key."""
    for name in ("cert", "key"):
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(0o640)
    changed = config.with_name("tls.toml")
    changed.write_text(
        f"{config.read_text()}\n[[trunk]]\nname = 'p'\nkind = 'sip'\nhost = '192.0.2.1'\n"
        f"transport = 'tls'\ncertificate = '{tmp_path}/cert'\nkey_file = '{tmp_path}/key'\n"
    )
    return changed, loader.load(changed)


def test_a_certificate_that_was_renewed_is_copied_again(config, tmp_path):
    changed, settings = tls(config, tmp_path)
    files = tmp_path / "asterisk"
    write(Plan(files, "127.0.0.1:4573", settings.voice.prompts, settings.line.languages,
               trunks=settings.trunk))  # fmt: skip
    said = [f for f in checking.findings(changed, settings, files) if "by now" in f.what]
    assert said == []
    (tmp_path / "cert").write_text("renewed")
    (said,) = [f for f in checking.findings(changed, settings, files) if "by now" in f.what]
    assert (said.file, said.fatal) == (str(files / "keys/p-certificate.pem"), False)


def test_a_key_that_others_can_read_or_that_is_not_there_is_told(config, tmp_path):
    changed, settings = tls(config, tmp_path)
    (tmp_path / "key").chmod(0o644)
    (tmp_path / "cert").unlink()
    found = [f for f in checking.findings(changed, settings, None) if str(tmp_path) in f.file]
    assert [(Path(f.file).name, f.fatal) for f in found] == [("cert", False), ("key", True)]


def test_a_store_of_a_newer_version_is_a_finding(tmp_path):
    list(prepare(tmp_path / "gw", demo_keys=False))
    config = tmp_path / "gw" / "tipline.toml"
    settings = loader.load(config)
    engine = open_engine(settings.store.url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    found = [each for each in checking.findings(config, settings, None) if "newer" in each.what]
    assert [(each.fatal, each.todo) for each in found] == [(True, "run the newer program on it")]
