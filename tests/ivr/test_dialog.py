import random
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ivr.callers import CODE, answers, call, silent
from tests.ivr.playbook import Playbook
from tipline_gw.domain.dialog import (
    Ask,
    Ended,
    Found,
    Heard,
    HungUp,
    Keep,
    Kept,
    Keys,
    Listen,
    LookUp,
    NotFound,
    PlayBack,
    Refused,
    Say,
    Silence,
    Speak,
)
from tipline_gw.domain.tip import State
from tipline_gw.ivr.leaving import spelled
from tipline_gw.prompts import names
from tipline_gw.prompts.catalogue import Catalogue, shipped

MAIN = Ask(("welcome", "menu-main"), 4.0)
MOST_COMMANDS = 400
"""More than any caller can make the dialog say; the exact number does not matter, that there is
one does."""

LANGUAGES = st.sampled_from([["es"], ["es", "en"], ["en", "es"]])


@pytest.fixture
def play() -> Playbook:
    """At the main menu, in Spanish, where there is English as well."""
    start = Playbook(["es", "en"]) << Speak("es")
    return start << Ask(("language-es", "language-en"), 3.0) >> Keys("1") << MAIN


def test_nine_repeats_the_welcome_and_the_whole_menu(play):
    play >> Keys("9") << Ask(("welcome", "menu-main-help", "menu-main"), 4.0)


def test_zero_gives_advice_and_comes_back(play):
    play >> Keys("0") << Ask(("advice", "menu-main"), 4.0)


def test_star_goes_back_to_the_language_menu(play):
    play >> Keys("*") << Speak("es") << Ask(("language-es", "language-en"), 3.0) >> Keys("2")
    play << Speak("en") << Ask(("menu-main",), 4.0)


def test_the_repeated_menu_offers_the_other_language(play):
    play >> Keys("8") << Ask(("menu-main-help", "menu-main-language"), 4.0)


def test_going_round_the_menu_for_ever_ends_in_a_goodbye(play):
    for _ in range(12):
        play >> Keys("9")
    play << Say(("goodbye",)) << None


def test_all_that_is_said_before_the_tone_is_what_is_measured():
    """The eight seconds are checked for names.before_tone: this is that path."""
    play = Playbook(["es", "en"]) << Speak("es")
    said: list[str] = []
    for key in (Keys("2"), None, Keys("1"), Silence()):
        if isinstance(play.command, Ask):
            said += play.command.prompts
        play = play >> key if key else play << Speak("en")
    assert play.command == Say(("tone",))
    assert tuple(said) == names.before_tone(["es", "en"])


def test_silence_from_the_first_word_on_leaves_a_tip_and_ends():
    steps = list(call(["es", "en"], silent))
    assert Listen() in [command for command, _ in steps]
    assert steps[-1][0] == Say(("goodbye",))
    assert len(steps) < 30


def test_a_line_that_is_dead_to_the_end_ends_too():
    def dead(command):
        return Heard(Ended.KEY, 0.0) if isinstance(command, Listen) else silent(command)

    steps = list(call(["es", "en"], dead))
    assert steps[-1][0] == Say(("nothing-recorded", "goodbye"))
    assert not any(isinstance(command, Keep) for command, _ in steps)


@settings(max_examples=400, deadline=None, database=None)
@given(data=st.data(), languages=LANGUAGES)
def test_whatever_a_caller_does_the_dialog_goes_on_and_ends(data, languages):
    steps = call(languages, lambda command: data.draw(answers(command)))
    for count, _ in enumerate(steps):
        assert count < MOST_COMMANDS


@settings(max_examples=300, deadline=None, database=None)
@given(data=st.data(), languages=LANGUAGES, moment=st.integers(0, 60))
def test_hang_up_at_any_moment_ends_at_once(data, languages, moment):
    steps = list(call(languages, lambda command: data.draw(answers(command)), moment))
    assert all(event != HungUp() for _, event in steps[:-1])
    assert len(steps) <= moment + 1


@settings(max_examples=300, deadline=None, database=None)
@given(data=st.data(), languages=LANGUAGES)
def test_a_code_that_was_given_is_said_whole_and_cannot_be_interrupted(data, languages):
    steps = list(call(languages, lambda command: data.draw(answers(command))))
    for (_, event), (following, _) in pairwise(steps):
        if isinstance(event, Kept):
            assert following == Say((names.YOUR_CODE, *spelled(event.code)))
    assert not isinstance(steps[-1][1], Kept)


@settings(max_examples=300, deadline=None, database=None)
@given(data=st.data(), languages=LANGUAGES)
def test_what_was_spoken_is_kept_unless_the_recording_failed(data, languages):
    steps = list(call(languages, lambda command: data.draw(answers(command))))
    events = [event for _, event in steps]
    spoken = [
        event
        for event in events
        if isinstance(event, Heard) and event.ended is not Ended.FAILED and event.seconds >= 0.5
    ]
    kept = [event for event in events if isinstance(event, Kept | Refused)]
    assert len(kept) == (1 if spoken else 0)


@settings(max_examples=300, deadline=None, database=None)
@given(data=st.data())
def test_no_call_looks_up_more_than_five_codes_that_are_not_there(data):
    def guesses(command):
        if isinstance(command, Ask) and command.digits == 1:
            return Keys("2")
        return NotFound() if isinstance(command, LookUp) else data.draw(answers(command))

    steps = list(call(["es"], guesses))
    assert sum(isinstance(command, LookUp) for command, _ in steps) <= 5


def test_every_prompt_that_can_be_said_is_in_the_catalogues_and_none_is_idle():
    said = _everything_said(["es", "en"])
    offers = {names.language(language) for language in ("es", "en")}
    spoken = (said - offers - set(names.GENERATED)) | {names.LANGUAGE_CHOICE}
    assert said >= offers | set(names.GENERATED)
    assert spoken == {names.LANGUAGE_CHOICE, *names.SAID}
    for language in shipped():
        assert set(Catalogue.load(language).prompt_names()) == spoken


def _everything_said(languages: list[str]) -> set[str]:
    """By many calls at random, with a fixed seed, and one for each state of a case."""
    choice, said = random.Random(1), set[str]()
    for number in range(3000):
        for command, _ in call(languages, partial(_at_random, choice, number)):
            said |= set(command.prompts) if isinstance(command, Ask | Say) else set()
    return said


def _at_random(choice, number, command):
    match command:
        case Ask(digits=1) | PlayBack():
            return choice.choice([Silence(), *map(Keys, "0123459*")])
        case Ask():
            return choice.choice([Keys(CODE), Keys("1"), Silence()])
        case Listen():
            return Heard(
                choice.choice([Ended.KEY, Ended.LIMIT, Ended.FAILED]), choice.choice([0.0, 9.0])
            )
        case Keep():
            return choice.choice([Kept("0123456789" + CODE[:2]), Refused()])
        case LookUp():
            return choice.choice([Found(State(number % len(State))), NotFound()])
        case _:
            return silent(command)
