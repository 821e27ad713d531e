import random
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ivr.callers import CODE, at_random, call, silent
from tests.ivr.playbook import TONE, Playbook
from tipline_gw.domain.dialog import (
    Ask,
    Count,
    Done,
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
    PlayAnswer,
    PlayBack,
    Prepare,
    Refused,
    Say,
    Silence,
    Speak,
)
from tipline_gw.domain.tip import State
from tipline_gw.ivr.memory import spelled
from tipline_gw.prompts import names
from tipline_gw.prompts.catalogue import Catalogue

MAIN = Ask(("welcome", "menu-main"), 4.0)
MOST_COMMANDS = 300
"""More than any caller can make the dialog say; the exact number does not matter, that there is
one does."""

LANGUAGES = st.sampled_from([["es"], ["es", "en"], ["en", "es", "maz"]])
OPTIONS = st.fixed_dictionaries(
    {"disguise": st.sampled_from(["off", "offer", "default"])},
    optional={"challenge": st.sampled_from("123456789")},
)
many = settings(max_examples=200, deadline=None, database=None)


@pytest.fixture
def play() -> Playbook:
    """At the main menu, in Spanish, where there is English as well."""
    start = Playbook(["es", "en"]) << Speak("es", chosen=False)
    return start << Ask(("language-es", "language-en"), 3.0) >> Keys("1") << Speak("es") << MAIN


def test_nine_repeats_the_welcome_and_the_whole_menu(play):
    (
        play
        >> Keys("9")
        << Ask(("welcome", "menu-main-help", "voice-offer", "menu-main-language", "menu-main"), 4.0)
    )


def test_zero_gives_advice_and_comes_back(play):
    play >> Keys("0") << Ask(("advice", "menu-main"), 4.0)


def test_star_goes_back_to_the_language_menu(play):
    offers = Ask(("language-es", "language-en"), 3.0)
    play >> Keys("*") << offers >> Keys("2") << Speak("en") << MAIN
    play >> Keys("*") << Speak("es") << offers >> Keys("1") << MAIN


def test_star_where_there_is_one_language_says_the_menu_again():
    play = Playbook(["es"]) << Speak("es") << MAIN
    play >> Keys("*") << Ask(("menu-main",), 4.0)


def test_the_repeated_menu_offers_another_voice_and_another_language(play):
    play >> Keys("8") << Ask(("menu-main-help", "voice-offer", "menu-main-language"), 4.0)


def test_another_greeting_takes_the_place_of_the_welcome():
    play = Playbook(["es"], greeting="welcome-fraud") << Speak("es")
    play << Ask(("welcome-fraud", "menu-main"), 4.0) >> Keys("9")
    play << Ask(("welcome-fraud", "menu-main-help", "voice-offer", "menu-main"), 4.0)


def test_going_round_the_menu_for_ever_leads_to_the_tone_and_an_end():
    def nine(command):
        return Keys("9") if isinstance(command, Ask) else silent(command)

    steps = list(call(["es"], nine))
    assert sum(isinstance(command, Listen) for command, _ in steps) == 1
    assert steps[-1][0] == Say(("goodbye",))


def test_all_that_is_said_before_the_tone_is_what_is_measured():
    """The eight seconds are checked for names.before_tone: this is that path."""
    play = Playbook(["es", "en"]) << Speak("es", chosen=False)
    said: list[str] = []
    for key in (Keys("2"), None, Keys("1"), Silence()):
        if isinstance(play.command, Ask):
            said += play.command.prompts
        play = play >> key if key else play << Speak("en")
    play << Prepare(Listen())
    assert play.command == TONE
    assert tuple(said) == names.before_tone(["es", "en"])


def test_silence_from_the_first_word_on_leaves_a_tip_and_ends():
    steps = list(call(["es", "en"], silent))
    assert Listen() in [command for command, _ in steps]
    assert steps[-1][0] == Say(("goodbye",))
    assert len(steps) < 30


