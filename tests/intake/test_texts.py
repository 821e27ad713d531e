import dataclasses
import json

import pytest

from tests.intake.offers import message, part, undecodable
from tipline_gw.boundary.pdu import join
from tipline_gw.domain.tip import TipId
from tipline_gw.intake.texts import envelope_of, text_of


def sealed(one, **more) -> dict:
    text = text_of(one, join)
    return json.loads(envelope_of(one, text, "Línea", "2026-11-23T19Z", **more).to_json())


def test_a_text_says_only_what_there_is_to_say():
    assert sealed(message(part("Vi algo 🚓"))) == {
        "kind": "sms", "received": "2026-11-23T19Z", "line": "Línea", "text": "Vi algo 🚓",
        "encoding": "ucs2", "parts": 1, "partial": False,
    }  # fmt: skip


def test_a_long_text_is_joined_as_octets():
    parts = [part(text, seq=n, total=2) for n, text in enumerate(("a\ud83d", "\ude93z"), 1)]
    assert sealed(message(*parts, total=2))["text"] == "a🚓z"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((1,), "1 […]"),
        ((2,), "[…] 2 […]"),
        ((5,), "[…] 5"),
        ((1, 2, 4, 5), "12 […] 45"),
        ((2, 4), "[…] 2 […] 4 […]"),
        ((1, 5), "1 […] 5"),
    ],
)
def test_gaps_are_marked_and_the_parts_that_came_are_numbered(numbers, text):
    one = message(*(part(str(n), seq=n, total=5) for n in numbers), total=5)
    envelope = sealed(one)
    assert envelope["text"] == text
    assert (envelope["numbers"], envelope["of"], envelope["partial"]) == (list(numbers), 5, True)
    assert envelope["parts"] == len(numbers)


def test_what_does_not_decode_is_sealed_all_the_same():
    envelope = sealed(undecodable("user data is cut short"))
    assert (envelope["error"], envelope["data"]) == ("user data is cut short", "00ff")
    assert "text" not in envelope


def test_lone_surrogates_do_not_stop_a_tip():
    assert sealed(message(part("a\ud83dz")))["text"].startswith("a")


def test_what_adds_to_a_case_names_its_first_tip_and_not_its_code():
    envelope = sealed(message(part("123456789018 vi otra")), added=(TipId(b"\1" * 16), "vi otra"))
    assert (envelope["text"], envelope["adds_to"]) == ("vi otra", "01" * 16)


def test_what_one_program_sent_to_another_is_sealed_as_data():
    one = message(dataclasses.replace(part("\x01\x06"), kind="port", encoding="8bit"))
    envelope = sealed(one)
    assert (envelope["error"], envelope["data"]) == ("port-addressed", "00010006")
    assert "text" not in envelope
