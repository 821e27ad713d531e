import pytest

from tests.ivr.callers import CODE
from tests.ivr.playbook import TONE, Playbook
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
    Prepare,
    Refused,
    Say,
    Silence,
    Speak,
)
from tipline_gw.ivr.memory import MOST_ANSWERS, spelled

MAIN = Ask(("welcome", "menu-main"), 4.0)
INSTRUCTION = Ask(("leave-tip",), 0.0)
READY = Prepare(Listen())
CHANGED, MORE = Listen(disguised=True), Listen(append=True)
AGAIN = Ask(("nothing-heard", "tone"), 0.0)
REVIEW = Ask(("menu-review",), 4.0)


def paced(group: str) -> tuple[str, ...]:
    return tuple(each for digit in group for each in (f"digit-{digit}", "pause"))


GAP = ("pause", "pause")
SPELLED = ("pause", *paced("1234"), *GAP, *paced("5678"), *GAP, *paced("9018"))
CODE_FIRST = Say(("your-code", *SPELLED))
CODE_SECOND = Ask(("code-repeat", *SPELLED, "code-care", "code-again"), 4.0)
CODE_MORE = Ask(("code-repeat", *SPELLED, "code-again"), 4.0)
GOODBYE = Say(("goodbye",))
SORRY = Say(("cannot-take-now",))
SPOKE = Heard(Ended.KEY, 12.0)
EMPTY = Heard(Ended.KEY, 0.2)
DEAD = Heard(Ended.KEY, 9.0, spoken=False)
NOTHING = Ask(("nothing-recorded", "menu-nothing"), 4.0)


@pytest.fixture
def play() -> Playbook:
    """At the first Listen."""
    start = Playbook(["es"]) << Speak("es") << MAIN
    return start >> Keys("1") << INSTRUCTION >> Silence() << READY << TONE >> Silence() << Listen()


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
    help_ = Ask(("menu-main-help", "voice-offer"), 4.0)
    play = Playbook(["es"]) << Speak("es") << MAIN >> Silence() << help_ >> Silence()
    play << help_ >> Silence() << INSTRUCTION >> Silence() << READY << TONE >> Silence() << Listen()
    play >> SPOKE
    play << REVIEW >> Silence() << REVIEW >> Silence() << REVIEW >> Silence()
    end(play << Keep() >> Kept(CODE))


def test_a_key_during_the_instruction_goes_straight_to_the_tone():
    play = Playbook(["es"]) << Speak("es") << MAIN >> Keys("1") << INSTRUCTION
    play >> Keys("5") << READY << TONE >> Silence() << Listen()


def test_a_key_typed_ahead_of_the_tone_has_it_sound_again():
    play = Playbook(["es"]) << Speak("es") << MAIN >> Keys("1") << INSTRUCTION >> Silence()
    play << READY << TONE >> Keys("5") << TONE >> Keys("#") << TONE >> Silence() << Listen()


def test_advice_and_the_way_back_are_there_until_the_tone_has_sounded():
    play = Playbook(["es"]) << Speak("es") << MAIN >> Keys("1") << INSTRUCTION >> Keys("0")
    play << Ask(("advice", "leave-tip"), 0.0) >> Silence() << READY << TONE >> Keys("0")
    play << Ask(("advice", "leave-tip"), 0.0) >> Silence() << READY << TONE >> Keys("*")
    play << Ask(("menu-main",), 4.0)


def test_three_leaves_a_tip_with_a_changed_voice():
    play = Playbook(["es"]) << Speak("es") << MAIN >> Keys("3")
    play << Ask(("voice-will-change", "leave-tip"), 0.0) >> Silence()
    play << Prepare(CHANGED) << TONE >> Silence() << CHANGED >> SPOKE
    play << Ask(("voice-changed", "menu-review"), 4.0)
    play >> Keys("4") << Prepare(Listen(append=True, disguised=True)) << TONE >> Silence()
    play << Listen(append=True, disguised=True)


def test_three_leaves_a_voice_alone_where_all_others_are_changed():
    play = Playbook(["es"], disguise="default") << Speak("es") << MAIN >> Keys("3")
    play << INSTRUCTION >> Keys("*") << Ask(("menu-main",), 4.0) >> Keys("1") << INSTRUCTION
    play >> Silence() << Prepare(CHANGED) << TONE >> Silence() << CHANGED


