import pytest

from tests.ivr.playbook import Playbook
from tipline_gw.domain.dialog import Ask, Count, HungUp, Keys, Say, Silence, Speak

SPANISH = Ask(("challenge", "digit-7"), 0.0)
ENGLISH = Ask(("challenge", "digit-7"), 4.0)
LANGUAGES = Ask(("language-es", "language-en"), 3.0)
UNCHOSEN_ES, UNCHOSEN_EN = Speak("es", chosen=False), Speak("en", chosen=False)
SORRY = Say(("challenge-failed",))


@pytest.fixture
def play() -> Playbook:
    return Playbook(["es", "en"], challenge="7") << UNCHOSEN_ES << SPANISH


def failed(play: Playbook) -> None:
    play << SORRY << UNCHOSEN_EN << SORRY << None


def test_the_digit_leads_on(play):
    play >> Keys("7") << LANGUAGES


def test_it_is_asked_in_every_language_and_then_the_call_begins_in_the_first(play):
    play >> Silence() << UNCHOSEN_EN << ENGLISH >> Keys("7") << UNCHOSEN_ES << LANGUAGES


def test_silence_is_asked_twice_and_then_told_whom_to_call(play):
    play >> Silence() << UNCHOSEN_EN << ENGLISH >> Silence() << UNCHOSEN_ES << SPANISH
    play >> Silence() << UNCHOSEN_EN << ENGLISH >> Silence() << Count("challenge-failed")
    failed(play << UNCHOSEN_ES)


@pytest.mark.parametrize("key", ["1", "0", "*", "8"])
def test_a_wrong_digit_is_asked_twice(play, key):
    failed(play >> Keys(key) << SPANISH >> Keys(key) << Count("challenge-failed"))


def test_the_digit_counts_the_second_time_as_well(play):
    play >> Keys("3") << SPANISH >> Keys("7") << LANGUAGES


def test_one_language_is_asked_in_one():
    only = Ask(("challenge", "digit-2"), 4.0)
    play = Playbook(["es"], challenge="2") << Speak("es") << only >> Silence() << only
    play >> Keys("2") << Ask(("welcome", "menu-main"), 4.0)


def test_hang_up_ends_it(play):
    play >> HungUp() << None
