"""What a build with a quick voice makes, once for all tests of this room."""

import shutil
from pathlib import Path

import pytest

from tests.prompts.voices import Hummer
from tipline_gw.prompts.build import build


@pytest.fixture(scope="session")
def hummed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hummed")
    build(folder, ["es", "en"], "911", speak=Hummer())
    return folder


@pytest.fixture
def built(hummed: Path, tmp_path: Path) -> Path:
    """A copy of its own."""
    return shutil.copytree(hummed, tmp_path / "prompts")
