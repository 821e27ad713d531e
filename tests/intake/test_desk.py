import pytest

from tests.intake.tips import keep
from tipline_gw.domain import case_code
from tipline_gw.domain.tip import State
from tipline_gw.errors import NotYetError
from tipline_gw.intake.codes import drawn
from tipline_gw.store import repository as repo


def test_lengths_of_texts_are_hidden(desk):
    for text in ("a", "a" * 200):
        keep(desk, text)
    assert len({row.size for row in repo.tips(desk.engine)}) == 1


def test_the_code_finds_the_case_and_another_does_not(desk):
    tip_id = keep(desk)
    code = desk.give_code(tip_id)
    assert case_code.parse(case_code.written(code)) == code
    assert desk.case_of(code) == repo.Case(tip_id, State.RECEIVED)
    assert desk.case_of(case_code.draw()) is None


def test_a_case_is_open_until_it_is_closed():
    open_ = {state for state in State if repo.Case(b"", state).open}
    assert open_ == {state for state in State if not state.slug.startswith("closed")}


def test_a_code_already_given_is_drawn_again(desk, monkeypatch):
    first, second = keep(desk), keep(desk)
    code = desk.give_code(first)
    draws = iter([drawn(code, desk.codes._salt), desk.codes.take(30)])
    monkeypatch.setattr(type(desk.codes), "take", lambda _self, _wait: next(draws))
    assert desk.give_code(second) != code


def test_who_does_not_wait_for_a_code_is_told_that_there_is_none(desk):
    tip_id = keep(desk)
    desk.codes.close()
    with pytest.raises(NotYetError):
        for _ in range(1000):
            desk.give_code(tip_id, wait=0)
