"""The thread that all recordings share: one that fails, ends or goes silent harms no other."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic, sleep

import pytest

from tipline_gw.errors import VoiceError
from tipline_gw.voice.pump import Carried, Pump

Take = Callable[[bytes], str | None]


@pytest.fixture
def pump() -> Iterator[Pump]:
    made = Pump()
    made.start()
    yield made
    made.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


class Wire:
    """Asterisk's end of a stream that is carried."""

    def __init__(
        self,
        pump: Pump,
        pool: ThreadPoolExecutor,
        take: Take,
        silence: float = 30.0,
        idle: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.far, self._near = socket.socketpair()
        self._near.setblocking(False)
        self.file = self._near.fileno()
        stream = Carried(self.file, lambda data, _: take(data), idle, silence)
        self.outcome: Future[str | None] = pool.submit(pump.carry, stream)

    def close(self) -> None:
        self.far.close()
        self._near.close()


def until_hash(data: bytes) -> str | None:
    return data.decode() if b"#" in data else None


def raises(data: bytes) -> str | None:
    raise KeyError(data)


def test_it_carries_until_there_is_an_outcome(pump: Pump, pool: ThreadPoolExecutor) -> None:
    wire = Wire(pump, pool, until_hash)
    wire.far.send(b"speech")
    wire.far.send(b" and #")
    assert wire.outcome.result(10) is not None
    wire.close()


def test_the_end_of_a_stream_is_no_outcome(pump: Pump, pool: ThreadPoolExecutor) -> None:
    taken: list[bytes] = []
    wire = Wire(pump, pool, taken.append)
    wire.far.send(b"speech")
    wire.far.shutdown(socket.SHUT_WR)
    assert wire.outcome.result(10) is None
    assert b"".join(taken) == b"speech"
    wire.close()


def test_one_that_raises_hears_of_it_and_the_other_goes_on(
    pump: Pump, pool: ThreadPoolExecutor
) -> None:
    bad, good = Wire(pump, pool, raises), Wire(pump, pool, until_hash)
    bad.far.send(b"x")
    with pytest.raises(KeyError):
        bad.outcome.result(10)
    good.far.send(b"#")
    assert good.outcome.result(10) == "#"
    bad.close()
    good.close()


def test_one_that_cannot_be_read_ends_alone(
    pump: Pump, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no memory just now for what lies there."""
    bad, good = Wire(pump, pool, until_hash), Wire(pump, pool, until_hash)

    def read(file: int, most: int) -> bytes:
        if file == bad.file:
            raise MemoryError
        return os_read(file, most)

    os_read = os.read
    monkeypatch.setattr("tipline_gw.voice.pump.os.read", read)
    with pytest.raises(MemoryError):
        bad.outcome.result(10)
    good.far.send(b"#")
    assert good.outcome.result(10) == "#"
    assert pump.alive
    bad.close()
    good.close()


def test_silence_is_our_error_and_speech_puts_it_off(pump: Pump, pool: ThreadPoolExecutor) -> None:
    silent = Wire(pump, pool, until_hash, silence=0.5)
    speaks = Wire(pump, pool, until_hash, silence=0.5)
    over = threading.Event()

    def speak() -> None:
        while not over.wait(0.1):
            speaks.far.send(b"speech")
        speaks.far.send(b"#")

    pool.submit(speak)
    try:
        with pytest.raises(VoiceError, match="no audio"):
            silent.outcome.result(10)
        assert not speaks.outcome.done()
    finally:
        over.set()
    assert speaks.outcome.result(10) is not None
    silent.close()
    speaks.close()


def test_where_nothing_comes_for_a_while_that_is_said_and_may_end_it(
    pump: Pump, pool: ThreadPoolExecutor
) -> None:
    said: list[str] = []

    def idle() -> str | None:
        said.append("idle")
        return "over" if len(said) == 2 else None

    wire = Wire(pump, pool, until_hash, idle=idle)
    wire.far.send(b"speech")
    assert wire.outcome.result(10) == "over"
    assert len(said) == 2
    wire.close()


def test_what_waits_for_another_stream_to_be_worked_on_was_read_before(
    pool: ThreadPoolExecutor,
) -> None:
    pump = Pump()
    worked_on: list[float] = []
    read: list[float] = []

    def take(_: bytes, read_at: float) -> str:
        worked_on.append(monotonic())
        read.append(read_at)
        sleep(0.05)
        return "over"

    pairs = [socket.socketpair() for _ in range(3)]
    for far, near in pairs:
        near.setblocking(False)
        far.send(b"speech")
    carried = [Carried(near.fileno(), take, lambda: None, 30.0) for _, near in pairs]
    outcomes = [pool.submit(pump.carry, stream) for stream in carried]
    sleep(0.3)  # until all three are carried
    pump.start()
    assert [outcome.result(10) for outcome in outcomes] == ["over"] * 3
    assert max(read) <= min(worked_on)
    pump.close()
    for end in (end for pair in pairs for end in pair):
        end.close()


def test_closing_leaves_nobody_waiting_and_takes_no_more(pool: ThreadPoolExecutor) -> None:
    pump = Pump()
    pump.start()
    wire = Wire(pump, pool, until_hash)
    wire.far.send(b"speech")
    pump.close()
    assert wire.outcome.result(10) is None
    assert pump.carry(Carried(0, lambda *_: None, lambda: None, 1.0)) is None
    wire.close()


def test_hundreds_are_carried_to_the_last_octet(pump: Pump) -> None:
    with ThreadPoolExecutor(200) as pool:
        taken: list[list[bytes]] = [[] for _ in range(200)]
        wires = [Wire(pump, pool, each.append) for each in taken]
        for number, wire in enumerate(wires):
            wire.far.send(f"{number} speaks".encode())
            wire.far.shutdown(socket.SHUT_WR)
        assert [wire.outcome.result(30) for wire in wires] == [None] * 200
    assert [b"".join(each) for each in taken] == [f"{n} speaks".encode() for n in range(200)]
    for wire in wires:
        wire.close()
