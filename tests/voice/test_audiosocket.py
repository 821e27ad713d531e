import contextlib
import socket
import threading
import time
import uuid

import pytest

from tests.voice.fakes import HANG_UP, SPEECH, AudioPeer, audio, audio_server, key
from tests.voice.test_listener import until
from tipline_gw.errors import VoiceError
from tipline_gw.voice import audiosocket
from tipline_gw.voice.audiosocket import AudioStream
from tipline_gw.voice.frames import FRAME, Frame, FrameReader, Kind
from tipline_gw.voice.lobby import Reason
from tipline_gw.voice.pump import Pump


def everything(stream: AudioStream) -> list[Frame]:
    frames: list[Frame] = []
    stream.take_in(frames.append)
    return frames


def test_an_announced_connection_reaches_its_handler_with_all_its_frames() -> None:
    with audio_server() as server:
        expected = server.expect(everything)
        peer = AudioPeer(server.address, expected.uuid)
        peer.send(audio(), audio(), key("#"))
        peer.close()
        frames = expected.result()
    assert frames is not None
    assert frames == [Frame(Kind.AUDIO, SPEECH * 2), Frame(Kind.DTMF, b"#")]


def test_frames_that_come_with_the_token_are_not_lost() -> None:
    with audio_server() as server:
        expected = server.expect(everything)
        peer = AudioPeer(server.address)
        token = Frame(Kind.UUID, uuid.UUID(expected.uuid).bytes).to_bytes()
        peer.send(token, audio(), HANG_UP)
        peer.close()
        frames = expected.result()
    assert frames is not None
    assert [frame.kind for frame in frames] == [Kind.AUDIO, Kind.HANGUP]


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(Frame(Kind.UUID, bytes(16)).to_bytes(), id="a token nobody announced"),
        pytest.param(audio(), id="audio first"),
        pytest.param(b"\x99\x00\x01x", id="no AudioSocket"),
        pytest.param(b"\x01\x00", id="half a token"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_connection_without_its_token_is_closed_and_counted(wire: bytes) -> None:
    with audio_server() as server:
        expected = server.expect(everything)
        peer = AudioPeer(server.address)
        peer.send(wire)
        with contextlib.suppress(OSError):  # it may have been closed for what came so far
            peer.socket.shutdown(socket.SHUT_WR)
        assert peer.closed_by_server()
        peer.close()
        assert server.turned_away[Reason.MALFORMED] == 1
        good = AudioPeer(server.address, expected.uuid)
        good.send(audio())
        good.close()
        assert expected.result() == [Frame(Kind.AUDIO, SPEECH)]


def test_a_token_works_once() -> None:
    claimed = threading.Event()

    def handler(stream: AudioStream) -> list[Frame]:
        claimed.set()
        return everything(stream)

    with audio_server() as server:
        expected = server.expect(handler)
        first = AudioPeer(server.address, expected.uuid)
        assert claimed.wait(10)
        first.send(audio())
        second = AudioPeer(server.address, expected.uuid)
        assert second.closed_by_server()
        first.close()
        second.close()
        assert expected.result() == [Frame(Kind.AUDIO, SPEECH)]


def test_guessed_tokens_and_idle_connections_take_no_place_from_an_announced_one() -> None:
    with audio_server(max_calls=1) as server:
        expected = server.expect(everything)
        guesses = [AudioPeer(server.address, str(uuid.uuid4())) for _ in range(50)]
        idle = [AudioPeer(server.address) for _ in range(50)]
        real = AudioPeer(server.address, expected.uuid)
        real.send(audio())
        real.close()
        assert expected.result() == [Frame(Kind.AUDIO, SPEECH)]
        assert all(peer.closed_by_server() for peer in guesses)
        assert server.turned_away[Reason.MALFORMED] == len(guesses)
        assert server.turned_away[Reason.NO_PLACE] == 0
        for peer in (*guesses, *idle):
            peer.close()


def test_a_token_in_single_octets_is_the_same() -> None:
    with audio_server() as server:
        expected = server.expect(everything)
        peer = AudioPeer(server.address)
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in Frame(Kind.UUID, uuid.UUID(expected.uuid).bytes).to_bytes():
            peer.send(bytes((octet,)))
        peer.send(audio())
        peer.close()
        assert expected.result() == [Frame(Kind.AUDIO, SPEECH)]


def test_a_token_that_is_asked_for_no_more_is_forgotten() -> None:
    with audio_server() as server:
        expected = server.expect(everything)
        assert expected.result() is None
        late = AudioPeer(server.address, expected.uuid)
        assert late.closed_by_server()
        late.close()


def test_no_token_in_time_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audiosocket, "TOKEN_SECONDS", 0.1)
    with audio_server() as server:
        peer = AudioPeer(server.address)
        assert peer.closed_by_server()
        peer.close()


