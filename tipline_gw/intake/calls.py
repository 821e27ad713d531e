"""Takes in what callers say: sealed as it is spoken, each chunk committed as it is full.

A call's tip may have several recordings one after the other (record again, add more). A new one
takes the place of the old in one transaction, when it has ended and is not empty: until then
both are there, so whatever happens the caller's words are. The PCM is also kept in RAM, for the
caller to hear and to go on from, because what is sealed cannot be read back here; it is wiped
when the call is over.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from time import monotonic

from sqlalchemy import Connection

from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.dialog import EMPTY_SECONDS, Ended
from tipline_gw.domain.tip import Envelope, Kind, TipId
from tipline_gw.domain.wav import HEADER_OCTETS, PCM_RATE, streaming_header
from tipline_gw.errors import StoreError, VoiceError
from tipline_gw.intake.desk import Desk
from tipline_gw.sealing.padding import recording_padding
from tipline_gw.sealing.writer import Sealer
from tipline_gw.store import repository as repo
from tipline_gw.store.writer import Job

COMMIT_TIMEOUT = 30.0
"""The store may be so far behind; what waits for it lies in RAM, as what is spoken does anyway."""
TOGETHER_SECONDS = 0.2
"""So long a chunk waits for those of other calls, to be committed with them. With the 4.1 s that it
holds and the 0.3 s until it is seen to be full that stays under the five seconds that may be lost
when the daemon is killed."""
PATIENCE_RECORDINGS = 3
"""A tip may hold so many longest recordings in all."""


class CallTip:
    """The tip of one call; see :class:`tipline_gw.domain.intake.VoiceTip`."""

    def __init__(self, desk: Desk, language: str | None, max_seconds: int) -> None:
        self.language = language
        self._desk = desk
        self._limit = PATIENCE_RECORDINGS * max_seconds * PCM_RATE
        self._hours = desk.now()
        self._id: TipId | None = None
        self._envelope_id: bytes | None = None
        self._recording_id: bytes | None = None
        self._pcm = bytearray()
        self._partial = False
        self._code: CaseCode | None = None

    def record(self, *, append: bool) -> CallRecording:
        if self._id is None:
            self._id = self._begin()
        return CallRecording(self, self._id, self._pcm if append else bytearray())

    def spoken(self) -> memoryview:
        return memoryview(self._pcm).toreadonly()

    def keep(self) -> CaseCode:
        if self._id is None or self._recording_id is None:
            raise StoreError("there is no recording to keep")
        if self._code is None:
            self._finish_envelope(self._id)
            self._code = self._desk.give_code(self._id)
        return self._code

    def close(self) -> None:
        try:
            if self._id is not None and self._code is None:
                self._settle(self._id)
        finally:
            _wipe(self._pcm)
            self._id = None

    def _begin(self) -> TipId:
        """Tip and a provisional envelope, on disk before the caller speaks."""
        tip_id = TipId(repo.new_id())
        header, chunks = self._desk.seal_envelope(self._envelope(partial=True, seconds=None))

        def job(connection: Connection) -> bytes:
            repo.add_tip(connection, tip_id, Kind.VOICE, self._desk.line_digest, self._hours)
            return repo.add_whole(connection, tip_id, repo.Role.ENVELOPE, header, chunks)

        self._envelope_id = self._desk.writer.do(job)
        return tip_id

    def _envelope(self, *, partial: bool, seconds: float | None) -> Envelope:
        return Envelope(
            kind=Kind.VOICE,
            language=self.language,
            received=self._desk.received(self._hours),
            line=self._desk.line,
            partial=partial,
            seconds=seconds,
        )

    def _finish_envelope(self, tip_id: TipId) -> None:
        seconds = round(len(self._pcm) / PCM_RATE, 1)
        envelope = self._envelope(partial=self._partial, seconds=seconds)
        header, chunks = self._desk.seal_envelope(envelope)
        old = self._envelope_id

        def job(connection: Connection) -> bytes:
            repo.drop_sealed(connection, [old] if old else [])
            return repo.add_whole(connection, tip_id, repo.Role.ENVELOPE, header, chunks)

        self._envelope_id = self._desk.writer.do(job)
        self._desk.on_tip(Kind.VOICE)

    def _settle(self, tip_id: TipId) -> None:
        """The caller is gone without a code: what was said stays, nothing said leaves nothing."""
        if self._recording_id is not None:
            self._finish_envelope(tip_id)
        elif not self._partial:
            self._desk.writer.do(lambda connection: repo.drop_tip(connection, tip_id))

    # What a recording tells its tip.

    def heard(self, pcm: bytearray, sealed_id: bytes, ended: Ended) -> None:
        _wipe(self._pcm)
        self._pcm = pcm
        self._recording_id = sealed_id
        self._partial = ended is Ended.FAILED

    def broken(self) -> None:
        """Some of it is on disk, not all: the tip must not be dropped."""
        self._partial = True

    @property
    def desk(self) -> Desk:
        return self._desk

    @property
    def limit(self) -> int:
        return self._limit

    @property
    def recording_id(self) -> bytes | None:
        return self._recording_id


class CallRecording:
    """One recording under way; see :class:`tipline_gw.domain.intake.Recording`."""

    def __init__(self, tip: CallTip, tip_id: TipId, before: bytearray) -> None:
        self._tip = tip
        self._writer = tip.desk.writer
        self._sealer = Sealer(tip.desk.recipients)
        self._id = repo.new_id()
        self._pcm = bytearray(before)
        self._before = len(before)
        self._seq = 0
        self._octets = HEADER_OCTETS
        self._waiting: deque[tuple[Future[None], float]] = deque()
        header = self._sealer.header
        self._submit(lambda c: repo.add_sealed(c, tip_id, self._id, repo.Role.RECORDING, header))
        self._seal(streaming_header())
        self._seal(before)

    def write(self, pcm: bytes | bytearray | memoryview) -> None:
        if len(self._pcm) + len(pcm) > self._tip.limit:
            raise VoiceError("the tip is as long as a tip can be")
        self._check()
        self._pcm += pcm
        self._seal(pcm)

    def finish(self, ended: Ended) -> None:
        try:
            self._end(ended)
        except StoreError:
            self._tip.broken()
            raise
        finally:
            self._sealer.close()

    def _end(self, ended: Ended) -> None:
        if len(self._pcm) - self._before < EMPTY_SECONDS * PCM_RATE:
            self._writer.do(lambda connection: repo.drop_sealed(connection, [self._id]))
            return
        self._seal(bytes(recording_padding(HEADER_OCTETS + len(self._pcm))))
        last, seq = self._sealer.finish(), self._seq
        replaced = self._tip.recording_id

        def job(connection: Connection) -> None:
            repo.add_chunks(connection, self._id, seq, [last], final=True)
            repo.drop_sealed(connection, [replaced] if replaced else [])

        self._submit(job, within=0.0)
        while self._waiting:
            self._committed()
        self._tip.heard(self._pcm, self._id, ended)

    def _seal(self, data: bytes | bytearray | memoryview) -> None:
        if data:
            chunks, seq = self._sealer.write(data), self._seq
            self._seq += len(chunks)
            if chunks:
                self._submit(lambda c: repo.add_chunks(c, self._id, seq, chunks, final=False))

    def _submit(self, job: Job, within: float = TOGETHER_SECONDS) -> None:
        self._waiting.append((self._writer.submit(job, within), monotonic()))

    def _check(self) -> None:
        """Raise what the store said of earlier chunks, or that it says nothing. It does not wait:
        the thread that writes here writes for other calls too."""
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()[0].result()
        if self._waiting and monotonic() - self._waiting[0][1] > COMMIT_TIMEOUT:
            raise _too_slow()

    def _committed(self) -> None:
        try:
            self._waiting.popleft()[0].result(COMMIT_TIMEOUT)
        except TimeoutError:
            raise _too_slow() from None


def _too_slow() -> StoreError:
    return StoreError("the store did not commit in time", "see what slows it")


def _wipe(pcm: bytearray) -> None:
    pcm[:] = bytes(len(pcm))
