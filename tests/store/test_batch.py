import threading

import pytest
import structlog
from sqlalchemy import text as sql

from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.errors import StoreError
from tipline_gw.store import journal
from tipline_gw.store import repository as repo
from tipline_gw.store.batch import Batch, TextRows
from tipline_gw.store.journal import PlaceRow

HERE = 1


def text(*, tip_id=None, replaces=(), slot=3, chunk=b"c" * 40) -> TextRows:
    tip_id, sealed_id = tip_id or TipId(repo.new_id()), repo.new_id()
    return TextRows(
        repo.tip_row(tip_id, Kind.SMS, 7, 490_000),
        repo.sealed_row(tip_id, sealed_id, repo.Role.ENVELOPE, b"head", whole=True),
        repo.chunk_rows(sealed_id, 0, [chunk]),
        [PlaceRow(5, 100, slot, b"x" * 8)],
        replaces,
    )


class Outcome:
    def __init__(self) -> None:
        self.came = threading.Event()
        self.error = None

    def __call__(self, error) -> None:
        self.error = error
        self.came.set()

    def wait(self):
        assert self.came.wait(10)
        return self.error


@pytest.fixture
def batch(writer):
    return Batch(writer, HERE)


def held(writer):
    """Keeps the writer busy until it is let go, so that what comes meanwhile comes together."""
    gate = threading.Event()
    writer.submit(lambda _connection: gate.wait(10))
    return gate


def test_texts_that_wait_are_written_together(engine, writer, batch):
    gate, outcomes = held(writer), [Outcome() for _ in range(5)]
    for slot, outcome in enumerate(outcomes):
        batch.add(text(slot=slot), outcome)
    gate.set()
    assert [outcome.wait() for outcome in outcomes] == [None] * 5
    assert [(tip.whole, tip.size) for tip in repo.tips(engine)] == [(True, 44)] * 5
    with engine.connect() as connection:
        assert len(journal.remembered(connection, HERE)) == 5


def test_one_that_cannot_be_written_harms_only_itself(engine, writer, batch):
    gate, good, bad, other = held(writer), Outcome(), Outcome(), Outcome()
    batch.add(text(slot=1), good)
    batch.add(text(slot=2, chunk=b"short"), bad)
    batch.add(text(slot=3), other)
    gate.set()
    assert isinstance(bad.wait(), StoreError)
    assert (good.wait(), other.wait()) == (None, None)
    assert len(repo.tips(engine)) == 2


def fails(_error) -> None:
    raise RuntimeError("656 123 4567")


def test_who_fails_over_the_news_keeps_it_from_no_other(engine, writer, batch):
    gate, outcomes = held(writer), [Outcome(), Outcome()]
    with structlog.testing.capture_logs() as logs:
        for slot, done in enumerate([outcomes[0], fails, outcomes[1]]):
            batch.add(text(slot=slot), done)
        gate.set()
        assert [outcome.wait() for outcome in outcomes] == [None, None]
    assert logs == [{"event": "text-not-told", "error": "RuntimeError", "log_level": "error"}]
    assert len(repo.tips(engine)) == 3


def test_who_fails_over_a_refusal_keeps_the_next_from_no_other(writer, batch, monkeypatch):
    """The store closes between the commit that failed and the second try of each."""
    outcome = Outcome()
    gate = held(writer)
    batch.add(text(slot=1, chunk=b"short"), fails)
    batch.add(text(slot=2), outcome)

    def closing(*_):
        raise StoreError("the store is closing")

    monkeypatch.setattr(writer, "submit", closing)
    gate.set()
    assert isinstance(outcome.wait(), StoreError)


def test_what_is_replaced_goes_in_the_same_transaction(engine, writer, batch):
    piece, whole = TipId(repo.new_id()), TipId(repo.new_id())
    gate, outcomes = held(writer), [Outcome(), Outcome()]
    batch.add(text(tip_id=piece, slot=1), outcomes[0])
    batch.add(text(tip_id=whole, slot=2, replaces=[piece]), outcomes[1])
    gate.set()
    assert [outcome.wait() for outcome in outcomes] == [None, None]
    assert [tip.id for tip in repo.tips(engine)] == [whole]


def test_what_is_tried_again_comes_before_what_replaces_it(engine, writer, batch, monkeypatch):
    """The whole is there when the commit of its part, and of another text, fails."""
    piece, other, whole = (TipId(repo.new_id()) for _ in range(3))
    outcomes = [Outcome() for _ in range(3)]
    write, late = batch.write, [text(tip_id=whole, slot=3, replaces=[piece])]

    def locked(connection, texts):
        if late:
            batch.add(late.pop(), outcomes[2])
        if len(texts) > 1:
            raise StoreError("the store is locked")
        write(connection, texts)

    monkeypatch.setattr(batch, "write", locked)
    gate = held(writer)
    batch.add(text(tip_id=piece, slot=1), outcomes[0])
    batch.add(text(tip_id=other, slot=2), outcomes[1])
    gate.set()
    assert [outcome.wait() for outcome in outcomes] == [None] * 3
    assert {tip.id for tip in repo.tips(engine)} == {other, whole}


def test_one_that_cannot_be_written_keeps_back_nothing_that_comes_later(engine, writer, batch):
    gate, bad, good, later = held(writer), Outcome(), Outcome(), Outcome()

    def refused(error):
        batch.add(text(slot=3), later)
        bad(error)

    batch.add(text(slot=1, chunk=b"short"), refused)
    batch.add(text(slot=2), good)
    gate.set()
    assert isinstance(bad.wait(), StoreError)
    assert (good.wait(), later.wait()) == (None, None)
    assert len(repo.tips(engine)) == 2


def test_what_waits_while_the_store_closes_is_refused(engine, writer, batch, monkeypatch):
    write, first, later = batch.write, Outcome(), [Outcome(), Outcome()]

    def closing(*_):
        raise StoreError("the store is closing")

    def last(connection, texts):
        for slot, outcome in enumerate(later, 4):
            batch.add(text(slot=slot), outcome)
        monkeypatch.setattr(writer, "submit", closing)
        write(connection, texts)

    monkeypatch.setattr(batch, "write", last)
    batch.add(text(), first)
    assert first.wait() is None
    assert all(isinstance(outcome.wait(), StoreError) for outcome in later)
    assert len(repo.tips(engine)) == 1
    with pytest.raises(StoreError, match="closing"):
        batch.add(text(), Outcome())


def test_a_store_that_cannot_begin_refuses_each(engine, writer, batch, monkeypatch):
    gate, outcomes = held(writer), [Outcome(), Outcome()]
    for slot, outcome in enumerate(outcomes):
        batch.add(text(slot=slot), outcome)

    def fails(*_):
        raise StoreError("the disk of the store is full")

    monkeypatch.setattr(writer._engine, "begin", fails)
    gate.set()
    assert all(isinstance(outcome.wait(), StoreError) for outcome in outcomes)
    monkeypatch.undo()
    later = Outcome()
    batch.add(text(), later)
    assert later.wait() is None
    assert len(repo.tips(engine)) == 1


def test_a_store_that_is_closing_takes_nothing(engine, writer, batch):
    writer.close()
    with pytest.raises(StoreError, match="closing"):
        batch.add(text(), Outcome())
    with engine.connect() as connection:
        assert connection.execute(sql("SELECT count(*) FROM tip")).scalar() == 0