def test_a_handler_that_fails_gives_no_result_and_harms_no_other() -> None:
    def fails(stream: AudioStream) -> list[Frame]:
        raise KeyError("anything")

    with audio_server() as server:
        bad, good = server.expect(fails), server.expect(everything)
        one, two = AudioPeer(server.address, bad.uuid), AudioPeer(server.address, good.uuid)
        assert one.closed_by_server()
        two.send(audio())
        two.close()
        one.close()
        assert bad.result() is None
        assert good.result() == [Frame(Kind.AUDIO, SPEECH)]


def test_a_single_frame_is_not_waited_for_to_be_followed_by_others() -> None:
    came: list[float] = []

    def first(stream: AudioStream) -> Kind:
        kind = stream.take_in(lambda frame: frame.kind, silence=30)
        came.append(time.monotonic())
        return kind or Kind.ERROR

    with audio_server() as server:
        expected = server.expect(first)
        peer = AudioPeer(server.address, expected.uuid)
        assert until(lambda: server.active == 1)
        time.sleep(0.05)
        peer.send(key("#"))
        sent = time.monotonic()
        assert until(lambda: bool(came))
        assert came[0] - sent < 5
        assert expected.result() is Kind.DTMF
        peer.close()


def test_silence_is_our_error() -> None:
    def listen(stream: AudioStream) -> str:
        try:
            stream.take_in(lambda _frame: None, silence=0.1)
        except VoiceError as error:
            return str(error)
        return "ended"

    with audio_server() as server:
        expected = server.expect(listen)
        peer = AudioPeer(server.address, expected.uuid)
        assert peer.closed_by_server()
        assert "no audio" in str(expected.result())
        peer.close()


def test_a_stream_that_goes_on_when_its_call_is_over_is_cut() -> None:
    with audio_server() as server:
        expected = server.expect(everything)
        peer = AudioPeer(server.address, expected.uuid)
        peer.send(audio())
        assert until(lambda: server.active == 1)
        assert expected.result(patience=0.1) == [Frame(Kind.AUDIO, SPEECH)]
        peer.close()


def test_what_lies_there_is_had_without_waiting() -> None:
    def look(stream: AudioStream) -> tuple[float, list[Frame] | None]:
        stream.send_audio(memoryview(SPEECH))
        start = time.monotonic()
        return time.monotonic() - start, stream.pending()

    with audio_server() as server:
        expected = server.expect(look)
        peer = AudioPeer(server.address, expected.uuid)
        assert peer.frames_until_end() == [Frame(Kind.AUDIO, SPEECH)]
        outcome = expected.result()
        peer.close()
    assert outcome is not None
    assert outcome[0] < 1
    assert outcome[1] == []


def test_giving_back_says_so_and_takes_what_still_comes() -> None:
    def give_back(stream: AudioStream) -> bool:
        stream.give_back()
        return True

    with audio_server() as server:
        expected = server.expect(give_back)
        peer = AudioPeer(server.address, expected.uuid)
        peer.send(audio() * 50)
        assert peer.frames_until_end() == [Frame(Kind.HANGUP, b"")]
        peer.close()
        assert expected.result()


def test_the_last_piece_of_audio_is_filled_up_with_silence() -> None:
    def send(stream: AudioStream) -> bool:
        stream.send_audio(memoryview(b"\x01\x02"))
        return True

    with audio_server() as server:
        expected = server.expect(send)
        peer = AudioPeer(server.address, expected.uuid)
        assert peer.frames_until_end() == [Frame(Kind.AUDIO, b"\x01\x02" + bytes(318))]
        peer.close()


@pytest.mark.parametrize("owed", [1, 2, 100, FRAME, FRAME + 2])
def test_a_frame_taken_in_part_is_followed_by_its_rest(owed: int) -> None:
    """Else Asterisk would take audio for the header of a frame."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = AudioStream(Slow(ours, owed), FrameReader(), [], Pump())  # type: ignore[arg-type]
        for _ in range(3):
            stream.send_beside(SPEECH)
        assert FrameReader().feed(theirs.recv(1 << 20)) == [Frame(Kind.AUDIO, SPEECH * 2)]


def test_the_rest_of_a_frame_goes_before_the_channel_is_given_back() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        stream = AudioStream(Slow(ours, 100), FrameReader(), [], Pump())  # type: ignore[arg-type]
        stream.send_beside(SPEECH)
        theirs.shutdown(socket.SHUT_WR)
        stream.give_back()
        assert FrameReader().feed(theirs.recv(1 << 20)) == [Frame(Kind.AUDIO, SPEECH), GIVEN_BACK]


GIVEN_BACK = Frame(Kind.HANGUP, b"")


class Slow:
    """A socket that leaves the last ``owed`` octets of what is sent first."""

    def __init__(self, ours: socket.socket, owed: int) -> None:
        self._ours = ours
        self._owed = owed

    def __getattr__(self, name: str) -> object:
        return getattr(self._ours, name)

    def setsockopt(self, *_of_tcp: int) -> None: ...

    def send(self, octets: bytes, flags: int) -> int:
        owed, self._owed = self._owed, 0
        return self._ours.send(octets[: len(octets) - owed], flags)
