import contextlib
import os
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voice.test_listener import gone, until
from tipline_gw.voice import fastagi, lobby
from tipline_gw.voice.lobby import LOOK, Lobby, Reason, TurnedAway, Verdict

WORD = b"open sesame"


def judge(buffer: bytearray, size: int) -> Verdict:
    if not buffer.startswith(WORD[:size]):
        return Verdict.REFUSE
    return Verdict.ADMIT if size >= len(WORD) else Verdict.WAIT


class Door:
    """A lobby, turned by a thread of its own as the listener does."""

    def __init__(self, seconds: float, judge: lobby.Judge) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.address = self.socket.getsockname()
        self.admitted: list[socket.socket] = []
        self.said: list[bytes] = []
        self.away = TurnedAway("test")
        self.lobby = Lobby(self.socket, judge, self._admit, seconds, self.away)
        self.turns = 0
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _admit(self, connection: socket.socket, said: memoryview) -> None:
        self.said.append(bytes(said))
        self.admitted.append(connection)

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.lobby.turn()
                self.turns += 1

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        self.socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.lobby.close()
        self.socket.close()
        for connection in self.admitted:
            connection.close()


Open = Callable[..., Door]


@pytest.fixture
def door() -> Iterator[Open]:
    made: list[Door] = []

    def make(seconds: float = 5.0, judge: lobby.Judge = judge) -> Door:
        made.append(Door(seconds, judge))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def peers() -> Iterator[Callable[..., socket.socket]]:
    made: list[socket.socket] = []

    def connect(door: Door, words: bytes = b"") -> socket.socket:
        made.append(socket.create_connection(door.address, timeout=10))
        made[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made[-1].sendall(words)
        return made[-1]

    yield connect
    for each in made:
        each.close()


Connect = Callable[..., socket.socket]


def test_who_says_the_word_is_let_in_with_all_that_was_said(door: Open, peers: Connect) -> None:
    opened = door()
    peers(opened, WORD + b" and more")
    assert until(lambda: len(opened.admitted) == 1)
    assert opened.admitted[0].getblocking()
    assert opened.said == [WORD + b" and more"]
    assert opened.lobby.waiting == 0


def test_the_word_in_single_octets_is_the_word(door: Open, peers: Connect) -> None:
    opened = door()
    peer = peers(opened)
    for octet in WORD:
        peer.sendall(bytes((octet,)))
        time.sleep(0.002)
    assert until(lambda: len(opened.admitted) == 1)


def test_a_wrong_word_is_refused_at_its_first_octet(door: Open, peers: Connect) -> None:
    opened = door()
    assert gone(peers(opened, b"x"))
    assert opened.away[Reason.MALFORMED] == 1


@pytest.mark.parametrize("words", [b"", b"open"], ids=["nothing", "half a word"])
def test_who_ends_before_the_word_does_is_refused(door: Open, peers: Connect, words: bytes) -> None:
    opened = door()
    peer = peers(opened, words)
    peer.shutdown(socket.SHUT_WR)
    assert gone(peer)
    assert opened.away[Reason.MALFORMED] == 1


def test_words_without_end_are_refused(door: Open, peers: Connect) -> None:
    opened = door(judge=lambda buffer, size: Verdict.WAIT)
    peer = peers(opened)
    with contextlib.suppress(OSError):
        peer.sendall(bytes(2 * LOOK))
    assert gone(peer)
    assert opened.away[Reason.MALFORMED] == 1


def test_an_octet_now_and_then_buys_no_time(door: Open, peers: Connect) -> None:
    opened = door(seconds=0.3)
    peer = peers(opened)
    start = time.monotonic()
    with contextlib.suppress(OSError):
        for octet in WORD[:-1]:
            peer.sendall(bytes((octet,)))
            time.sleep(0.06)
    assert gone(peer)
    assert time.monotonic() - start < 2
    assert opened.away[Reason.LATE] == 1


def test_half_a_word_keeps_nobody_awake(door: Open, peers: Connect) -> None:
    opened = door()
    peers(opened, WORD[:4])
    assert until(lambda: opened.lobby.waiting == 1)
    time.sleep(0.1)
    before = opened.turns
    time.sleep(0.3)
    assert opened.turns - before <= 2


def test_what_was_said_by_who_is_dropped_is_overwritten(door: Open, peers: Connect) -> None:
    opened = door(seconds=0.3)
    peer = peers(opened, WORD[:4])
    assert until(lambda: opened.lobby.waiting == 1)
    (waiting,) = opened.lobby._waiting.values()
    assert until(lambda: bytes(waiting.said) == WORD[:4])
    assert gone(peer)
    assert not any(waiting.buffer)


def test_who_writes_line_by_line_is_not_kept_waiting_for_an_acknowledgement(door: Open) -> None:
    """As Asterisk does, whose kernel gathers small pieces until the last one is acknowledged: left
    unread they would be after 40 ms."""
    opened = door(judge=fastagi.judge)
    times = []
    for at in range(5):
        with socket.create_connection(opened.address) as peer:
            start = time.monotonic()
            for line in range(30):
                peer.sendall(b"agi_line_%d: value\n" % line)
            peer.sendall(b"\n")
            while len(opened.admitted) == at:
                time.sleep(0.0005)
            times.append(time.monotonic() - start)
    assert min(times) < 0.03


def test_a_crowd_loses_its_oldest_and_who_comes_with_the_word_gets_in(
    door: Open, peers: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lobby, "CROWD", 8)
    opened = door()
    crowd = [peers(opened) for _ in range(20)]
    peers(opened, WORD)
    assert until(lambda: len(opened.admitted) == 1)
    assert opened.lobby.waiting <= 8
    assert opened.away[Reason.CROWDED] >= 12
    assert gone(crowd[0])
    crowd[-1].sendall(WORD)
    assert until(lambda: len(opened.admitted) == 2)


def test_out_of_descriptors_the_oldest_gives_its_own(
    door: Open,
) -> None:
    opened = door()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Made and not yet connected: these descriptors are this side's, not the lobby's.
    knocking = [socket.socket() for _ in range(12)]
    highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    fillers: list[int] = []
    while not fillers or fillers[-1] < highest:
        fillers.append(os.open("/dev/null", os.O_RDONLY))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 5, hard))
        for peer in knocking[:-1]:
            peer.settimeout(10)
            peer.connect(opened.address)
        knocking[-1].settimeout(10)
        knocking[-1].connect(opened.address)
        knocking[-1].sendall(WORD)
        assert until(lambda: len(opened.admitted) == 1)
        assert opened.away[Reason.CROWDED] >= 1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for peer in knocking:
            peer.close()
        for filler in fillers:
            os.close(filler)


