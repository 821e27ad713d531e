import pytest

from tipline_gw.intake.answers import Answers
from tipline_gw.prompts import names
from tipline_gw.prompts.catalogue import Catalogue


def answers(*languages: str) -> Answers:
    return Answers([Catalogue.load(language) for language in languages])


def test_who_wrote_in_no_known_language_is_answered_in_every_one():
    told = answers("es", "en").text(names.RECEIVED).splitlines()
    assert told == [Catalogue.load(each).sms(names.RECEIVED) for each in ("es", "en")]


@pytest.mark.parametrize("languages", [("es", "tar"), ("tar", "es"), ("tar", "maz"), ("tar",)])
def test_where_one_language_stands_in_for_another_the_same_is_not_said_twice(languages):
    told = answers(*languages).text(names.RECEIVED_CODE, code="1234 5678 9012")
    assert told == Catalogue.load("es").sms(names.RECEIVED_CODE, code="1234 5678 9012")


def test_who_wrote_in_a_borrowed_word_of_a_language_that_is_not_configured_is_answered():
    assert answers("tar").text(names.HELP, "es") == Catalogue.load("es").sms(names.HELP)
