import socket
from collections.abc import Iterator

import pytest

from tipline_gw.errors import VoiceError
from tipline_gw.voice.lines import SIZE, Lines

Pair = tuple[Lines, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        lines = Lines(ours)
        lines.allow(10)
        yield lines, theirs


def test_lines_come_out_whole_however_they_arrive(pair: Pair) -> None:
    lines, peer = pair
    peer.sendall(b"one\ntw")
    assert lines.readline(100) == b"one\n"
    peer.sendall(b"o\n\nthree")
    assert lines.readline(100) == b"two\n"
    assert lines.readline(100) == b"\n"
    peer.close()
    assert lines.readline(100) == b"three"
    assert lines.readline(100) == b""


def test_a_line_over_the_limit_comes_in_pieces_of_it(pair: Pair) -> None:
    lines, peer = pair
    peer.sendall(b"abcdefgh\n")
    assert [lines.readline(4) for _ in range(3)] == [b"abcd", b"efgh", b"\n"]


def test_no_more_than_the_buffer_is_ever_held(pair: Pair) -> None:
    lines, peer = pair
    peer.sendall(b"x" * (3 * SIZE))
    assert len(lines.readline(10 * SIZE)) == SIZE


def test_what_was_handed_out_is_zeroed_in_the_buffer(pair: Pair) -> None:
    lines, peer = pair
    peer.sendall(b"agi_callerid: +526561234567\nnext\n")
    lines.readline(1024)
    assert b"656" not in lines._buffer
    assert lines.readline(1024) == b"next\n"
    assert not any(lines._buffer)


def test_nothing_in_the_time_allowed_is_our_error_and_reading_goes_on_after_it(
    pair: Pair,
) -> None:
    lines, peer = pair
    lines.allow(0.05)
    with pytest.raises(VoiceError):
        lines.readline(100)
    lines.allow(10)
    peer.sendall(b"late\n")
    assert lines.readline(100) == b"late\n"


def test_the_time_is_for_all_of_it_not_for_each_octet(pair: Pair) -> None:
    lines, peer = pair
    lines.allow(-1)
    peer.sendall(b"whole\n")
    with pytest.raises(VoiceError):
        lines.readline(100)


def test_a_peer_that_takes_nothing_is_our_error(pair: Pair) -> None:
    lines, _ = pair
    lines.allow(0.1)
    with pytest.raises(VoiceError):
        lines.write(bytes(50_000_000))


def test_what_was_read_before_comes_first_and_nothing_of_it_is_left_behind() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        said = bytearray(b"agi_callerid: 6561234567\nagi_dnid: 089\n")
        lines = Lines(ours, memoryview(said))
        assert not any(said)
        assert lines.readline(100) == b"agi_callerid: 6561234567\n"
        lines.forget()
        assert not any(lines._buffer)
