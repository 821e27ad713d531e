"""What ``check`` says where it may not look."""

from tipline_gw import checking
from tipline_gw.settings import loader
from tipline_gw.setup import prepare


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
