import pytest

from tests.ivr.playbook import Playbook
from tipline_gw.domain.dialog import Ask, Keys, Silence, Speak
from tipline_gw.ivr.languages import language_menu
from tipline_gw.ivr.stages import Edge

ES_EN = Ask(("language-es", "language-en"), 3.0)
MAIN = Ask(("welcome", "menu-main"), 4.0)
UNCHOSEN = Speak("es", chosen=False)
ADVICE = Ask(("advice",), 0.0)


def test_the_first_key_is_the_first_language_of_the_configuration():
    Playbook(["es", "en"]) << UNCHOSEN << ES_EN >> Keys("1") << Speak("es") << MAIN


def test_another_language_is_spoken_from_its_key_on():
    Playbook(["es", "en"]) << UNCHOSEN << ES_EN >> Keys("2") << Speak("en") << MAIN


def test_the_order_of_the_configuration_is_the_order_of_the_keys():
    play = (
        Playbook(["en", "es"])
        << Speak("en", chosen=False)
        << Ask(("language-en", "language-es"), 3.0)
    )
    play >> Keys("2") << Speak("es") << MAIN


def test_one_language_needs_no_menu():
    Playbook(["en"]) << Speak("en") << MAIN


@pytest.mark.parametrize("nothing", [Silence(), Keys("3"), Keys("#")])
def test_three_silences_or_wrong_keys_take_the_first_language(nothing):
    play = Playbook(["es", "en"]) << UNCHOSEN
    for _ in range(3):
        play << ES_EN >> nothing
    play << Speak("es") << MAIN


def test_nine_languages_have_nine_keys():
    languages = [f"l{letter}" for letter in "abcdefghi"]
    drawn = language_menu(languages, Edge("answered", "main"), languages)
    assert "".join(edge.on for edge in drawn.edges if edge.speak)[:9] == "123456789"
    play = Playbook(languages) << Speak("la", chosen=False)
    play >> Keys("9") << Speak("li") << MAIN


def test_star_has_nothing_before_it_and_says_the_menu_again():
    play = Playbook(["es", "en"]) << UNCHOSEN << ES_EN
    for _ in range(5):
        play >> Keys("*") << ES_EN


def test_advice_before_a_language_was_chosen_is_given_in_each():
    play = Playbook(["es", "en"]) << UNCHOSEN << ES_EN >> Keys("0") << ADVICE >> Silence()
    play << Speak("en", chosen=False) << ADVICE >> Silence() << UNCHOSEN << ES_EN
    play >> Keys("2") << Speak("en") << MAIN


def test_a_key_during_advice_is_the_answer_to_the_language_menu():
    play = Playbook(["es", "en"]) << UNCHOSEN << ES_EN >> Keys("0") << ADVICE
    play >> Keys("2") << Speak("en") << MAIN >> Keys("*") << Speak("es") << ES_EN
    play >> Keys("0") << ADVICE >> Silence() << Speak("en") << ADVICE >> Keys("1")
    play << Speak("es") << MAIN


def test_advice_comes_back_to_the_menu_of_the_line_from_a_number_with_an_order_of_its_own():
    offers = Ask(("language-en", "language-es"), 3.0)
    play = Playbook(["en", "es"], offered=["es", "en"]) << UNCHOSEN << offers >> Keys("0")
    play << Speak("en", chosen=False) << ADVICE >> Silence() << UNCHOSEN << ADVICE >> Silence()
    play << offers


def test_a_number_with_an_order_of_its_own_keeps_the_keys_that_the_offers_name():
    offers = Ask(("language-en", "language-es"), 3.0)
    play = Playbook(["en", "es"], offered=["es", "maz", "en"]) << UNCHOSEN << offers
    play >> Keys("2") << offers >> Keys("3") << Speak("en") << MAIN
    play >> Keys("*") << Speak("es") << offers >> Keys("1") << MAIN


def test_silence_takes_the_first_language_of_the_number():
    offers = Ask(("language-en", "language-es"), 3.0)
    play = Playbook(["en", "es"], offered=["es", "en"]) << UNCHOSEN << offers
    play >> Silence() << offers >> Silence() << offers >> Silence() << Speak("en") << MAIN


def test_a_number_of_one_language_speaks_it_at_once():
    Playbook(["en"], offered=["es", "en"]) << Speak("en") << MAIN
    challenged = Playbook(["en"], offered=["es", "en"], challenge="4") << Speak("en")
    challenged << Ask(("challenge", "digit-4"), 4.0) >> Keys("4") << MAIN
