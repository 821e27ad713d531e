"""Numbers whose digits without the country code are few: found where they stand for themselves, and
not in other things."""

import os
import random

import pytest

from tipline_gw.audit import audit, national
from tipline_gw.audit.audit import System, of_a_running_gateway
from tipline_gw.audit.canaries import Canaries
from tipline_gw.audit.places import Place
from tipline_gw.audit.report import Report

EIGHT, NINE, TEN = "+50251237468", "+34612983745", "+526569871234"
"""Guatemala, Spain, Mexico."""
YOURS = "a telephone of yours"


def found(number: str, data: bytes) -> set[str]:
    report = Report()
    report.search([Place("file", "x", lambda: [data])], Canaries(own={number: YOURS}))
    assert all(row.intakes == (YOURS,) for row in report.rows)
    return {row.form for row in report.rows}


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        (EIGHT, "51237468"), (NINE, "612983745"), (TEN, "6569871234"), ("0034612983745", NINE[3:]),
        ("34612983745", NINE[3:]), ("0612983745", NINE[3:]), ("51237468", "51237468"),
        ("6569871234", "6569871234"), ("+12125550123", "2125550123"), ("+2991234567", "1234567"),
    ],
)  # fmt: skip
def test_the_country_code_is_told_from_the_rest(number, digits):
    assert national.national(number) == digits


TEXTS = {
    "plain": str.encode,
    "utf-16le": lambda text: text.encode("utf-16-le"),
    "utf-16be": lambda text: text.encode("utf-16-be"),
    "utf-32le": lambda text: text.encode("utf-32-le"),
    "utf-16be in hex": lambda text: text.encode("utf-16-be").hex().encode(),
    "digits in hex": lambda text: text.encode().hex().upper().encode(),
}


@pytest.mark.parametrize("form", TEXTS)
@pytest.mark.parametrize("number", [EIGHT, NINE])
@pytest.mark.parametrize("around", ["({})", "{}", "=0{};", "2026-11-26 {} 3"])
def test_it_is_found_in_every_kind_of_text(number, form, around):
    written = TEXTS[form](around.format(national.national(number)))
    assert f"{form}, national" in found(number, b"\xff" + written + b"\xff")


@pytest.mark.parametrize("form", TEXTS)
@pytest.mark.parametrize("number", [EIGHT, NINE])
@pytest.mark.parametrize("around", ["7{}", "{}7", "70{}", "3{}5"])
def test_it_is_not_found_within_a_longer_row_of_digits(number, form, around):
    assert found(number, TEXTS[form](" " + around.format(national.national(number)) + " ")) == set()


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (EIGHT, "5123-7468"), (EIGHT, "(5)123 7468"), (EIGHT, "5123%207468"),
        (EIGHT, "51.23.74.68"), (EIGHT, "+502 5123-7468"), (EIGHT, "+5025123-7468"),
        (EIGHT, "tel 5123\u00a07468"),
        (NINE, "612 98 37 45"), (NINE, "(0)612/983745"), (NINE, "0034612-983-745"),
        (NINE, "6 1 2 9 8 3 7 4 5"), (TEN, "(656) 987-1234"), (TEN, "+52 656 987 12 34"),
    ],
)  # fmt: skip
def test_it_is_found_in_groups(number, written):
    assert "in groups, national" in found(number, f"call {written}, then".encode())


@pytest.mark.parametrize("written", ["15123-7468", "5123-74681", "5123--- 7468", "51237468"])
def test_what_is_no_group_of_digits_is_not_taken_for_one(written):
    assert "in groups, national" not in found(EIGHT, f"call {written}, then".encode())


@pytest.mark.parametrize(
    ("number", "address"),
    [
        (EIGHT, "08 81 15324786"), (EIGHT, "08 A1 15324786"), (EIGHT, "05 81 15324786"),
        (EIGHT, "09 81 50217364F8"), (NINE, "09 81 16923847F5"),
        (NINE, "09 81 1692384705"), (NINE, "06 A1 16923847F5"), (NINE, "0A 81 6021897354"),
    ],
)  # fmt: skip
def test_an_address_with_it_is_found(number, address):
    octets = bytes.fromhex("0400" + address.replace(" ", "") + "0008")
    assert "semi-octets in an address, national" in found(number, octets)
    for text in (octets.hex(), octets.hex().upper()):
        assert "semi-octets in an address in hex, national" in found(number, text.encode())


@pytest.mark.parametrize("around", ["{}", "0c81{}", "0811{}"])
def test_eight_digits_as_semi_octets_alone_could_be_chance(around):
    assert found(EIGHT, bytes.fromhex("0400" + around.format("15324786") + "0008")) == set()
    assert found(EIGHT, f"0400{around.format('15324786')}0008".encode()) == set()


def test_semi_octets_alone_are_found_where_they_are_many_or_stand_as_a_word():
    assert "semi-octets alone, national" in found(NINE, bytes.fromhex("ff16923847f5ff"))
    assert found(NINE, bytes.fromhex("ff16923847a5ff")) == set()
    for number, word in ((NINE, b"16923847f5"), (EIGHT, b"15324786")):
        assert "semi-octets alone in hex, national" in found(number, b"is " + word + b",")
        assert found(number, b"is a" + word + b",") == set()


def test_a_number_that_is_short_as_a_whole_is_not_found_in_noise_of_four_octets():
    assert found("51237468", b"\x15\x32\x47\x86") == set()
    assert "plain" in found("51237468", b"50251237468")
    assert "semi-octets alone, national" in found("+299512374", bytes.fromhex("92592173f4"))


@pytest.mark.parametrize("number", [EIGHT, NINE, TEN, "51237468"])
def test_nothing_is_found_in_noise(number):
    digits = "".join(random.Random(1).choices("0123456789", k=1 << 20)).encode()
    assert found(number, digits) == set()
    assert found(number, os.urandom(1 << 22)) == set()


def told(monkeypatch, number: str) -> str:
    monkeypatch.setattr(audit, "_search_running", lambda *_: None)
    report = of_a_running_gateway(System((), (), {}, 0), Canaries(own={number: YOURS}))
    assert number[1:] not in str(report.notes)
    return "\n".join(report.notes)


def test_what_is_too_short_to_be_searched_for_is_said(monkeypatch):
    assert "its 7 digits without country code were not searched" in told(monkeypatch, "+3545123746")
    assert "as semi-octets only in an address of a PDU" in told(monkeypatch, EIGHT)
    assert "as bare semi-octets only with the filler F" in told(monkeypatch, NINE)
    assert told(monkeypatch, TEN) == ""