def test_silence_takes_the_usual_voice_of_the_line():
    help_ = Ask(("menu-main-help", "voice-own"), 4.0)
    play = Playbook(["es"], disguise="default") << Speak("es") << MAIN >> Silence() << help_
    play >> Silence() << help_ >> Silence() << INSTRUCTION >> Silence()
    play << Prepare(CHANGED) << TONE >> Silence() << CHANGED


def test_three_means_nothing_where_no_voice_is_changed():
    play = Playbook(["es"], disguise="off") << Speak("es") << MAIN >> Keys("3")
    play << Ask(("menu-main-help",), 4.0) >> Keys("1") << INSTRUCTION


def test_star_during_the_instruction_goes_back():
    play = Playbook(["es"]) << Speak("es") << MAIN >> Keys("1") << INSTRUCTION
    play >> Keys("*") << Ask(("menu-main",), 4.0)


def test_wrong_keys_at_the_review_keep_the_tip(play):
    play >> SPOKE << REVIEW >> Keys("9") << REVIEW >> Keys("5") << REVIEW >> Keys("#") << Keep()


def test_star_at_the_review_is_one_step_back_and_forth_again(play):
    play >> SPOKE << REVIEW >> Keys("*") << INSTRUCTION >> Keys("*") << REVIEW
    play >> Keys("*") << INSTRUCTION >> Silence() << READY << TONE >> Keys("*") << REVIEW
    play >> Keys("1")
    play << Keep()


def test_advice_at_the_review_comes_back_to_it(play):
    play >> SPOKE << REVIEW >> Keys("0") << Ask(("advice", "menu-review"), 4.0) >> Keys("1")
    play << Keep()


def test_the_caller_can_hear_what_was_recorded(play):
    play >> SPOKE << REVIEW >> Keys("2") << PlayBack() >> Silence() << REVIEW


def test_a_key_during_the_playback_answers_the_review(play):
    play >> SPOKE << REVIEW >> Keys("2") << PlayBack() >> Keys("1") << Keep()


def test_a_key_that_means_nothing_only_ends_the_playback(play):
    play >> SPOKE << REVIEW >> Keys("2") << PlayBack() >> Keys("7") << REVIEW


def test_the_caller_can_record_again(play):
    play >> SPOKE << REVIEW >> Keys("3") << Prepare(Listen(append=False)) << TONE >> Silence()
    play << Listen(append=False) >> SPOKE << REVIEW


def test_the_caller_can_add_more(play):
    play >> SPOKE << REVIEW >> Keys("4") << Prepare(MORE) << TONE >> Silence() << MORE >> SPOKE
    play << REVIEW


def test_a_recording_that_hit_the_limit_says_so_once(play):
    limit = Ask(("limit-reached", "menu-review"), 4.0)
    play >> Heard(Ended.LIMIT, 180.0) << limit >> Keys("2") << PlayBack() >> Silence() << REVIEW


def test_adding_where_nothing_is_left_leads_back_to_the_review(play):
    play >> SPOKE << REVIEW >> Keys("4") << Prepare(MORE) << TONE >> Silence() << MORE
    play >> Heard(Ended.LIMIT, 0.0) << Ask(("limit-reached", "menu-review"), 4.0)


@pytest.mark.parametrize("nothing", [EMPTY, DEAD, Heard(Ended.LIMIT, 180.0, spoken=False)])
def test_an_empty_or_silent_recording_asks_once_more(play, nothing):
    play >> nothing << READY << AGAIN >> Silence() << Listen() >> SPOKE << REVIEW


@pytest.mark.parametrize("nothing", [EMPTY, DEAD])
def test_two_of_them_lead_on_to_a_menu_and_store_nothing(play, nothing):
    play >> nothing << READY << AGAIN >> Silence() << Listen() >> nothing << NOTHING
    play >> Keys("0") << Ask(("advice", "menu-nothing"), 4.0) >> Keys("1") << READY << TONE
    play >> Silence() << Listen() >> nothing << READY << AGAIN >> Silence() << Listen() >> nothing
    play << NOTHING
    play >> Keys("*") << Ask(("menu-main",), 4.0)


def test_silence_to_the_end_is_a_goodbye(play):
    play >> DEAD << READY << AGAIN >> Silence() << Listen() >> DEAD << NOTHING
    again = Ask(("menu-nothing",), 4.0)
    play >> Silence() << again >> Silence() << again >> Silence() << GOODBYE << None


def test_each_recording_may_be_asked_for_once_more(play):
    play >> DEAD << READY << AGAIN >> Silence() << Listen() >> SPOKE << REVIEW
    play >> Keys("3") << READY << TONE >> Silence() << Listen() >> DEAD << READY << AGAIN


