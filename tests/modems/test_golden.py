"""Every profile through a modem's whole life, at the virtual modem that plays its dialect."""

import pytest

from tests.modems.golden import HERE, dialect_file, golden_file, lived
from tipline_gw.modems import profiles


def named(folder: str, suffix: str) -> list[str]:
    files = (HERE / folder).glob(f"*/*.{suffix}")
    return sorted(f"{file.parent.name}/{file.stem}" for file in files)


def test_every_profile_has_a_dialect_and_a_golden_dialogue_and_none_is_left_over():
    assert named("dialects", "toml") == profiles.names()
    assert named("golden", "txt") == profiles.names()


@pytest.mark.parametrize("name", profiles.names())
def test_the_modem_is_driven_as_its_golden_dialogue_says(name, tmp_path):
    assert dialect_file(name).exists()
    assert lived(name, tmp_path) == golden_file(name).read_text("utf-8"), (
        f"python -m tests.modems.golden {name}, and look at what changed"
    )
