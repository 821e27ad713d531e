from tipline_gw.domain.tip import State
from tipline_gw.prompts import names


def test_every_state_has_a_prompt_and_a_text():
    assert {names.state(state) for state in State} <= set(names.SAID)
    assert {names.status(state) for state in State} <= set(names.WRITTEN)


def test_no_name_stands_twice():
    everything = (names.LANGUAGE_CHOICE, *names.SAID, *names.GENERATED)
    assert len(set(everything)) == len(everything)
    assert len(set(names.WRITTEN)) == len(names.WRITTEN)


def test_the_language_menu_lies_in_the_first_folder_alone():
    assert names.of_folder(["es", "en"], "es")[:2] == ("language-es", "language-en")
    assert names.of_folder(["es", "en"], "en") == (*names.SAID, *names.GENERATED)


def test_one_language_has_no_menu():
    assert names.language_menu(["es"]) == ()
    assert names.before_tone(["es"]) == ("welcome", "menu-main", "leave-tip")


def test_before_the_tone_the_language_menu_counts():
    assert names.before_tone(["es", "en"])[:2] == ("language-es", "language-en")
