import pytest

from tipline_gw.domain import case_code
from tipline_gw.domain.tip import State
from tipline_gw.errors import NotYetError, StoreError
from tipline_gw.intake.texts import Text, accept
from tipline_gw.store import repository as repo


def test_a_text_becomes_one_sealed_envelope(desk, envelopes):
    accept(desk, Text("Vi algo en la esquina 🚓", encoding="ucs2", parts=2))
    (envelope,) = envelopes()
    assert envelope["text"] == "Vi algo en la esquina 🚓"
    assert (envelope["kind"], envelope["parts"], envelope["partial"]) == ("sms", 2, False)
    assert envelope["line"] == "Línea de prueba"
    assert len(envelope["received"]) == len("2026-11-23T19Z")


def test_what_does_not_decode_is_sealed_all_the_same(desk, envelopes):
    accept(desk, Text(None, error="user data is cut short", data="00ff"))
    assert envelopes()[0]["error"] == "user data is cut short"
    assert envelopes()[0]["data"] == "00ff"


def test_lone_surrogates_do_not_stop_a_tip(desk, envelopes):
    accept(desk, Text("a\ud83dz"))
    assert envelopes()[0]["text"] == "a?z"


def test_lengths_of_texts_are_hidden(desk):
    for text in ("a", "a" * 200):
        accept(desk, Text(text))
    assert len({row.size for row in repo.tips(desk.engine)}) == 1


def test_the_code_finds_the_case_and_another_does_not(desk):
    tip_id = accept(desk, Text("hola"))
    code = desk.give_code(tip_id)
    assert case_code.parse(case_code.written(code)) == code
    assert desk.state_of(code) is State.RECEIVED
    assert desk.state_of(case_code.draw()) is None


def test_a_code_already_given_is_drawn_again(desk, monkeypatch):
    first, second = accept(desk, Text("a")), accept(desk, Text("b"))
    code = desk.give_code(first)
    draws = iter([(code, desk.codes.hash(code)), desk.codes.take(30)])
    monkeypatch.setattr(type(desk.codes), "take", lambda _self, _wait: next(draws))
    assert desk.give_code(second) != code


def test_intake_does_not_wait_for_a_code(desk):
    desk.codes.close()
    accept(desk, Text("a"))
    while True:
        try:
            desk.codes.take(0)
        except NotYetError:
            break
    tip_id = accept(desk, Text("b"))
    with pytest.raises(NotYetError):
        desk.give_code(tip_id, wait=0)
    assert len(repo.tips(desk.engine)) == 2


def test_nothing_is_accepted_when_the_store_is_closed(desk):
    desk.writer.close()
    with pytest.raises(StoreError):
        accept(desk, Text("hola"))