def test_closing_closes_who_still_waits(door: Open, peers: Connect) -> None:
    opened = door()
    peer = peers(opened)
    assert until(lambda: opened.lobby.waiting == 1)
    opened.close()
    assert gone(peer)


def test_a_flood_is_one_line_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    away = TurnedAway("test")
    for _ in range(1000):
        away.add(Reason.MALFORMED)
    away.add(Reason.LATE)
    assert away[Reason.MALFORMED] == 1000
    assert capsys.readouterr().out.count("turned-away") == 2


def shown(octets: bytes) -> Verdict:
    buffer = bytearray(LOOK)
    buffer[: len(octets)] = octets
    return fastagi.judge(buffer, len(octets))


@given(st.binary(max_size=300))
def test_any_octets_have_a_verdict_and_only_what_begins_right_may_stay(octets: bytes) -> None:
    verdict = shown(octets)
    right = octets[:4] == b"agi_"[: len(octets)]
    assert (verdict is Verdict.REFUSE) == (not right)


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=20))
def test_an_environment_is_whole_at_its_empty_line_and_not_before(values: list[bytes]) -> None:
    lines = b"agi_network: yes\n" + b"".join(b"agi_x: " + value + b"\n" for value in values)
    assert shown(lines) is Verdict.WAIT
    assert shown(lines + b"\n") is Verdict.ADMIT
    assert shown(lines + b"\r\n") is Verdict.ADMIT
