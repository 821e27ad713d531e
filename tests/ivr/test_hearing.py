import pytest

from tests.ivr.callers import ADDED, CODE
from tests.ivr.playbook import TONE, Playbook
from tipline_gw.domain.dialog import (
    Ask,
    Count,
    Ended,
    Found,
    Heard,
    HungUp,
    Keep,
    Keys,
    Listen,
    LookUp,
    NotFound,
    PlayAnswer,
    Prepare,
    Refused,
    Say,
    Silence,
    Speak,
)
from tipline_gw.domain.tip import State
from tipline_gw.ivr.hearing import what_was_typed

MAIN = Ask(("welcome", "menu-main"), 4.0)
BACK = Ask(("menu-main",), 4.0)
ENTER = Ask(("enter-code",), 6.0, 12)
CHECK = Ask(("code-mistyped", "enter-code"), 6.0, 12)
UNKNOWN = Ask(("code-unknown", "enter-code"), 6.0, 12)
SETTLE = Ask((), 1.5, 12)
WRONG, ENOUGH = Count("code-wrong"), Count("too-many-tries")
MISTYPED = Keys("123456789019")
STATE = Ask(("state-under-review",), 0.0)
MENU = Ask(("menu-case", "menu-case-back"), 4.0)
MENU_OPEN = Ask(("menu-case", "menu-case-add", "menu-case-back"), 4.0)
INSTRUCTION = Ask(("leave-tip",), 0.0)
ADDITION = Listen(addition=True)
REVIEW = Ask(("menu-review",), 4.0)
GOODBYE = Say(("goodbye",))


@pytest.fixture
def play() -> Playbook:
    """Asked for the code."""
    return Playbook(["es"]) << Speak("es") << MAIN >> Keys("2") << ENTER


def found(play: Playbook, *, answered: bool = False, still_open: bool = False) -> Playbook:
    """The state is being said."""
    play >> Keys(CODE) << LookUp(CODE) >> Found(State.UNDER_REVIEW, answered, still_open)
    if answered:
        return play << Ask(("state-under-review", "answer-follows"), 0.0)
    return play << STATE


@pytest.mark.parametrize("state", State)
def test_the_state_is_said_in_words_and_then_the_menu(play, state):
    play >> Keys(CODE) << LookUp(CODE) >> Found(state)
    play << Ask((f"state-{state.slug}",), 0.0) >> Silence() << MENU


def test_a_wrong_check_digit_is_told_without_asking_the_store(play):
    play >> MISTYPED << WRONG << SETTLE >> Silence() << CHECK >> Keys(CODE) << LookUp(CODE)


def test_what_is_still_typed_after_a_code_that_was_full_belongs_to_it(play):
    play >> MISTYPED << WRONG << SETTLE >> Keys("8") << CHECK
    play >> MISTYPED << WRONG << SETTLE >> Keys("*") << Ask(("code-mistyped", "menu-main"), 4.0)


def test_a_code_that_nobody_was_given_is_told_apart_from_a_mistyped_one(play):
    play >> Keys(CODE) << LookUp(CODE) >> NotFound() << WRONG << UNKNOWN


@pytest.mark.parametrize("typed", ["1234", "12345678901", "00", "7"])
def test_too_few_digits_are_a_wrong_try(play, typed):
    play >> Keys(typed) << WRONG << CHECK


def test_five_wrong_tries_of_every_kind_end_the_call(play):
    play >> MISTYPED << WRONG << SETTLE >> Silence() << CHECK
    play >> Keys(CODE) << LookUp(CODE) >> NotFound() << WRONG << UNKNOWN
    play >> Keys("12") << WRONG << CHECK >> Keys("12") << WRONG << CHECK
    play >> Keys(CODE) << LookUp(CODE) >> NotFound() << WRONG << ENOUGH
    play << Say(("code-unknown", "too-many-tries", "goodbye")) << None


@pytest.mark.parametrize("typed", ["12", MISTYPED.keys])
def test_the_last_try_may_be_a_mistyped_one(play, typed):
    for _ in range(4):
        play >> Keys("12") << WRONG << CHECK
    play >> Keys(typed) << WRONG << ENOUGH
    play << Say(("code-mistyped", "too-many-tries", "goodbye")) << None


def test_going_back_to_the_menu_wins_no_new_tries(play):
    for _ in range(4):
        play >> Keys("12") << WRONG << CHECK
    play >> Keys("*") << BACK >> Keys("2") << ENTER >> Keys("12") << WRONG << ENOUGH


@pytest.mark.parametrize("nothing", [Silence(), Keys(""), Keys("#")])
def test_three_silences_lead_back_to_the_main_menu(play, nothing):
    play >> nothing << ENTER >> nothing << ENTER >> nothing << BACK


def test_star_leads_back_and_after_digits_erases_them(play):
    for _ in range(6):
        play >> Keys("1234*") << ENTER >> Keys("*") << BACK >> Keys("2") << ENTER


def test_zero_alone_is_advice_and_no_wrong_try(play):
    for _ in range(6):
        play >> Keys("0") << Ask(("advice", "enter-code"), 6.0, 12)


