"""USSD codes and answers, in the three dialects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline_gw.boundary import gsm7
from tipline_gw.errors import ModemError
from tipline_gw.modems import ussd

CODES = st.text("0123456789*#", min_size=1, max_size=32)


def test_codes_as_manuals_print_them():
    assert ussd.encoded("*100#", "plain") == "*100#"
    assert ussd.encoded("*100#", "hex") == "AA180C3602"
    assert ussd.encoded("*100#", "ucs2") == "002A0031003000300023"


@given(CODES)
def test_packed_codes_unpack_to_themselves(code):
    octets = bytes.fromhex(ussd.encoded(code, "hex"))
    text = gsm7.decode(gsm7.unpack(octets, len(octets) * 8 // 7))
    assert text.removesuffix("\r") == code
    assert ussd.decoded(f'+CUSD: 0,"{octets.hex()}",15', "hex").text == code


@pytest.mark.parametrize(
    ("line", "dialect", "text"),
    [
        ('+CUSD: 0,"Saldo: 50.00 MXN",15', "plain", "Saldo: 50.00 MXN"),
        ('+CUSD: 0,"Saldo: 50.00 MXN"', "plain", "Saldo: 50.00 MXN"),
        ('+CUSD:0, "dos\nrenglones", 15', "plain", "dos\nrenglones"),
        ('+CUSD: 0,"Dijo "hola"",15', "plain", 'Dijo "hola"'),
        ('+CUSD: 2,"adios",0', "plain", "adios"),
        ('+CUSD: 0,"0053006100F1",72', "plain", "Sañ"),
        ('+CUSD: 0,"1234",15', "plain", "1234"),
        ('+CUSD: 0,"0053006100F1",72', "ucs2", "Sañ"),
        ('+CUSD: 0,"0053006100F1",17', "hex", "Sañ"),
        ('+CUSD: 0,"0053006100F1"', "ucs2", "Sañ"),
        ('+CUSD: 0,"AA180C3602",15', "hex", "*100#"),
        ('+CUSD: 0,"AA180C3602"', "hex", "*100#"),
        ('+CUSD: 0,"Saldo",15', "hex", "Saldo"),
        ('+CUSD: 0,"53616C646F",68', "hex", "Saldo"),
        ('+CUSD: 0,"no es hex",72', "ucs2", "no es hex"),
    ],
)
def test_answers_are_text_whatever_they_came_as(line, dialect, text):
    assert ussd.decoded(line, dialect) == ussd.Answer(text, False)


def test_a_menu_says_that_the_network_waits():
    assert ussd.decoded('+CUSD: 1,"1. Saldo",15', "plain") == ussd.Answer("1. Saldo", True)


def test_what_the_boundary_masked_is_still_an_answer():
    wide = "Tel ".encode("utf-16-be").hex().upper() + "002*" * 8
    assert ussd.decoded(f'+CUSD: 0,"{wide}",72', "ucs2").text.startswith("Tel")


@pytest.mark.parametrize(
    "line", ["+CUSD: 4", "+CUSD: 5", "+CUSD: 2", '+CUSD: 0,""', '+CUSD: 4,"no",15', "+CUSD:", "OK"]
)
def test_no_answer_is_an_error(line):
    with pytest.raises(ModemError, match="did not carry out"):
        ussd.decoded(line, "plain")


@pytest.mark.parametrize("code", ["", "saldo", "*133# ", "+52", "*" * 33, '*1"#', "*133#\r"])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(ModemError, match="no USSD code"):
        ussd.encoded(code, "plain")


@given(st.text(max_size=80), st.sampled_from(["plain", "hex", "ucs2"]))
def test_whatever_comes_is_text_or_our_error(said, dialect):
    for line in (said, f'+CUSD: 0,"{said}",15', f'+CUSD: 1,"{said.encode().hex()}",72'):
        try:
            assert isinstance(ussd.decoded(line, dialect).text, str)
        except ModemError:
            continue
