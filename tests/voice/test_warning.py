import time

import numpy as np
import pytest

from tests.voice.fakes import SPEECH, AudioPeer, FakeRecording, audio, audio_server, key
from tipline_gw.domain.dialog import Ended
from tipline_gw.voice import warning
from tipline_gw.voice.frames import FRAME, Kind
from tipline_gw.voice.speech import record
from tipline_gw.voice.warning import warn_at


@pytest.mark.parametrize(
    ("longest", "at"), [(180, 170), (1800, 1790), (30, 20), (20, 10), (5, 2.5)]
)
def test_ten_seconds_before_the_end_or_in_the_middle_of_a_short_one(longest, at):
    assert warn_at(longest) == at


def test_the_tone_is_whole_frames_short_and_neither_silent_nor_loud():
    sound = np.frombuffer(warning.tone(), dtype="<i2")
    assert len(warning.tone()) % FRAME == 0
    assert 0.3 < len(sound) / 8000 < 0.6
    assert 5000 < np.abs(sound).max() < 16000


def heard_while_speaking(frames: int, longest: float) -> tuple[bytes, list[float], FakeRecording]:
    """A caller who speaks at the pace of speech, then presses the hash: what was played to him,
    when each frame of it came, and what was recorded."""
    sink, times = FakeRecording(), []
    with audio_server() as server:
        expected = server.expect(lambda stream: record(stream, sink, longest))
        peer = AudioPeer(server.address, expected.uuid)
        peer.socket.settimeout(0.005)
        played: list[bytes] = []
        start = time.monotonic()
        for number in range(frames):
            peer.send(audio())
            while time.monotonic() < start + (number + 1) * 0.02:
                try:
                    data = peer.socket.recv(65536)
                except TimeoutError:
                    continue
                new = [frame.payload for frame in peer.reader.feed(data)]
                played += new
                times += [time.monotonic()] * len(new)
        peer.send(key("#"))
        peer.socket.settimeout(5)
        frames_left = peer.frames_until_end()
        played += [frame.payload for frame in frames_left if frame.kind is Kind.AUDIO]
        peer.close()
        taken = expected.result()
    assert taken is not None
    assert taken.ended in (Ended.KEY, Ended.LIMIT)
    return b"".join(played), times, sink


def spoken(sink: FakeRecording) -> list[bytes]:
    """The frames that were recorded, without the silence in place of what came late."""
    pcm = bytes(sink.pcm)
    frames = [pcm[at : at + FRAME] for at in range(0, len(pcm), FRAME)]
    return [frame for frame in frames if any(frame)]


def test_it_is_heard_while_speaking_at_the_pace_of_sound_and_is_not_recorded():
    played, times, sink = heard_while_speaking(75, longest=2.0)
    assert played == warning.tone()
    assert times[-1] - times[0] > 0.25
    assert spoken(sink) == [SPEECH] * 75


def test_before_its_time_nothing_is_heard():
    played, _, sink = heard_while_speaking(40, longest=30)
    assert played == b""
    assert spoken(sink) == [SPEECH] * 40


def test_a_tone_that_cannot_be_sent_does_not_end_the_recording():
    sink = FakeRecording()
    with audio_server() as server:
        expected = server.expect(lambda stream: record(Deaf(stream), sink, 1.0))
        peer = AudioPeer(server.address, expected.uuid)
        peer.send(audio() * 60)
        peer.frames_until_end()
        peer.close()
        taken = expected.result()
    assert taken is not None
    assert taken.ended is Ended.LIMIT
    assert bytes(sink.pcm) == SPEECH * 50


class Deaf:
    """A stream on which nothing can be played."""

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def send_beside(self, pcm):
        raise warning.VoiceError("the channel took no more audio")
