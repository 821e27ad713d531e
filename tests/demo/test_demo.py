"""The demonstration is the main job once; here it must hold, calls and all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tipline_gw.errors import ConfigError
from tipline_gw.setup import own_directory


def test_every_promise_of_the_demonstration_holds():
    command = Path(sys.executable).with_name("tipline-gw")
    done = subprocess.run(
        [command, "demo", "--json"], capture_output=True, text=True, timeout=280, check=False
    )
    summary = json.loads(done.stdout)
    broken = [point for point in summary["points"] if not point["held"]]
    assert (broken, summary["notes"]) == ([], []), done.stderr
    assert done.returncode == 0
    assert summary["held"]
    assert summary["seconds"] < 180
    assert len(summary["points"]) >= 14


def test_what_is_kept_goes_into_an_empty_directory_however_it_is_named(tmp_path, monkeypatch):
    """The ports of its modems stand in its configuration, where they must be absolute."""
    monkeypatch.chdir(tmp_path)
    assert own_directory(Path("kept")) == tmp_path / "kept"
    (tmp_path / "kept" / "tips.db").touch()
    with pytest.raises(ConfigError, match="is in use"):
        own_directory(Path("kept"))
