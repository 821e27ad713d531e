import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.voice.fakes import HANG_UP, SPEECH, AudioPeer, FakeRecording, audio, audio_server, key
from tipline_gw.domain.dialog import Ended
from tipline_gw.voice import speech
from tipline_gw.voice.audiosocket import AudioStream
from tipline_gw.voice.frames import FRAME, FRAME_SECONDS, Frame, FrameReader, Kind
from tipline_gw.voice.keypad import Keypad
from tipline_gw.voice.pump import SWEEP_SECONDS, Carried, Pump, R
from tipline_gw.voice.speech import Taken, play, record


@pytest.fixture
def quiet() -> Iterator[AudioStream]:
    """A stream that nothing comes on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
        with ours, theirs:
            yield AudioStream(ours, FrameReader(), [], Pump())


def recorded(sink: FakeRecording, *wire: bytes, longest: float = 60, silence: float = 5) -> Taken:
    """What became of a recording that is sent ``wire``, and then the end of the stream if the
    server did not end it before."""
    with audio_server() as server:
        expected = server.expect(lambda stream: record(stream, sink, longest, silence))
        peer = AudioPeer(server.address, expected.uuid)
        peer.send(*wire)
        if not wire or HANG_UP in wire:
            peer.close()
        else:
            assert peer.frames_until_end()[-1] == Frame(Kind.HANGUP, b"")
            peer.close()
        taken = expected.result()
    assert taken is not None
    assert sink.ended == []
    return taken


def test_the_hash_key_ends_a_recording_and_is_not_in_it() -> None:
    sink = FakeRecording()
    taken = recorded(sink, audio() * 25, key("#"), audio() * 3)
    assert taken == Taken(Ended.KEY, 0.5)
    assert bytes(sink.pcm) == SPEECH * 25


@pytest.mark.parametrize("name", ["1", "*", "0", "A", "\xe9"[:1]])
def test_another_key_does_not_end_it(name: str) -> None:
    sink = FakeRecording()
    wire = Frame(Kind.DTMF, name.encode("latin-1")).to_bytes()
    assert recorded(sink, audio() * 25, wire, audio(), key("#")).ended is Ended.KEY
    assert bytes(sink.pcm) == SPEECH * 26


def test_a_hash_right_after_the_tone_was_pressed_out_of_habit() -> None:
    sink = FakeRecording()
    taken = recorded(sink, audio(), key("#"), audio() * 29, key("#"))
    assert taken == Taken(Ended.KEY, 0.6)
    assert bytes(sink.pcm) == SPEECH * 30


def test_a_channel_that_sends_nothing_in_pauses_can_be_ended_too(quiet: AudioStream) -> None:
    sink = FakeRecording()
    recorder = speech._Recorder(quiet, sink, 60, Keypad())
    assert recorder._take(Frame(Kind.DTMF, b"#")) is None
    recorder._began -= 1
    assert recorder._take(Frame(Kind.DTMF, b"#")) is Ended.KEY


@pytest.mark.parametrize(("apart", "ended"), [(3, None), (5, None), (15, Ended.KEY)])
@pytest.mark.parametrize("parted", [0, 1, 2, 20])
def test_keys_count_as_far_apart_as_they_were_pressed(
    quiet: AudioStream, apart: int, ended: Ended | None, parted: int
) -> None:
    """Many frames are read at a time, and the end of a reading may part a key from its double."""
    words = [random.Random(at).randbytes(FRAME) for at in range(60)]
    words[8::10] = words[9::10] = [bytes(FRAME)] * 6
    loud = [Frame(Kind.AUDIO, each) for each in words]
    hash_key = Frame(Kind.DTMF, b"#")
    frames = [*loud[:40], hash_key, *loud[40 : 40 + apart], hash_key]
    first, rest = frames[: 41 + parted], [*frames[41 + parted :], *loud[:9]]
    recorder = speech._Recorder(quiet, FakeRecording(), 60, Keypad())
    read_at = recorder._began + 41 * FRAME_SECONDS
    taken = []
    for batch in (first, rest):
        read_at += FRAME_SECONDS * sum(frame.kind is Kind.AUDIO for frame in batch)
        quiet._first, quiet.came_at = list(batch), read_at
        while quiet._first:
            taken.append(recorder._take(quiet._first.pop(0)))
    assert next((each for each in taken if each), None) is ended


def test_a_habit_is_one_too_when_it_is_read_later(quiet: AudioStream) -> None:
    recorder = speech._Recorder(quiet, FakeRecording(), 60, Keypad())
    recorder._began -= 0.6
    quiet._first, quiet.came_at = [Frame(Kind.AUDIO, SPEECH)] * 10, time.monotonic()
    assert recorder._take(Frame(Kind.DTMF, b"#")) is None
    assert recorder._keypad.press("#", recorder._began + 0.4) == "#"


def test_keys_right_after_the_hash_are_told() -> None:
    wire = audio() * 25 + key("#") + audio() + key("#") + key("1") + audio() + key("A") + key("*")
    assert recorded(FakeRecording(), wire) == Taken(Ended.KEY, 0.5, keys="1*")


def test_a_key_after_a_hash_in_the_middle_of_speech_says_that_it_was_meant() -> None:
    noise = random.Random(1)
    loud = [audio(bytes(noise.randrange(256) for _ in range(FRAME))) for _ in range(60)]
    wire = b"".join(loud[:50]) + key("#") + loud[50] + key("1") + b"".join(loud[51:]) + key("2")
    taken = recorded(FakeRecording(), audio(bytes(FRAME)) * 25, wire)
    assert (taken.ended, taken.keys) == (Ended.KEY, "12")


def test_silence_is_told_from_speech() -> None:
    assert not recorded(FakeRecording(), audio(bytes(FRAME)) * 50, key("#")).spoken
    assert recorded(FakeRecording(), audio() * 50, key("#")).spoken


def test_a_hangup_keeps_all_that_came_before_it() -> None:
    sink = FakeRecording()
    assert recorded(sink, audio() * 7, HANG_UP).ended is Ended.HANGUP
    assert bytes(sink.pcm) == SPEECH * 7


def test_a_stream_that_just_ends_is_a_hangup() -> None:
    assert recorded(FakeRecording()) == Taken(Ended.HANGUP, 0.0, spoken=False)


def test_the_longest_time_ends_it_to_the_sample() -> None:
    sink = FakeRecording()
    assert recorded(sink, audio() * 40, longest=0.51) == Taken(Ended.LIMIT, 0.51)
    assert len(sink.pcm) == int(0.51 * 8000) * 2


def test_a_channel_that_sends_little_is_ended_by_the_clock(quiet: AudioStream) -> None:
    sink = FakeRecording()
    recorder = speech._Recorder(quiet, sink, 60, Keypad())
    recorder._until = time.monotonic() - 1
    assert recorder._take(speech.IDLE) is Ended.LIMIT
    assert recorder._take(Frame(Kind.AUDIO, SPEECH)) is Ended.LIMIT


def test_a_sink_that_takes_no_more_fails_it_and_gives_the_channel_back() -> None:
    sink = FakeRecording(limit=3 * FRAME)
    taken = recorded(sink, audio() * 3, key("5"), audio() * 17)
    assert taken.ended is Ended.FAILED
    assert bytes(sink.pcm) == SPEECH * 3


@pytest.mark.parametrize(
    "wire",
    [
        pytest.param(Frame(Kind.ERROR, b"\x01").to_bytes(), id="Asterisk reports an error"),
        pytest.param(Frame(Kind.AUDIO_16, SPEECH).to_bytes(), id="audio at another rate"),
        pytest.param(b"\x77\x00\x00", id="no frame"),
    ],
)
def test_what_is_not_speech_fails_it_and_what_came_before_stands(wire: bytes) -> None:
    sink = FakeRecording()
    assert recorded(sink, audio() * 2, wire).ended is Ended.FAILED
    assert bytes(sink.pcm) == SPEECH * 2


def test_who_hesitates_where_silence_is_not_sent_is_waited_for_as_long_as_anybody() -> None:
    class Waits(Pump):
        def carry(self, stream: Carried[R]) -> R | None:
            patience.append(stream._silence)
            return None

    patience: list[float] = []
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as ours,
    ):
        record(AudioStream(ours, FrameReader(), [], Waits()), FakeRecording(), 180)
    assert patience[0] > 180 + 1 + 2 * SWEEP_SECONDS


def test_silence_without_any_frame_fails_it() -> None:
    assert recorded(FakeRecording(), audio(), silence=0.1).ended is Ended.FAILED


def played(
    pcm: bytes, during: bytes = b"", keypad: Keypad | None = None
) -> tuple[str | None, list[Frame], float]:
    with audio_server() as server:
        expected = server.expect(lambda stream: play(stream, memoryview(pcm), keypad=keypad))
        start = time.monotonic()
        peer = AudioPeer(server.address, expected.uuid)
        peer.send(during)
        frames = peer.frames_until_end()
        peer.close()
        return expected.result(), frames, time.monotonic() - start


def test_playing_sends_all_of_it_at_the_pace_of_speech_and_gives_the_channel_back() -> None:
    key_pressed, frames, seconds = played(SPEECH * 10)
    assert key_pressed == ""
    assert [frame.kind for frame in frames] == [Kind.AUDIO] * 10 + [Kind.HANGUP]
    assert seconds >= 0.18


def test_playing_does_not_wait_for_a_channel_that_sends_nothing() -> None:
    _, frames, seconds = played(SPEECH * 50)
    assert len(frames) == 51
    assert seconds < 5


def test_a_key_interrupts_playing() -> None:
    key_pressed, frames, _ = played(SPEECH * 500, audio() * 3 + key("2") + audio() + key("5"))
    assert key_pressed == "25"
    assert len(frames) < 100


def test_a_key_that_the_line_doubled_neither_interrupts_playing_nor_is_one_more() -> None:
    keypad = Keypad()
    assert keypad.press("2", time.monotonic() + 0.5)  # "hear it", just before
    key_pressed, frames, _ = played(SPEECH * 10, key("2"), keypad)
    assert key_pressed == ""
    assert len(frames) == 11
    key_pressed, _, _ = played(SPEECH * 500, key("1") + key("1"))
    assert key_pressed == "1"


def test_a_telephone_that_sends_nothing_while_its_caller_hesitates_is_not_given_up() -> None:
    """Asterisk ends an AudioSocket on which nothing was said either way for two seconds."""
    with audio_server() as server:
        expected = server.expect(lambda stream: record(stream, FakeRecording(), 60, 10))
        peer = AudioPeer(server.address, expected.uuid)
        peer.send(audio())
        peer.socket.settimeout(1.9)
        heard = [peer.reader.feed(peer.socket.recv(4096)) for _ in range(3)]
        peer.close()
        assert heard == [[Frame(Kind.AUDIO, bytes(FRAME))]] * 3
        assert expected.result(patience=10) is not None


def test_a_hash_out_of_habit_does_not_interrupt_playing() -> None:
    key_pressed, frames, _ = played(SPEECH * 20, key("#"))
    assert key_pressed == ""
    assert len(frames) == 21


@pytest.mark.parametrize("during", [HANG_UP, b"\x77\x00\x00", Frame(Kind.ERROR, b"").to_bytes()])
def test_a_hangup_ends_playing(during: bytes) -> None:
    key_pressed, frames, _ = played(SPEECH * 500, during)
    assert key_pressed is None
    assert len(frames) < 100


def test_a_stream_that_ends_ends_playing() -> None:
    with audio_server() as server:
        expected = server.expect(lambda stream: play(stream, memoryview(SPEECH * 500)))
        peer = AudioPeer(server.address, expected.uuid)
        threading.Timer(0.1, peer.close).start()
        start = time.monotonic()
        assert expected.result(patience=10) is None
        assert time.monotonic() - start < 8
