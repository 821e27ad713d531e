from pathlib import Path

import pytest

from tipline_gw.demo import asterisk_host
from tipline_gw.demo.asterisk_host import (
    Asterisk,
    Host,
    find_host,
    prepared_root,
)
from tipline_gw.errors import VoiceError


def test_a_prepared_root_is_found_and_commands_are_started_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIPLINE_TEST_ROOT", str(tmp_path))
    monkeypatch.setattr(asterisk_host.shutil, "which", lambda _: None)
    monkeypatch.setattr(asterisk_host.os, "geteuid", lambda: 0)
    with pytest.raises(VoiceError, match="tests/asterisk/prepare"):
        find_host()
    (tmp_path / ".tipline-ready-2").touch()
    host = find_host()
    assert host.root == tmp_path
    assert host.command("sipp", "-v") == ["chroot", str(tmp_path), "sipp", "-v"]
    assert host.inside(tmp_path / "tmp/x") == "/tmp/x"


def test_without_root_a_prepared_root_is_of_no_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIPLINE_TEST_ROOT", str(tmp_path))
    monkeypatch.setattr(asterisk_host.shutil, "which", lambda _: None)
    monkeypatch.setattr(asterisk_host.os, "geteuid", lambda: 1000)
    (tmp_path / ".tipline-ready-2").touch()
    with pytest.raises(VoiceError, match="as root"):
        find_host()


def test_the_prepared_root_is_kept_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIPLINE_TEST_ROOT", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert prepared_root() == Path("/somewhere/tipline-gw/asterisk-root")


def test_on_this_machine_itself_commands_are_what_they_are() -> None:
    assert Host(Path("/")).command("sipp") == ["sipp"]
    assert Host(Path("/")).inside(Path("/tmp/x")) == "/tmp/x"


def test_a_workspace_is_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    with Host(tmp_path).workspace() as path:
        (path / "file").touch()
        assert path.parent == tmp_path / "tmp"
    assert not path.exists()


def test_an_asterisk_that_does_not_start_is_our_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Host, "command", lambda self, *words: ["false"])
    asterisk = Asterisk(Host(tmp_path), tmp_path / "ast")
    with pytest.raises(VoiceError, match="did not start"):
        asterisk.start()
    asterisk.stop()
    assert asterisk.complaints == []
