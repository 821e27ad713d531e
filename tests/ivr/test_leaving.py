import pytest

from tests.ivr.callers import CODE
from tests.ivr.playbook import Playbook
from tipline_gw.domain.dialog import (
    Ask,
    Ended,
    Heard,
    HungUp,
    Keep,
    Kept,
    Keys,
    Listen,
    PlayBack,
    Refused,
    Say,
    Silence,
    Speak,
)
from tipline_gw.ivr.leaving import spelled

MAIN = Ask(("welcome", "menu-main"), 4.0)
INSTRUCTION = Ask(("leave-tip",), 0.1)
TONE = Say(("tone",))
REVIEW = Ask(("menu-review",), 4.0)
SPELLED = (
    *("pause", "digit-1", "digit-2", "digit-3", "digit-4"),
    *("pause", "digit-5", "digit-6", "digit-7", "digit-8"),
    *("pause", "digit-9", "digit-0", "digit-1", "digit-8", "pause"),
)
CODE_FIRST = Say(("your-code", *SPELLED))
CODE_SECOND = Ask(("code-repeat", *SPELLED, "code-care", "code-again"), 4.0)
CODE_MORE = Ask(("code-repeat", *SPELLED, "code-again"), 4.0)
SORRY = Say(("cannot-take-now", "goodbye"))
GOODBYE = Say(("goodbye",))
SPOKE = Heard(Ended.KEY, 12.0)
EMPTY = Heard(Ended.KEY, 0.2)


@pytest.fixture
def play() -> Playbook:
    """At the first Listen."""
    start = Playbook(["es"]) << Speak("es") << MAIN
    return start >> Keys("1") << INSTRUCTION >> Silence() << TONE << Listen()


@pytest.fixture
def told(play) -> Playbook:
    """The code was said once."""
    return play >> SPOKE << REVIEW >> Keys("1") << Keep() >> Kept(CODE) << CODE_FIRST


def end(play: Playbook) -> None:
    """The code is said, repeated in silence, and the call ends."""
    play << CODE_FIRST << CODE_SECOND >> Silence() << CODE_MORE >> Silence()
    play << CODE_MORE >> Silence() << GOODBYE << None


def test_a_tip_is_spoken_kept_and_its_code_said(play):
    end(play >> SPOKE << REVIEW >> Keys("1") << Keep() >> Kept(CODE))


def test_a_caller_who_cannot_press_keys_leaves_a_tip_and_gets_its_code():
    help_ = Ask(("menu-main-help",), 4.0)
    play = Playbook(["es"]) << Speak("es") << MAIN >> Silence() << help_ >> Silence()
    play << help_ >> Silence() << INSTRUCTION >> Silence() << TONE << Listen() >> SPOKE
    play << REVIEW >> Silence() << REVIEW >> Silence() << REVIEW >> Silence()
    end(play << Keep() >> Kept(CODE))


def test_a_key_during_the_instruction_goes_straight_to_the_tone():
    play = Playbook(["es"]) << Speak("es") << MAIN >> Keys("1") << INSTRUCTION
    play >> Keys("5") << TONE << Listen()


def test_star_during_the_instruction_goes_back():
    play = Playbook(["es"]) << Speak("es") << MAIN >> Keys("1") << INSTRUCTION
    play >> Keys("*") << Ask(("menu-main",), 4.0)


def test_wrong_keys_at_the_review_keep_the_tip(play):
    play >> SPOKE << REVIEW >> Keys("9") << REVIEW >> Keys("*") << REVIEW >> Keys("#") << Keep()


def test_the_caller_can_hear_what_was_recorded(play):
    play >> SPOKE << REVIEW >> Keys("2") << PlayBack() >> Silence() << REVIEW


def test_a_key_during_the_playback_answers_the_review(play):
    play >> SPOKE << REVIEW >> Keys("2") << PlayBack() >> Keys("1") << Keep()


def test_a_key_that_means_nothing_only_ends_the_playback(play):
    play >> SPOKE << REVIEW >> Keys("2") << PlayBack() >> Keys("7") << REVIEW


def test_the_caller_can_record_again(play):
    play >> SPOKE << REVIEW >> Keys("3") << TONE << Listen(append=False) >> SPOKE << REVIEW


def test_the_caller_can_add_more(play):
    play >> SPOKE << REVIEW >> Keys("4") << TONE << Listen(append=True) >> SPOKE << REVIEW


def test_a_recording_that_hit_the_limit_says_so_once(play):
    limit = Ask(("limit-reached", "menu-review"), 4.0)
    play >> Heard(Ended.LIMIT, 180.0) << limit >> Keys("2") << PlayBack() >> Silence() << REVIEW


def test_adding_where_nothing_is_left_leads_back_to_the_review(play):
    play >> SPOKE << REVIEW >> Keys("4") << TONE << Listen(append=True)
    play >> Heard(Ended.LIMIT, 0.0) << Ask(("limit-reached", "menu-review"), 4.0)


def test_an_empty_recording_asks_once_more(play):
    again = Say(("nothing-heard", "tone"))
    play >> EMPTY << again << Listen() >> SPOKE << REVIEW


def test_two_empty_recordings_end_the_call_without_a_code(play):
    again = Say(("nothing-heard", "tone"))
    play >> EMPTY << again << Listen() >> EMPTY << Say(("nothing-recorded", "goodbye")) << None


def test_half_a_second_is_speech(play):
    play >> Heard(Ended.KEY, 0.5) << REVIEW


def test_an_empty_second_recording_does_not_lose_the_first(play):
    play >> SPOKE << REVIEW >> Keys("3") << TONE << Listen() >> EMPTY
    play << Say(("nothing-heard", "tone")) << Listen() >> EMPTY << REVIEW >> Keys("1") << Keep()


def test_a_recording_that_failed_is_an_apology(play):
    play >> Heard(Ended.FAILED, 0.0) << SORRY << None


def test_an_addition_that_failed_still_earns_the_code_of_the_rest(play):
    play >> SPOKE << REVIEW >> Keys("4") << TONE << Listen(append=True)
    end(play >> Heard(Ended.FAILED, 3.0) << Say(("part-lost",)) << Keep() >> Kept(CODE))


def test_a_store_that_refuses_is_an_apology(play):
    play >> SPOKE << REVIEW >> Keys("1") << Keep() >> Refused() << SORRY << None


def test_one_says_the_code_again(told):
    told << CODE_SECOND >> Keys("1") << CODE_MORE >> Keys("1") << CODE_MORE


def test_a_wrong_key_says_the_code_again_rather_than_cut_it_short(told):
    told << CODE_SECOND >> Keys("5") << CODE_MORE >> Keys("#") << CODE_MORE >> Keys("9") << GOODBYE


def test_the_code_is_not_said_for_ever(told):
    told << CODE_SECOND >> Keys("1")
    for _ in range(7):
        told << CODE_MORE >> Keys("1")
    told << GOODBYE << None


def test_endless_second_thoughts_keep_the_tip(play):
    play >> SPOKE
    for _ in range(12):
        play << REVIEW >> Keys("3") << TONE << Listen() >> SPOKE
    play << Keep()


@pytest.mark.parametrize("event", [HungUp(), Heard(Ended.HANGUP, 20.0)])
def test_hang_up_while_speaking_just_ends(play, event):
    play >> event << None


def test_hang_up_while_the_code_is_said_just_ends(play):
    play >> SPOKE << REVIEW >> Keys("1") << Keep() >> Kept(CODE) >> HungUp() << None


def test_a_code_is_spelled_in_groups_of_four_with_pauses():
    assert spelled(CODE) == SPELLED