@pytest.mark.parametrize(
    "nothing", [Heard(Ended.KEY, 0.0), Heard(Ended.LIMIT, 180.0, spoken=False)]
)
def test_a_line_that_is_dead_to_the_end_ends_too_and_is_recorded_twice_at_most(nothing):
    steps = list(call(["es", "en"], lambda c: nothing if isinstance(c, Listen) else silent(c)))
    assert steps[-1][0] == Say(("goodbye",))
    assert sum(isinstance(command, Listen) for command, _ in steps) == 2
    assert not any(isinstance(command, Keep) for command, _ in steps)


@many
@given(data=st.data(), languages=LANGUAGES, options=OPTIONS)
def test_whatever_a_caller_does_the_dialog_goes_on_and_ends(data, languages, options):
    for count, _ in enumerate(call(languages, at_random(data), **options)):
        assert count < MOST_COMMANDS


@settings(max_examples=60, deadline=None, database=None)
@given(key=st.sampled_from("0123456789*"), seed=st.integers(0, 99))
def test_no_key_pressed_for_ever_holds_the_line(key, seed):
    """The worst callers: one key all the time, and every code wrong in its own way."""
    choice = random.Random(seed)

    def stubborn(command):
        if isinstance(command, Ask) and command.digits == 1 and choice.random() < 0.9:
            return Keys(key)
        return _at_random(choice, seed, command)

    for count, _ in enumerate(call(["es", "en"], stubborn)):
        assert count < MOST_COMMANDS


@many
@given(data=st.data(), languages=LANGUAGES, options=OPTIONS, moment=st.integers(0, 60))
def test_hang_up_at_any_moment_ends_at_once(data, languages, options, moment):
    steps = list(call(languages, at_random(data), moment, **options))
    assert all(event != HungUp() for _, event in steps[:-1])
    assert len(steps) <= moment + 1


@many
@given(data=st.data(), languages=LANGUAGES, options=OPTIONS)
def test_a_code_that_was_given_is_said_whole_twice_and_first_uninterrupted(
    data, languages, options
):
    steps = list(call(languages, at_random(data), **options))
    for (_, event), (following, _), (second, _) in zip(steps, steps[1:], steps[2:], strict=False):
        if isinstance(event, Kept) and event.code:
            assert isinstance(following, Say)
            assert following.prompts[-1 - len(spelled(event.code)) :] == (
                names.YOUR_CODE,
                *spelled(event.code),
            )
            assert isinstance(second, Ask)
            assert second.prompts[:-2] == (names.CODE_REPEAT, *spelled(event.code))
    assert not isinstance(steps[-1][1], Kept)


@many
@given(data=st.data(), languages=LANGUAGES, options=OPTIONS)
def test_no_recording_is_lost(data, languages, options):
    """Whatever was spoken is kept before the call ends or another tip begins, and nothing is
    kept that was not spoken."""
    standing = False
    for command, event in call(languages, at_random(data), **options):
        if isinstance(command, Listen):
            assert standing or not command.append
            standing = standing or (isinstance(event, Heard) and event.seconds >= 0.5 and (
                event.spoken or event.ended is Ended.FAILED
            ))  # fmt: skip
        if isinstance(command, Keep):
            assert standing
            standing = False
        if isinstance(command, LookUp):
            assert not standing
    assert not standing


@many
@given(data=st.data(), options=OPTIONS)
def test_a_recording_is_begun_right_after_the_tone_and_never_by_a_key(data, options):
    steps = list(call(["es"], at_random(data), **options))
    for (before, event), (command, _) in pairwise(steps):
        if isinstance(command, Listen) and event == Silence():
            assert before.prompts[-1] == "tone"


@many
@given(data=st.data(), options=OPTIONS)
def test_what_is_recorded_was_begun_on_disk_before_its_tone(data, options):
    prepared = None
    for command, event in call(["es"], at_random(data), **options):
        if isinstance(command, Prepare):
            prepared = command.listen if event == Done() else None
        elif isinstance(command, Listen):
            assert command == prepared
            prepared = None
        elif isinstance(command, Ask) and "tone" in command.prompts:
            assert prepared is not None