@pytest.mark.parametrize(
    ("typed", "what"),
    [
        ("*", "*"), ("0", "0"), ("01*", "digits and *"), ("01", "too few digits"),
        (CODE, "a code"), (MISTYPED.keys, "a mistyped code"), ("000000000000", "a code"),
    ],
)  # fmt: skip
def test_what_was_typed(typed, what):
    assert what_was_typed(typed) == what


def test_a_store_that_does_not_answer_is_told_and_is_no_wrong_try(play):
    for _ in range(6):
        play >> Keys(CODE) << LookUp(CODE) >> Refused()
        play << Ask(("cannot-tell-now", "menu-main"), 4.0) >> Keys("2") << ENTER


def test_a_key_during_the_state_answers_the_menu(play):
    found(play, still_open=True) >> Keys("2") << INSTRUCTION


def test_the_answer_is_played_without_being_asked_for(play):
    found(play, answered=True) >> Silence() << PlayAnswer() >> Silence() << MENU


def test_a_key_during_the_answer_answers_the_menu(play):
    found(play, answered=True) >> Silence() << PlayAnswer() >> Keys("*") << BACK


def test_a_key_that_means_nothing_only_ends_the_answer(play):
    found(play, answered=True) >> Silence() << PlayAnswer() >> Keys("7") << MENU


def test_a_key_during_the_state_skips_the_answer(play):
    found(play, answered=True) >> Keys("8") << MENU


def test_an_answer_that_does_not_open_is_told(play):
    found(play, answered=True) >> Silence() << PlayAnswer() >> Refused()
    play << Ask(("answer-not-now", *MENU.prompts), 4.0)


def test_one_says_the_state_and_the_answer_again(play):
    found(play, answered=True) >> Silence() << PlayAnswer() >> Silence() << MENU >> Keys("1")
    play << Ask(("state-under-review", "answer-follows"), 0.0) >> Silence() << PlayAnswer()


def test_silence_after_the_state_is_a_goodbye(play):
    found(play) >> Silence() << MENU >> Silence() << MENU >> Silence() << MENU >> Silence()
    play << GOODBYE << None


def test_nothing_can_be_added_to_a_closed_case(play):
    found(play) >> Silence() << MENU >> Keys("2") << MENU >> Keys("3") << MENU


def test_zero_and_star_after_the_state(play):
    found(play) >> Silence() << MENU >> Keys("0")
    play << Ask(("advice", "menu-case", "menu-case-back"), 4.0) >> Keys("*") << BACK


def test_an_addition_is_reviewed_like_a_tip_and_ends_without_a_code(play):
    found(play, still_open=True) >> Silence() << MENU_OPEN >> Keys("2") << INSTRUCTION
    play >> Silence() << Prepare(ADDITION) << TONE >> Silence() << ADDITION >> Heard(Ended.KEY, 9.0)
    play << REVIEW >> Keys("4") << Prepare(Listen(append=True, addition=True)) << TONE >> Silence()
    play << Listen(append=True, addition=True)
    play >> Heard(Ended.KEY, 9.0) << REVIEW >> Keys("1") << Keep() >> ADDED
    play << Ask(("addition-kept", *MENU_OPEN.prompts), 4.0) >> Keys("2") << INSTRUCTION


def test_an_addition_can_have_a_changed_voice(play):
    offered = Ask(("menu-case", "menu-case-add", "voice-offer", "menu-case-back"), 4.0)
    found(play, still_open=True) >> Silence() << MENU_OPEN >> Silence() << offered >> Keys("3")
    play << Ask(("voice-will-change", "leave-tip"), 0.0) >> Silence()
    play << Prepare(Listen(disguised=True, addition=True)) << TONE >> Silence()
    play << Listen(disguised=True, addition=True)


def test_star_before_an_addition_leads_back_to_the_case(play):
    found(play, still_open=True) >> Keys("2") << INSTRUCTION >> Keys("*") << MENU_OPEN
    play >> Keys("2") << INSTRUCTION >> Silence() << Prepare(ADDITION) << TONE
    play >> Keys("*") << MENU_OPEN


def test_an_addition_of_silence_leads_back_to_the_case(play):
    found(play, still_open=True) >> Keys("2") << INSTRUCTION >> Silence()
    play << Prepare(ADDITION) << TONE >> Silence() << ADDITION >> Heard(Ended.KEY, 0.0)
    play << Prepare(ADDITION)
    play << Ask(("nothing-heard", "tone"), 0.0) >> Silence() << ADDITION
    play >> Heard(Ended.KEY, 9.0, spoken=False)
    play << Ask(("nothing-recorded", "menu-nothing"), 4.0) >> Keys("*") << MENU_OPEN


def test_a_tip_after_an_addition_is_no_addition(play):
    found(play, still_open=True) >> Keys("2") << INSTRUCTION >> Keys("*") << MENU_OPEN
    play >> Keys("*") << BACK >> Keys("1") << INSTRUCTION >> Silence()
    play << Prepare(Listen()) << TONE >> Silence() << Listen()


def test_hang_up_while_the_store_is_asked_just_ends(play):
    play >> Keys(CODE) << LookUp(CODE) >> HungUp() << None
