import pytest

from tests.settings.test_loader import GOOD, written
from tipline_gw.settings import load
from tipline_gw.settings.numbers import Manners, manners

NUMBERS = """
[[number]]
name = "centro"
dialled = "6561110000"
languages = ["en"]
greeting = "welcome-centro"

[[number]]
name = "sierra"
dialled = "6141110000"
"""


@pytest.mark.parametrize(
    ("number", "languages", "greeting"),
    [
        ("centro", ["en"], "welcome-centro"),
        ("sierra", ["es", "en"], None),
        ("gone", ["es", "en"], None),
        (None, ["es", "en"], None),
    ],
)
def test_a_number_has_its_own_languages_and_greeting_or_the_lines(
    tmp_path, number, languages, greeting
):
    settings = load(written(tmp_path, GOOD + NUMBERS))
    assert manners(settings, number) == Manners(languages, greeting)
