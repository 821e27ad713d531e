import pytest

from tests.ivr.callers import CODE
from tests.ivr.playbook import Playbook
from tipline_gw.domain.dialog import Ask, Found, HungUp, Keys, LookUp, NotFound, Say, Silence, Speak
from tipline_gw.domain.tip import State

MAIN = Ask(("welcome", "menu-main"), 4.0)
BACK = Ask(("menu-main",), 4.0)
ENTER = Ask(("enter-code",), 6.0, 12)
WRONG = Ask(("code-wrong", "enter-code"), 6.0, 12)
ENOUGH = Say(("code-wrong", "too-many-tries", "goodbye"))
MISTYPED = Keys("123456789019")


@pytest.fixture
def play() -> Playbook:
    """Asked for the code."""
    return Playbook(["es"]) << Speak("es") << MAIN >> Keys("2") << ENTER


@pytest.mark.parametrize("state", State)
def test_the_state_is_said_in_front_of_the_main_menu(play, state):
    play >> Keys(CODE) << LookUp(CODE) >> Found(state)
    play << Ask((f"state-{state.slug}", "menu-main"), 4.0)


def test_a_wrong_check_digit_is_told_without_asking_the_store(play):
    play >> MISTYPED << WRONG >> Keys(CODE) << LookUp(CODE)


def test_a_code_that_does_not_exist_is_told_in_the_same_words(play):
    play >> Keys(CODE) << LookUp(CODE) >> NotFound() << WRONG


@pytest.mark.parametrize("typed", ["1234", "12345678901", "#1234", "123456789018#"])
def test_what_is_no_code_is_a_wrong_try(play, typed):
    play >> Keys(typed) << WRONG


def test_five_wrong_tries_end_the_call(play):
    play >> MISTYPED << WRONG >> Keys(CODE) << LookUp(CODE) >> NotFound() << WRONG
    play >> Keys("12") << WRONG >> MISTYPED << WRONG >> MISTYPED << ENOUGH << None


def test_going_back_to_the_menu_wins_no_new_tries(play):
    for _ in range(4):
        play >> MISTYPED << WRONG
    play >> Keys("*") << BACK >> Keys("2") << ENTER >> MISTYPED << ENOUGH << None


@pytest.mark.parametrize("nothing", [Silence(), Keys(""), Keys("#")])
def test_three_silences_lead_back_to_the_main_menu(play, nothing):
    play >> nothing << ENTER >> nothing << ENTER >> nothing << BACK


@pytest.mark.parametrize("typed", ["*", "1234*"])
def test_star_leads_back_and_is_no_wrong_try(play, typed):
    for _ in range(6):
        play >> Keys(typed) << BACK >> Keys("2") << ENTER


def test_hang_up_while_the_store_is_asked_just_ends(play):
    play >> Keys(CODE) << LookUp(CODE) >> HungUp() << None