@many
@given(data=st.data(), options=OPTIONS)
def test_a_voice_is_changed_only_as_the_line_or_its_caller_wants_and_all_of_a_tip(data, options):
    steps = list(call(["es"], at_random(data), **options))
    recordings = [command for command, _ in steps if isinstance(command, Listen)]
    changed = {recording.disguised for recording in recordings}
    if Keys("3") not in [event for _, event in steps] or options["disguise"] == "off":
        assert changed <= {options["disguise"] == "default"}
    for before, recording in pairwise(recordings):
        if recording.append:
            assert (recording.disguised, recording.addition) == (before.disguised, before.addition)


@many
@given(data=st.data())
def test_no_call_tries_more_than_five_wrong_codes(data):
    other = at_random(data)

    def guesses(command):
        if isinstance(command, Ask) and command.digits == 1:
            return Keys("2")
        return NotFound() if isinstance(command, LookUp) else other(command)

    steps = list(call(["es"], guesses))
    wrong = sum(command == Count("code-wrong") for command, _ in steps)
    assert sum(isinstance(command, LookUp) for command, _ in steps) <= wrong <= 5
    assert (Count("too-many-tries") in [command for command, _ in steps]) == (wrong == 5)


@many
@given(data=st.data(), options=OPTIONS)
def test_found_and_not_found_are_told_in_as_many_steps(data, options):
    """One step each between the answer of the store and the first word of ours."""
    steps = list(call(["es"], at_random(data), **options))
    for (_, event), following in pairwise(steps):
        if isinstance(event, Found):
            assert isinstance(following[0], Ask)
        if isinstance(event, NotFound):
            assert isinstance(following[0], Count)


def test_every_prompt_that_can_be_said_is_in_the_catalogues_and_none_is_idle():
    said = _everything_said(["es", "en"])
    offers = {names.language(language) for language in ("es", "en")}
    spoken = (said - offers - set(names.GENERATED)) | {names.LANGUAGE_CHOICE}
    assert said >= offers | set(names.GENERATED)
    # What the dialplan says where the gateway does not.
    spoken |= {names.SEND_A_TEXT}
    assert spoken == {names.LANGUAGE_CHOICE, *names.SAID}
    for language in ("es", "en"):
        assert set(Catalogue.load(language).prompt_names()) == spoken


def _everything_said(languages: list[str]) -> set[str]:
    """By many calls at random, with a fixed seed, and some for each state of a case."""
    choice, said = random.Random(1), set[str]()
    for number in range(3000):
        options = {"disguise": choice.choice(["offer", "default"])}
        if number % 10 == 0:
            options["challenge"] = str(1 + number // 10 % 9)
        for command, _ in call(languages, partial(_at_random, choice, number), **options):
            said |= set(command.prompts) if isinstance(command, Ask | Say) else set()
    return said


def _at_random(choice, number, command):
    match command:
        case Ask(digits=1) | PlayBack():
            return choice.choice([Silence(), *map(Keys, "0123459*")])
        case PlayAnswer():
            return choice.choice([Silence(), Refused()])
        case Ask():
            return choice.choice([Keys(CODE), Keys(CODE), Keys("1"), Silence()])
        case Listen():
            ended = choice.choice([Ended.KEY, Ended.LIMIT, Ended.FAILED])
            return Heard(ended, choice.choice([0.0, 9.0]), choice.choice([True, True, False]))
        case Keep():
            return choice.choice([Kept(CODE[2:] + CODE[:2]), Kept(None), Refused()])
        case LookUp():
            state = State(number % len(State))
            found = Found(state, choice.random() < 0.5, choice.random() < 0.5)
            return choice.choice([found, NotFound(), Refused()])
        case _:
            return silent(command)
