import pytest

from tests.boundary import pdus
from tipline_gw.boundary import ussd


def masked(line: str, *, wary: bool = False) -> str:
    buffer = bytearray(line.encode("ascii"))
    ussd.mask(buffer, wary=wary)
    assert len(buffer) == len(line)
    return buffer.decode("ascii")


def ucs2(text: str) -> str:
    return text.encode("utf-16-be").hex().upper()


def packed(text: str) -> str:
    return pdus.pack(pdus.septets(text)).hex().upper()


@pytest.mark.parametrize(
    ("said", "shown"),
    [("Saldo 50.25", "Saldo 50.25"), ("Su numero es 6561234567.", "Su numero es **********."),
     ("+52 656 123-4567", "+** *** ***-****"), ("Linea 123456", "Linea 123456"), ("", "")],
)  # fmt: skip
@pytest.mark.parametrize("form", ["plain", "ucs2", "packed"])
def test_numbers_in_an_answer_are_masked_in_every_alphabet(
    said: str, shown: str, form: str
) -> None:
    encode, coding = {"plain": (str, 15), "ucs2": (ucs2, 72), "packed": (packed, 15)}[form]
    assert masked(f'+CUSD: 0,"{encode(said)}",{coding}') == f'+CUSD: 0,"{encode(shown)}",{coding}'


def test_plain_digits_that_could_be_hex_are_masked() -> None:
    assert masked('+CUSD: 0,"5265612345",15') == '+CUSD: 0,"**********",15'
    assert masked('+CUSD: 0,"5265612345"') == '+CUSD: 0,"**********"'


@pytest.mark.parametrize(
    "line", ["+CUSD: 2", '+CUSD: 0,"', '+CUSD: 1,"ABCDE', '+CUSD: 0,"ABCDEF123",999']
)
def test_other_answers_stay_as_they_are(line: str) -> None:
    assert masked(line) == line


def test_noise_between_digits_does_not_hide_them() -> None:
    assert masked('+CUSD: 0,"52?656?12 5"', wary=True) == '+CUSD: 0,"**?***?** *"'


@pytest.mark.parametrize("shift", ["", "7"])
@pytest.mark.parametrize("coding", [15, 72])
def test_a_pdu_that_ran_into_the_string_does_not_pass(coding: int, shift: str) -> None:
    spliced = f'+CUSD: 0,"0048{shift}{pdus.deliver("uno")}",{coding}'
    pdus.assert_no_trace(masked(spliced))


@pytest.mark.parametrize("after", [f'"+{pdus.NUMBER}"', pdus.deliver("uno")])
def test_what_ran_in_after_the_string_does_not_pass(after: str) -> None:
    pdus.assert_no_trace(masked(f'+CUSD: 0,"{ucs2("Saldo")}"{after}'))
