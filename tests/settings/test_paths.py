from pathlib import Path

import pytest

from tipline_gw.errors import ConfigError
from tipline_gw.settings.paths import LONGEST, control_socket


def test_a_gateway_of_the_system_has_its_socket_under_run():
    config = Path("/etc/tipline-gw/tipline.toml")
    assert control_socket(config) == Path("/run/tipline-gw/modems.sock")


def test_any_other_has_it_beside_its_configuration(tmp_path, monkeypatch):
    assert control_socket(tmp_path / "tipline.toml") == tmp_path.resolve() / "modems.sock"
    monkeypatch.chdir(tmp_path)
    assert control_socket(Path("tipline.toml")) == tmp_path.resolve() / "modems.sock"


def test_it_is_the_same_by_whatever_link_the_directory_is_named(tmp_path):
    (tmp_path / "gw").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "gw")
    by_link = control_socket(tmp_path / "link" / "tipline.toml")
    assert by_link == control_socket(tmp_path / "gw" / "tipline.toml")


def test_a_path_too_long_for_a_socket_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match="shorter path") as caught:
        control_socket(tmp_path / ("d" * LONGEST) / "tipline.toml")
    assert str(LONGEST) in str(caught.value)
