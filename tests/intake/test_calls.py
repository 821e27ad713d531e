import io
import wave

import pytest
from sqlalchemy import select

from tipline_gw.domain.dialog import Ended
from tipline_gw.domain.tip import State
from tipline_gw.domain.wav import HEADER_OCTETS, PCM_RATE
from tipline_gw.errors import OpenError, StoreError, VoiceError
from tipline_gw.intake.calls import CallTip
from tipline_gw.sealing.opener import Opener
from tipline_gw.store import repository as repo
from tipline_gw.store.tables import chunk


def speech(seconds: float, value: int = 7) -> bytes:
    return bytes([value, 1]) * int(seconds * PCM_RATE / 2)


@pytest.fixture
def tip(desk):
    return CallTip(desk, "es", max_seconds=60)


@pytest.fixture
def recordings(desk, opened):
    def read() -> list[bytes]:
        return [
            opened(row.id)[HEADER_OCTETS:].rstrip(b"\0")
            for tip in repo.tips(desk.engine)
            for row in repo.sealed_of(desk.engine, tip.id)
            if row.role is repo.Role.RECORDING
        ]

    return read


def say(tip, pcm: bytes, ended=Ended.KEY, *, append=False) -> None:
    recording = tip.record(append=append)
    for start in range(0, len(pcm), 3200):
        recording.write(pcm[start : start + 3200])
    recording.finish(ended)


def test_what_is_said_and_kept_comes_back_whole(tip, desk, recordings, envelopes):
    pcm = speech(10)
    say(tip, pcm)
    code = tip.keep()
    assert tip.keep() == code
    tip.close()
    assert recordings() == [pcm]
    (envelope,) = envelopes()
    assert (envelope["kind"], envelope["seconds"], envelope["partial"]) == ("voice", 10.0, False)
    assert desk.state_of(code) is State.RECEIVED


def test_hang_up_keeps_what_was_said(tip, recordings, envelopes):
    pcm = speech(3)
    say(tip, pcm, Ended.HANGUP)
    tip.close()
    assert recordings() == [pcm]
    assert envelopes()[0]["seconds"] == 3.0


def test_chunks_are_on_disk_while_the_caller_speaks(tip, desk, identity):
    recording = tip.record(append=False)
    recording.write(speech(9))
    desk.writer.do(lambda connection: None)
    with desk.engine.connect() as connection:
        (sealed_id,) = {
            row.sealed_id
            for row in connection.execute(select(chunk.c.sealed_id).where(chunk.c.seq == 1))
        }
    opener = Opener(io.BytesIO(b"".join(repo.octets(desk.engine, sealed_id))), [identity])
    got = bytearray()
    with pytest.raises(OpenError) as caught:
        for piece in opener.chunks():
            got += piece
    assert caught.value.truncated
    assert len(got) == 2 * 65536
    recording.finish(Ended.KEY)
    tip.close()


def test_record_again_takes_the_place_of_the_first(tip, recordings):
    say(tip, speech(3, 1))
    say(tip, speech(2, 2))
    tip.keep()
    tip.close()
    assert recordings() == [speech(2, 2)]


def test_add_more_goes_on_from_the_first(tip, recordings):
    say(tip, speech(3, 1))
    say(tip, speech(2, 2), append=True)
    assert bytes(tip.spoken()) == speech(3, 1) + speech(2, 2)
    tip.keep()
    tip.close()
    assert recordings() == [speech(3, 1) + speech(2, 2)]


def test_hanging_up_before_saying_it_again_keeps_the_first(tip, recordings):
    say(tip, speech(3, 1))
    say(tip, speech(0.3, 2), Ended.HANGUP)
    tip.close()
    assert recordings() == [speech(3, 1)]


def test_saying_nothing_leaves_nothing(tip, desk):
    say(tip, b"", Ended.HANGUP)
    tip.close()
    assert repo.tips(desk.engine) == []


def test_not_recording_leaves_nothing(tip, desk):
    tip.close()
    assert repo.tips(desk.engine) == []


def test_nothing_can_be_kept_that_was_not_said(tip):
    with pytest.raises(StoreError):
        tip.keep()


def test_lengths_are_hidden_in_whole_chunks(desk):
    for seconds in (1, 3):
        tip = CallTip(desk, "es", 60)
        say(tip, speech(seconds))
        tip.close()
    assert len({row.size for row in repo.tips(desk.engine)}) == 1


def test_the_speech_is_wiped_when_the_call_is_over(tip):
    say(tip, speech(1))
    held = tip._pcm
    tip.close()
    assert not any(held)


def test_the_wav_plays_although_its_length_was_not_known(tip, desk, opened):
    say(tip, speech(1))
    tip.close()
    (row,) = repo.tips(desk.engine)
    recording = repo.sealed_of(desk.engine, row.id)[1]
    with wave.open(io.BytesIO(opened(recording.id))) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (8000, 1, 2)
        assert wav.readframes(8000) == speech(1)


def test_a_tip_longer_than_a_tip_can_be_is_refused_and_what_was_said_stays(desk, recordings):
    tip = CallTip(desk, "es", max_seconds=1)
    recording = tip.record(append=False)
    recording.write(speech(3))
    with pytest.raises(VoiceError):
        recording.write(speech(0.1))
    recording.finish(Ended.FAILED)
    tip.close()
    assert recordings() == [speech(3)]


def test_a_store_that_fails_in_mid_speech_is_told_and_keeps_what_it_has(tip, desk, monkeypatch):
    recording = tip.record(append=False)
    recording.write(speech(5))
    desk.writer.do(lambda connection: None)

    def full(*_args, **_kwargs):
        raise StoreError("the disk of the store is full")

    monkeypatch.setattr(repo, "add_chunks", full)
    with pytest.raises(StoreError):
        for _ in range(3):
            recording.write(speech(5))
            desk.writer.do(lambda connection: None)
    with pytest.raises(StoreError):
        recording.finish(Ended.FAILED)
    tip.close()
    (row,) = repo.tips(desk.engine)
    assert row.size > 65536
    assert not row.whole