def test_half_a_second_is_speech(play):
    play >> Heard(Ended.KEY, 0.5) << REVIEW


def test_an_empty_second_recording_does_not_lose_the_first(play):
    play >> SPOKE << REVIEW >> Keys("3") << READY << TONE >> Silence() << Listen() >> EMPTY
    play << READY << AGAIN >> Silence() << Listen() >> EMPTY
    play << Ask(("nothing-new", "menu-review"), 4.0) >> Keys("1") << Keep()


def test_what_cannot_be_taken_is_told_before_the_caller_spoke():
    play = Playbook(["es"]) << Speak("es") << MAIN >> Keys("1") << INSTRUCTION >> Silence()
    assert play.command == READY
    play >> Refused() << SORRY << GOODBYE << None


def test_a_second_recording_that_cannot_be_begun_is_told_after_silence_too(play):
    play >> DEAD
    assert play.command == READY
    play >> Refused() << SORRY << GOODBYE << None


def test_a_recording_that_failed_is_an_apology(play):
    play >> Heard(Ended.FAILED, 0.0) << SORRY << GOODBYE << None


LOST = Say(("part-lost", "your-code", *SPELLED))


def test_adding_more_that_failed_still_earns_the_code_of_the_rest(play):
    play >> SPOKE << REVIEW >> Keys("4") << Prepare(MORE) << TONE >> Silence() << MORE
    play >> Heard(Ended.FAILED, 0.0) << Keep() >> Kept(CODE) << LOST << CODE_SECOND


def test_adding_more_where_nothing_can_be_taken_earns_the_code_of_the_rest(play):
    play >> SPOKE << REVIEW >> Keys("4")
    assert play.command == Prepare(MORE)
    play >> Refused() << Keep() >> Kept(CODE) << LOST << CODE_SECOND


def test_a_recording_that_broke_off_is_kept_as_far_as_it_came(play):
    play >> Heard(Ended.FAILED, 9.0) << Keep() >> Kept(CODE) << LOST << CODE_SECOND


def test_one_that_broke_off_and_cannot_be_kept_is_an_apology(play):
    play >> Heard(Ended.FAILED, 9.0) << Keep() >> Refused()
    play << SORRY << GOODBYE << None


def test_a_store_that_refuses_is_an_apology(play):
    play >> SPOKE << REVIEW >> Keys("1") << Keep() >> Refused() << SORRY << GOODBYE << None


def test_one_says_the_code_again(told):
    told << CODE_SECOND >> Keys("1") << CODE_MORE >> Keys("1") << CODE_MORE


def test_a_wrong_key_says_the_code_again_rather_than_cut_it_short(told):
    told << CODE_SECOND >> Keys("5") << CODE_MORE >> Keys("#") << CODE_MORE >> Keys("9") << GOODBYE


def test_advice_and_the_way_back_after_the_code(told):
    told << CODE_SECOND >> Keys("0") << Ask(("advice", *CODE_MORE.prompts), 4.0) >> Keys("*")
    told << Ask(("menu-main",), 4.0) >> Keys("1") << INSTRUCTION >> Keys("*")
    told << Ask(("menu-main",), 4.0)


def test_the_code_is_not_said_for_ever(told):
    told << CODE_SECOND >> Keys("1")
    for _ in range(MOST_ANSWERS - 3):
        told << CODE_MORE >> Keys("1")
    told << CODE_MORE >> Keys("1") << GOODBYE << None


def test_endless_second_thoughts_keep_the_tip(play):
    play >> SPOKE
    for _ in range(MOST_ANSWERS - 2):
        play << REVIEW >> Keys("3") << READY << TONE >> Silence() << Listen() >> SPOKE
    # No key is heard any more, so none cuts the tone off.
    play << REVIEW >> Keys("3") << READY << Say(("tone",)) << Listen() >> SPOKE
    play << REVIEW >> Keys("3") << Keep()


@pytest.mark.parametrize("event", [HungUp(), Heard(Ended.HANGUP, 20.0)])
def test_hang_up_while_speaking_just_ends(play, event):
    play >> event << None


def test_hang_up_while_the_code_is_said_just_ends(play):
    play >> SPOKE << REVIEW >> Keys("1") << Keep() >> Kept(CODE) >> HungUp() << None


def test_a_code_is_spelled_in_groups_of_four_with_longer_pauses_between():
    assert spelled(CODE) == SPELLED
