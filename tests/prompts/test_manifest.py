import json
import stat

import pytest

from tipline_gw.errors import PromptError
from tipline_gw.prompts import manifest as manifests
from tipline_gw.prompts.manifest import Entry, Origin

KNOWN = {
    "welcome": Entry(Origin.SYNTHETIC, "words", ("one", "two")),
    "goodbye": Entry(Origin.RECORDED, "words", ("three",)),
}


def test_a_manifest_comes_back_as_it_was_saved(tmp_path):
    manifests.save(tmp_path, KNOWN)
    assert manifests.load(tmp_path) == KNOWN


def test_a_folder_without_one_knows_nothing(tmp_path):
    assert manifests.load(tmp_path) == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"prompts": []}',
        b'{"prompts": {"welcome": 1}}',
        b'{"prompts": {"welcome": {"origin": "stolen", "words": "", "sounds": []}}}',
        b"\xff",
    ],
)
def test_a_damaged_manifest_is_refused_and_not_forgotten(tmp_path, content):
    (tmp_path / manifests.FILE).write_bytes(content)
    with pytest.raises(PromptError, match="cannot be read"):
        manifests.load(tmp_path)


def test_a_manifest_that_may_not_be_read_is_not_to_be_moved_away(tmp_path):
    """Without it every synthetic prompt would count as recorded."""
    (tmp_path / manifests.FILE).mkdir()
    with pytest.raises(PromptError) as error:
        manifests.load(tmp_path)
    assert error.value.todo == "see its owner and permissions"


def test_what_is_written_can_be_read_by_asterisk(tmp_path):
    manifests.write(tmp_path / "es" / "welcome.sln", b"\x00\x00")
    assert stat.S_IMODE((tmp_path / "es" / "welcome.sln").stat().st_mode) == 0o644


def test_writing_leaves_nothing_else_behind(tmp_path):
    manifests.write(tmp_path / "welcome.sln", b"old")
    manifests.write(tmp_path / "welcome.sln", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["welcome.sln"]
    assert (tmp_path / "welcome.sln").read_bytes() == b"new"


def test_a_place_that_cannot_be_written_is_an_error_and_leaves_no_part(tmp_path):
    (tmp_path / "welcome.sln").mkdir()
    with pytest.raises(PromptError, match="cannot be written"):
        manifests.write(tmp_path / "welcome.sln", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["welcome.sln"]


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    assert manifests.digest(tmp_path / "welcome.sln") is None
    with pytest.raises(PromptError, match="cannot be read"):
        manifests.digest(tmp_path)


def test_a_manifest_is_sorted_so_that_two_builds_can_be_compared(tmp_path):
    manifests.save(tmp_path, KNOWN)
    names = list(json.loads((tmp_path / manifests.FILE).read_bytes())["prompts"])
    assert names == ["goodbye", "welcome"]
