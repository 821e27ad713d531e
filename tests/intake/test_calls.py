import io
import threading
import wave

import pytest
from sqlalchemy import event, select, update

from tests.intake.tips import keep
from tipline_gw.domain.dialog import Ended
from tipline_gw.domain.tip import Kind, State
from tipline_gw.domain.wav import HEADER_OCTETS, PCM_RATE
from tipline_gw.errors import NotYetError, OpenError, StoreError, VoiceError
from tipline_gw.intake import calls
from tipline_gw.intake.calls import CallTip
from tipline_gw.intake.export import export_tips
from tipline_gw.sealing.exported import open_exported
from tipline_gw.sealing.opener import Opener
from tipline_gw.sealing.stream import CHUNK_SIZE
from tipline_gw.store import repository as repo
from tipline_gw.store import tables
from tipline_gw.store.tables import chunk
from tipline_gw.voice.pump import SWEEP_SECONDS


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


def say(tip, pcm: bytes, ended=Ended.KEY, *, append=False, spoken=True) -> None:
    recording = tip.record(append=append)
    for start in range(0, len(pcm), 3200):
        recording.write(pcm[start : start + 3200])
    recording.finish(ended, spoken=spoken)


class Disk:
    """Of the store: ``full()`` leaves it no page more than it has, ``free()`` all it wants."""

    def __init__(self, desk) -> None:
        self._desk = desk
        self._pages = 1_000_000
        event.listen(desk.engine, "begin", self._limit)

    def _limit(self, connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {self._pages}")

    def full(self) -> None:
        self._desk.writer.do(lambda connection: None)
        with self._desk.engine.connect() as connection:
            self._pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def free(self) -> None:
        self._pages = 1_000_000


@pytest.fixture
def disk(desk):
    return Disk(desk)


@pytest.fixture
def counted(desk):
    return desk.on_tip.__self__


def close_case(desk, tip_id) -> None:
    closed = update(tables.tip).values(state=int(State.CLOSED_OUTSIDE))
    desk.writer.do(lambda c: c.execute(closed.where(tables.tip.c.id == tip_id)))


def test_what_is_not_on_disk_yet_is_less_than_five_seconds_of_speech():
    """What a kill of the daemon may cost: a chunk that is not full, seen to be full and committed
    as late as can be."""
    assert CHUNK_SIZE / PCM_RATE + SWEEP_SECONDS + calls.TOGETHER_SECONDS < 4.75


def test_what_is_said_and_kept_comes_back_whole(tip, desk, recordings, envelopes):
    pcm = speech(10)
    say(tip, pcm)
    code = tip.keep()
    assert tip.keep() == code
    tip.close()
    assert recordings() == [pcm]
    (envelope,) = envelopes()
    assert (envelope["kind"], envelope["seconds"], envelope["partial"]) == ("voice", 10.0, False)
    assert desk.case_of(code).state is State.RECEIVED


def test_hang_up_keeps_what_was_said(tip, recordings, envelopes):
    pcm = speech(3)
    say(tip, pcm, Ended.HANGUP)
    tip.close()
    assert recordings() == [pcm]
    assert envelopes()[0]["seconds"] == 3.0


def test_the_envelope_tells_the_length_of_what_the_reviewer_opens(
    tip, desk, identity, envelopes, tmp_path
):
    """A line that is lost at the end leaves digital silence, which nobody said."""
    say(tip, speech(2) + bytes(PCM_RATE * 3) + speech(1) + bytes(PCM_RATE * 7))
    tip.keep()
    tip.close()
    names = export_tips(desk.engine, tmp_path / "out")
    (wav,) = (name for name in names if name.endswith(".wav.age"))
    opened = open_exported(tmp_path / "out" / wav, [identity], None)
    assert envelopes()[0]["seconds"] == opened.seconds == 6.0


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
    held = tip._tip.pcm
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


@pytest.mark.parametrize("ended", [Ended.HANGUP, Ended.FAILED])
def test_one_that_its_caller_did_not_end_takes_nothing_s_place(tip, recordings, ended):
    """Who takes fright after the tone and hangs up has not said: forget what I told you."""
    say(tip, speech(3))
    say(tip, speech(1, 9), ended)
    assert sorted(map(len, recordings())) == [16_000, 48_000]
    tip.close()
    assert sorted(map(len, recordings())) == [16_000, 48_000]


def test_what_a_recording_still_takes_is_the_room_that_is_left_in_its_tip(desk):
    tip = CallTip(desk, "es", max_seconds=2)
    say(tip, speech(3.5))
    recording = tip.record(append=True)
    assert recording.room == 2.5
    recording.write(speech(2))
    assert recording.room == 0.5
    recording.finish(Ended.KEY)
    assert tip.record(append=False).room == 6.0


def test_a_tip_longer_than_a_tip_can_be_is_refused_and_what_was_said_stays(desk, recordings):
    tip = CallTip(desk, "es", max_seconds=1)
    recording = tip.record(append=False)
    recording.write(speech(3))
    with pytest.raises(VoiceError):
        recording.write(speech(0.1))
    recording.finish(Ended.FAILED)
    tip.close()
    assert recordings() == [speech(3)]


def test_of_what_is_too_long_for_a_tip_the_beginning_is_kept(desk, recordings, envelopes):
    tip = CallTip(desk, "es", max_seconds=1)
    recording = tip.record(append=False)
    recording.write(speech(2.75))
    with pytest.raises(VoiceError):
        recording.write(speech(0.5, 9))
    with pytest.raises(VoiceError):
        recording.write(speech(0.02, 9))
    recording.finish(Ended.FAILED)
    tip.close()
    assert recordings() == [speech(2.75) + speech(0.25, 9)]
    assert envelopes()[0]["partial"]


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


def purge_case(desk, tip_id) -> None:
    desk.writer.do(lambda c: repo.drop_tip(c, tip_id))


def test_a_silent_recording_leaves_nothing(tip, desk, counted):
    say(tip, bytes(int(10 * PCM_RATE)), spoken=False)
    with pytest.raises(StoreError, match="no recording"):
        tip.keep()
    tip.close()
    assert (repo.tips(desk.engine), counted) == ([], [])
    with desk.engine.connect() as connection:
        assert connection.execute(select(chunk.c.seq)).all() == []


@pytest.mark.parametrize("append", [False, True])
def test_a_silent_recording_keeps_the_one_that_stands(tip, recordings, envelopes, append):
    say(tip, speech(3))
    say(tip, bytes(int(10 * PCM_RATE)), append=append, spoken=False)
    assert bytes(tip.spoken()) == speech(3)
    tip.keep()
    tip.close()
    assert recordings() == [speech(3)]
    assert (envelopes()[0]["seconds"], envelopes()[0]["partial"]) == (3.0, False)


def test_speech_that_is_not_kept_is_wiped_too(tip):
    say(tip, speech(1))
    for pcm, spoken in ((speech(1, 2), False), (speech(0.1, 2), True), (speech(1, 3), True)):
        before, recording = tip._tip.pcm, tip.record(append=False)
        recording.write(pcm)
        recording.finish(Ended.KEY, spoken=spoken)
        gone = recording._said if tip._tip.pcm is before else [*recording._said, before]
        assert sum(map(len, gone))
        assert not any(map(any, gone))


def test_what_comes_in_tiny_pieces_is_kept_in_larger_ones(tip, recordings):
    said, recording = speech(1), tip.record(append=False)
    for start in range(0, len(said), 2):
        recording.write(said[start : start + 2])
    assert len(recording._said) <= 1 + len(said) // 4096
    recording.finish(Ended.KEY)
    assert bytes(tip.spoken()) == said
    tip.keep()
    assert recordings() == [said]


# Added to a case.


def test_an_addition_belongs_to_its_case_and_has_no_code(tip, desk, recordings, envelopes, counted):
    case = keep(desk)
    code = desk.give_code(case)
    tip.adds_to = desk.case_of(code).tip
    say(tip, speech(2))
    assert tip.keep() is None
    assert tip.keep() is None
    tip.close()
    (row,) = [row for row in repo.tips(desk.engine) if row.id != case]
    assert (row.adds_to, row.answer_key, counted) == (case, None, [Kind.VOICE])
    assert recordings() == [speech(2)]
    assert [e["adds_to"] for e in envelopes() if "adds_to" in e] == [case.hex()]
    purge_case(desk, case)
    assert repo.tips(desk.engine) == []


def test_hanging_up_in_an_addition_keeps_it(tip, desk, recordings):
    tip.adds_to = keep(desk)
    say(tip, speech(2), Ended.HANGUP)
    tip.close()
    assert recordings() == [speech(2)]


def test_a_silent_addition_leaves_nothing(tip, desk):
    tip.adds_to = keep(desk)
    say(tip, speech(2), spoken=False)
    tip.close()
    assert [row.id for row in repo.tips(desk.engine)] == [tip.adds_to]


@pytest.mark.parametrize("gone", [close_case, purge_case])
def test_nothing_is_added_to_a_case_that_is_closed_or_purged(tip, desk, gone):
    tip.adds_to = keep(desk)
    gone(desk, tip.adds_to)
    before = repo.tips(desk.engine)
    with pytest.raises(StoreError, match="not open any more"):
        tip.record(append=False)
    tip.close()
    assert repo.tips(desk.engine) == before


def test_what_was_begun_while_the_case_was_open_is_kept(tip, desk, recordings):
    tip.adds_to = keep(desk)
    recording = tip.record(append=False)
    recording.write(speech(2))
    close_case(desk, tip.adds_to)
    recording.finish(Ended.KEY)
    assert tip.keep() is None
    tip.close()
    assert recordings() == [speech(2)]


def test_an_addition_to_a_case_purged_meanwhile_is_not_called_kept(tip, desk):
    tip.adds_to = keep(desk)
    say(tip, speech(2))
    purge_case(desk, tip.adds_to)
    with pytest.raises(StoreError):
        tip.keep()
    with pytest.raises(StoreError):
        say(tip, speech(2), append=True)
    tip.close()
    assert repo.tips(desk.engine) == []


def test_a_call_may_leave_a_tip_and_then_add_to_a_case(tip, desk, recordings, counted):
    case = keep(desk)
    say(tip, speech(2, 1))
    code = tip.keep()
    tip.adds_to = case
    say(tip, speech(3, 2))
    assert bytes(tip.spoken()) == speech(3, 2)
    assert tip.keep() is None
    tip.adds_to = None
    say(tip, speech(4, 3))
    assert tip.keep() not in (None, code)
    tip.close()
    assert sorted(recordings()) == [speech(2, 1), speech(3, 2), speech(4, 3)]
    assert sum(row.adds_to == case for row in repo.tips(desk.engine)) == 1
    assert len(counted) == 3


def test_what_stands_unkept_stays_when_the_caller_goes_on_to_a_case(tip, desk, recordings):
    say(tip, speech(2, 1))
    held, tip.adds_to = tip._tip.pcm, keep(desk)
    say(tip, speech(3, 2))
    assert not any(held)
    tip.close()
    assert sorted(recordings()) == [speech(2, 1), speech(3, 2)]


# A changed voice.


def disguises(tip, *recordings) -> None:
    for disguised, append, spoken in recordings:
        tip.disguised = disguised
        say(tip, speech(1), append=append, spoken=spoken)
    tip.close()


@pytest.mark.parametrize(
    ("recordings", "said"),
    [
        ([(True, False, True)], True),
        ([(False, False, True)], None),
        ([(True, False, True), (True, True, True)], True),
        ([(False, False, True), (True, True, True)], None),
        ([(True, False, True), (False, True, True)], None),
        ([(False, False, True), (True, False, True)], True),
        ([(False, False, True), (True, False, False)], None),
        ([(True, False, True), (False, False, False)], True),
    ],
)
def test_only_what_is_disguised_as_a_whole_is_called_so(tip, envelopes, recordings, said):
    disguises(tip, *recordings)
    assert envelopes()[0].get("disguised") is said


def test_a_recording_that_broke_off_is_not_called_disguised(tip, desk, envelopes):
    tip.disguised = True
    recording = tip.record(append=False)
    recording.write(speech(9))
    desk.writer.do(lambda connection: None)
    assert "disguised" not in envelopes()[0]
    recording.finish(Ended.KEY)
    tip.close()


# The store fails.


def test_a_full_disk_is_told_before_anybody_speaks(tip, desk, disk, recordings):
    keep(desk)
    disk.full()
    for _ in range(2):
        with pytest.raises(StoreError, match="full"):
            tip.record(append=False)
    with pytest.raises(StoreError):
        tip.keep()
    assert bytes(tip.spoken()) == b""
    disk.free()
    say(tip, speech(2))
    assert tip.keep()
    tip.close()
    assert recordings() == [speech(2)]


def test_a_disk_that_fills_in_mid_speech_loses_nothing_committed(tip, desk, disk, identity):
    recording = tip.record(append=False)
    recording.write(speech(9))
    disk.full()
    with pytest.raises(StoreError):
        for _ in range(5):
            recording.write(speech(5))
            desk.writer.do(lambda connection: None)
    disk.free()
    with pytest.raises(StoreError):
        recording.finish(Ended.FAILED)
    with pytest.raises(StoreError, match="no recording"):
        tip.keep()
    tip.close()
    (row,) = repo.tips(desk.engine)
    assert not row.whole
    assert len(prefix(desk, row.id, identity)) == 2 * 65536


def prefix(desk, tip_id, identity) -> bytes:
    """What opens of a recording that is cut short, and only cut short."""
    (sealed,) = [row for row in repo.sealed_of(desk.engine, tip_id) if not row.whole]
    opener = Opener(io.BytesIO(b"".join(repo.octets(desk.engine, sealed.id))), [identity])
    got = bytearray()
    with pytest.raises(OpenError) as caught:
        for piece in opener.chunks():
            got += piece
    assert caught.value.truncated
    return bytes(got)


def test_nothing_is_stored_behind_a_part_that_is_missing(tip, desk, identity, monkeypatch):
    """The store fails for one chunk, in its group and alone: what came after it would make the
    file one that was altered."""
    add, failures = repo.add_chunks, []

    def failing(connection, sealed_id, first, chunks, *, final):
        if first == 2 and len(failures) < 2:
            failures.append(first)
            raise StoreError("the disk of the store fails")
        add(connection, sealed_id, first, chunks, final=final)

    gate = threading.Event()
    monkeypatch.setattr(repo, "add_chunks", failing)
    recording = tip.record(append=False)
    recording.write(speech(9))
    desk.writer.do(lambda connection: None)
    desk.writer.submit(lambda connection: gate.wait(10) and None)
    for _ in range(4):
        recording.write(speech(4.1))
    gate.set()
    with pytest.raises(StoreError):
        recording.finish(Ended.KEY)
    tip.close()
    (row,) = repo.tips(desk.engine)
    assert len(prefix(desk, row.id, identity)) == 2 * 65536


@pytest.mark.parametrize("append", [False, True])
def test_what_stood_before_stands_when_the_next_one_fails(
    tip, desk, disk, recordings, envelopes, append
):
    say(tip, speech(2, 1))
    recording = tip.record(append=append)
    recording.write(speech(2, 2))
    disk.full()
    with pytest.raises(StoreError):
        recording.finish(Ended.KEY)
    assert bytes(tip.spoken()) == speech(2, 1)
    disk.free()
    code = tip.keep()
    tip.close()
    assert desk.case_of(code)
    assert envelopes()[0]["partial"]
    whole = [row.whole for row in repo.sealed_of(desk.engine, desk.case_of(code).tip)]
    assert sorted(whole) == [False, True, True]


def test_recording_again_after_a_failure_takes_the_place_of_all(tip, disk, recordings, envelopes):
    say(tip, speech(2, 1))
    recording = tip.record(append=False)
    recording.write(speech(9, 2))
    disk.full()
    with pytest.raises(StoreError):
        recording.finish(Ended.KEY)
    disk.free()
    say(tip, speech(3, 3))
    tip.keep()
    tip.close()
    assert recordings() == [speech(3, 3)]
    assert not envelopes()[0]["partial"]


def test_adding_more_after_a_failure_leaves_what_was_committed(tip, desk, disk, envelopes):
    say(tip, speech(2, 1))
    recording = tip.record(append=True)
    recording.write(speech(9, 2))
    disk.full()
    with pytest.raises(StoreError):
        recording.finish(Ended.KEY)
    disk.free()
    say(tip, speech(3, 3), append=True)
    assert bytes(tip.spoken()) == speech(2, 1) + speech(3, 3)
    code = tip.keep()
    tip.close()
    assert envelopes()[0]["partial"]
    assert len(repo.sealed_of(desk.engine, desk.case_of(code).tip)) == 3


def test_a_tip_whose_end_cannot_be_written_is_not_called_kept(tip, desk, disk, envelopes, counted):
    say(tip, speech(2))
    disk.full()
    with pytest.raises(StoreError):  # the last free pages too
        for _ in range(50):
            keep(desk)
    with pytest.raises(StoreError):
        tip.keep()
    disk.free()
    code = tip.keep()
    tip.close()
    assert desk.case_of(code)
    assert counted == [Kind.VOICE]


def test_without_a_code_it_is_not_called_kept_and_may_be_tried_again(
    tip, desk, recordings, envelopes, counted, monkeypatch
):
    def none(_wait):
        raise NotYetError("no case code is ready")

    say(tip, speech(2))
    monkeypatch.setattr(desk.codes, "take", none)
    for _ in range(2):
        with pytest.raises(NotYetError):
            tip.keep()
    assert not envelopes()[0]["partial"]
    monkeypatch.undo()
    assert desk.case_of(tip.keep())
    tip.close()
    assert (recordings(), counted) == ([speech(2)], [Kind.VOICE])


def test_a_call_that_ends_without_a_code_is_kept_and_counted_once(
    tip, desk, recordings, counted, monkeypatch
):
    def none(_wait):
        raise NotYetError("no case code is ready")

    say(tip, speech(2))
    monkeypatch.setattr(desk.codes, "take", none)
    with pytest.raises(NotYetError):
        tip.keep()
    tip.close()
    assert (recordings(), counted) == ([speech(2)], [Kind.VOICE])


def test_a_store_that_closes_ends_the_call_quietly_and_wipes(tip, desk):
    say(tip, speech(2))
    held = tip._tip.pcm
    desk.writer.close()
    with pytest.raises(StoreError):
        tip.record(append=True)
    tip.close()
    assert not any(held)
    assert [row.whole for row in repo.tips(desk.engine)] == [True]


def test_a_tip_that_is_begun_too_late_leaves_nothing(tip, desk, monkeypatch):
    monkeypatch.setattr(calls, "COMMIT_TIMEOUT", 0.1)
    gate = threading.Event()
    desk.writer.submit(lambda connection: gate.wait(30) and None)
    with pytest.raises(StoreError, match="in time"):
        tip.record(append=False)
    gate.set()
    desk.writer.do(lambda connection: None)
    tip.close()
    assert repo.tips(desk.engine) == []


def test_a_store_that_hangs_holds_no_call_for_ever(tip, desk, recordings, monkeypatch):
    """And what it writes when it is back stays, though nobody was told so."""
    monkeypatch.setattr(calls, "COMMIT_TIMEOUT", 0.1)
    gate = threading.Event()
    recording = tip.record(append=False)
    recording.write(speech(2))
    desk.writer.submit(lambda connection: gate.wait(30) and None)
    with pytest.raises(StoreError, match="in time"):
        recording.finish(Ended.KEY)
    with pytest.raises(StoreError):
        tip.keep()
    tip.close()
    gate.set()
    desk.writer.do(lambda connection: None)
    assert recordings() == [speech(2)]
