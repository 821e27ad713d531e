import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.boundary import pdus
from tipline_gw.boundary import ussd
from tipline_gw.modems import balance
from tipline_gw.modems.ussd import decoded


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


def octets(text: str) -> str:
    return text.encode("latin-1").hex().upper()


FORMS = {"plain": str, "ucs2": ucs2, "octets": octets, "packed": packed}
CODINGS = [None, 0, 1, 15, 17, 68, 72, 148, 152, 240, 244]
DIALECTS = ["plain", "hex", "ucs2"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Llame 0171/234567", "Llame ****/******"), ("a 0171.234.567", "a ****.***.***"),
        ("(0171) 234567 ok", "(****) ****** ok"), ("+49(0)171-2345", "+**(*)***-****"),
        ("0171 / 234567", "**** / ******"), ("06.12.10.45.67", "**.**.**.**.**"),
        ("Saldo 12.34 EUR", "Saldo 12.34 EUR"), ("12.34 (56.78)", "12.34 (56.78)"),
        ("hasta 26/11/2026 10:30", "hasta 26/11/2026 10:30"),
        ("26.11.2026", "26.11.2026"), ("1.234.567,00 COP", "1.234.567,00 COP"),
        ("150.25 26/11/26 10:30:15", "150.25 26/11/26 10:30:15"),
        ("123456.78 MXN", "123456.78 MXN"), ("12:30 26.11.2026", "12:30 26.11.2026"),
        ("150.25 100 MB", "150.25 100 MB"), ("son 10 150.50", "son 10 150.50"),
        ("12.34 5678 90", "**.** **** **"), ("612 34.56 789", "*** **.** ***"),
        ("56.11.2026", "**.**.****"), ("171.234.567", "***.***.***"),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them_are_masked_and_amounts_and_dates_are_not(
    said: str, shown: str, form: str
) -> None:
    assert masked(f'+CUSD: 0,"{FORMS[form](said)}",72') == f'+CUSD: 0,"{FORMS[form](shown)}",72'


@pytest.mark.parametrize("zero", ["\u0660", "\u06f0", "\u0966", "\uff10"])
@pytest.mark.parametrize("between", ["", "\u00a0", "\u2011", "\u200e"])
def test_digits_of_every_script_are_masked(zero: str, between: str) -> None:
    number = between.join(chr(ord(zero) + int(digit)) for digit in pdus.NUMBER)
    shown = between.join("*" * len(pdus.NUMBER))
    for coding in ("", ",15", ",17", ",72", ",152"):
        line = f'+CUSD: 0,"{ucs2(f"Tel {number}.")}"{coding}'
        assert masked(line) == f'+CUSD: 0,"{ucs2(f"Tel {shown}.")}"{coding}'


def test_digits_of_two_units_are_masked() -> None:
    number = "".join(chr(0x1D7CE + int(digit)) for digit in pdus.NUMBER)
    text = decoded(masked(f'+CUSD: 0,"{ucs2(f"Tel {number}.")}",72'), "ucs2").text
    assert not any(char.isdecimal() for char in text)
    assert text.count("*") == len(pdus.NUMBER)


@settings(max_examples=1500, deadline=None, database=None)
@given(st.data())
def test_no_reading_of_an_answer_has_the_number_whatever_the_coding_says(
    data: st.DataObject,
) -> None:
    before, after = (data.draw(st.text("aeoz :;,", max_size=9)) for _ in "ba")
    between = data.draw(st.sampled_from(["", " ", "-", "/", "."]))
    number = between.join((pdus.NUMBER[:2], pdus.NUMBER[2:5], pdus.NUMBER[5:]))
    text = FORMS[data.draw(st.sampled_from(list(FORMS)))](f"{before}{number}{after}")
    coding = data.draw(st.sampled_from(CODINGS))
    quote = data.draw(st.sampled_from(['"', ""]))
    line = masked(f"+CUSD: 0,{quote}{text}{quote}{'' if coding is None else f',{coding}'}")
    pdus.assert_no_trace(line)
    for dialect in DIALECTS:
        shown = decoded(line, dialect).text
        pdus.assert_no_trace("".join(char for char in shown if char.isalnum()))


@pytest.mark.parametrize("coding", [17, 72])
@pytest.mark.parametrize("number", [pdus.NUMBER, pdus.NATIONAL, "0612053409781234", "00525612"])
def test_plain_digits_under_a_wide_coding_are_masked(number: str, coding: int) -> None:
    assert masked(f'+CUSD: 0,"{number}",{coding}') == f'+CUSD: 0,"{"*" * len(number)}",{coding}'


@pytest.mark.parametrize("spoilt", ["4", "*"])
def test_hex_that_is_none_for_certain_does_not_pass(spoilt: str) -> None:
    for form in (ucs2, octets, packed):
        text = form(f"Tel {pdus.NUMBER}")
        hidden = "*" * (len(text) + 1)
        assert masked(f'+CUSD: 0,"{text[:6]}{spoilt}{text[6:]}",15') == f'+CUSD: 0,"{hidden}",15'
        assert masked(f'+CUSD: 0,"{text}') == f'+CUSD: 0,"{form("Tel " + "*" * 12)}'


@pytest.mark.parametrize("form", ["ucs2", "octets", "packed"])
@pytest.mark.parametrize(
    "said",
    ["Your balance is 12.34 EUR", "Main credit: 12.34 EUR", " Ihr Guthaben: 12,34 EUR",
     "Balance by today 12.34 EUR", "Su saldo es $12.34, vence 26/11/2026. Marque *133# y gracias"],
)  # fmt: skip
def test_an_ordinary_text_stays_as_it_is_and_its_balance_is_read(said: str, form: str) -> None:
    coding, dialect = {"ucs2": (72, "plain"), "octets": (68, "hex"), "packed": (15, "hex")}[form]
    line = masked(f'+CUSD: 0,"{FORMS[form](said)}",{coding}')
    assert line == f'+CUSD: 0,"{FORMS[form](said)}",{coding}'
    assert decoded(line, dialect).text == said.strip()
    assert balance.balance_of("", said) == balance.balance_of("", decoded(line, dialect).text)


def test_a_text_in_another_script_stays_as_it_is() -> None:
    for said in ("Ваш баланс 12.34 руб", "رصيدك هو 12.34", "आपका बैलेंस 12.34", "مكالمة من"):
        assert masked(f'+CUSD: 0,"{ucs2(said)}",72') == f'+CUSD: 0,"{ucs2(said)}",72'


@pytest.mark.parametrize(
    ("coding", "alphabet"),
    [(0, "gsm7"), (15, "gsm7"), (16, "gsm7"), (17, "ucs2"), (18, "gsm7"), (64, "gsm7"),
     (68, "8bit"), (72, "ucs2"), (76, "gsm7"), (88, "ucs2"), (8, "gsm7"), (4, "gsm7"),
     (148, "8bit"), (152, "ucs2"), (224, "gsm7"), (240, "gsm7"), (244, "8bit")],
)  # fmt: skip
def test_the_alphabets_of_the_coding_groups(coding: int, alphabet: str) -> None:
    assert ussd.alphabet(coding) == alphabet


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        ([b"+CUSD: 2"], True), ([b"+CUSD: 0,sin"], True), ([b'+CUSD: 0,"uno",15'], True),
        ([b'+CUSD: 0,"uno"'], True), ([b'+CUSD: 0,"TV 32" a 99",15'], True),
        ([b'+CUSD: 0,"uno'], False), ([b'+CUSD: 0,"'], False), ([b'+CUSD: 0,"TV 32" a'], False),
        ([b'+CUSD: 0,"a "b"'], False), ([b'+CUSD: 0,"a "b"', b'c",15 ?'], True),
    ],
)  # fmt: skip
def test_an_answer_is_whole_when_its_string_is_closed(lines: list[bytes], whole: bool) -> None:
    assert ussd.whole(lines) is whole
