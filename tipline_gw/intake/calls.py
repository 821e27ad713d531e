"""Takes in what callers say: sealed as it is spoken, each chunk committed as it is full.

A call's tip may have several recordings one after the other (record again, add more). A new one
takes the place of the old in one transaction, when it has ended and is not silence alone: until
then both are there, so whatever happens the caller's words are. One that was to be in place of the
old but was not ended by its caller (a hang-up, a broken line) stands beside it. The PCM is also
kept in RAM, for the caller to hear and to go on from, because what is sealed cannot be read back
here; it is wiped when the call is over.

It refuses to call a recording whole of which the store lacks a part, and to say that a tip is kept
when it is not. The other way round can happen: a store that answered too late may hold what the
caller was told could not be taken.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from sqlalchemy import Connection

from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.dialog import EMPTY_SECONDS, Ended
from tipline_gw.domain.intake import RECORDINGS_A_TIP
from tipline_gw.domain.tip import Envelope, Kind, TipId
from tipline_gw.domain.wav import HEADER_OCTETS, PCM_RATE, heard_octets, streaming_header
from tipline_gw.errors import StoreError, TiplineError, VoiceError
from tipline_gw.intake.desk import COMMIT_TIMEOUT, Desk
from tipline_gw.sealing.padding import recording_padding
from tipline_gw.sealing.writer import Sealer
from tipline_gw.store import repository as repo
from tipline_gw.store.writer import Job, committed, too_slow

TOGETHER_SECONDS = 0.05
"""So long a chunk waits for those of other calls, to be committed with them: all that are seen to
be full at a time come within less. With the 4.1 s that it holds and the 0.4 s until it is seen to
be full that stays under the five seconds that may be lost when the daemon is killed."""

_PIECE = 4096
"""Octets. What comes in smaller ones is put together: each piece costs some hundred more."""


@dataclass(slots=True)
class _Begun:
    """A tip that is in the store, and the recording of it that stands. ``partial``: not all that
    was said is in that recording. ``envelope``: the last one committed."""

    id: TipId
    adds_to: TipId | None
    recording_id: bytes | None = None
    pcm: bytearray = field(default_factory=bytearray)
    partial: bool = False
    disguised: bool = False
    envelope: Envelope | None = None
    code: CaseCode | None = None
    kept: bool = False


class CallTip:
    """The tip of one call; see :class:`tipline_gw.domain.intake.VoiceTip`."""

    def __init__(self, desk: Desk, language: str | None, max_seconds: int) -> None:
        self.language = language
        self.adds_to: TipId | None = None
        self.disguised = False
        self._desk = desk
        self._limit = RECORDINGS_A_TIP * max_seconds * PCM_RATE
        self._hours = desk.now()
        self._tip: _Begun | None = None

    def record(self, *, append: bool) -> CallRecording:
        if self._tip is None or self._tip.kept or self._tip.adds_to != self.adds_to:
            begun = self._begin()
            self._leave()
            self._tip = begun
        return CallRecording(
            self._desk, self._tip, self._limit, append=append, disguised=self.disguised
        )

    def spoken(self) -> memoryview:
        return memoryview(self._tip.pcm if self._tip else b"").toreadonly()

    def keep(self) -> CaseCode | None:
        tip = self._tip
        if tip is None or tip.recording_id is None:
            raise StoreError("there is no recording to keep")
        if not tip.kept:
            self._finish_envelope(tip)
            if tip.adds_to is None:
                tip.code = self._desk.give_code(tip.id)
            tip.kept = True
        return tip.code

    def close(self) -> None:
        self._leave()

    def _begin(self) -> _Begun:
        """Tip and a provisional envelope, on disk before the caller speaks."""
        tip = _Begun(TipId(repo.new_id()), self.adds_to)
        header, chunks = self._desk.seal_envelope(self._envelope(tip, partial=True))

        def job(connection: Connection) -> None:
            line, hours = self._desk.line_digest, self._hours
            repo.add_tip(connection, tip.id, Kind.VOICE, line, hours, tip.adds_to)
            repo.add_whole(connection, tip.id, repo.Role.ENVELOPE, header, chunks)

        try:
            self._desk.writer.do(job, COMMIT_TIMEOUT)
        except StoreError:
            with suppress(StoreError):  # it may have been too late only
                self._desk.writer.submit(lambda c: repo.drop_if_unspoken(c, tip.id))
            raise
        return tip

    def _envelope(
        self, tip: _Begun, *, partial: bool, seconds: float | None = None, disguised: bool = False
    ) -> Envelope:
        return Envelope(
            kind=Kind.VOICE,
            language=self.language,
            received=self._desk.received(self._hours),
            line=self._desk.line,
            partial=partial,
            seconds=seconds,
            adds_to=tip.adds_to.hex() if tip.adds_to else None,
            disguised=disguised or None,
        )

    def _finish_envelope(self, tip: _Begun) -> None:
        """That the voice is disguised is said here only, of the recording that stands: of one
        that breaks off with the daemon it is not known. ``seconds``: of what ``tips open`` writes,
        which is without the digital silence at the end."""
        seconds = round(heard_octets(tip.pcm) / PCM_RATE, 1)
        envelope = self._envelope(
            tip, partial=tip.partial, seconds=seconds, disguised=tip.disguised
        )
        if envelope == tip.envelope:
            return
        header, chunks = self._desk.seal_envelope(envelope)
        job: Job = lambda c: repo.put_envelope(c, tip.id, header, chunks)  # noqa: E731
        self._desk.writer.do(job, COMMIT_TIMEOUT)
        if tip.envelope is None:
            self._desk.on_tip(Kind.VOICE)
        tip.envelope = envelope

    def _leave(self) -> None:
        """What was said stays, also without a code; nothing said leaves nothing."""
        tip, self._tip = self._tip, None
        if tip is None:
            return
        try:
            if not tip.kept:
                with suppress(TiplineError):  # what is on disk stays as it is
                    self._settle(tip)
        finally:
            _wipe(tip.pcm)

    def _settle(self, tip: _Begun) -> None:
        if tip.recording_id is not None:
            self._finish_envelope(tip)
        else:
            job: Job = lambda c: repo.drop_if_unspoken(c, tip.id)  # noqa: E731
            self._desk.writer.do(job, COMMIT_TIMEOUT)


class CallRecording:
    """One recording under way; see :class:`tipline_gw.domain.intake.Recording`."""

    def __init__(
        self, desk: Desk, tip: _Begun, limit: int, *, append: bool, disguised: bool
    ) -> None:
        self._tip = tip
        self._limit = limit
        self._append = append
        self._disguised = disguised and (tip.disguised or not (append and tip.pcm))
        self._writer = desk.writer
        self._id = repo.new_id()
        self._said = [bytearray(tip.pcm)] if append else []
        """In pieces: one buffer that grows was a quarter of what taking the audio costs."""
        self._before = self._octets = len(tip.pcm) if append else 0
        self._seq = 0
        self._waiting: deque[tuple[Future[None], float]] = deque()
        self._failed = False
        self._sealer = Sealer(desk.recipients)
        try:
            self._begin()
        except BaseException:
            self._end()
            raise

    @property
    def room(self) -> float:
        return max(0, self._limit - self._octets) / PCM_RATE

    def write(self, pcm: bytes | bytearray | memoryview) -> None:
        self._check()
        fits = memoryview(pcm)[: self._limit - self._octets]
        self._remember(fits)
        self._seal(fits)
        if len(fits) < len(pcm):
            raise VoiceError("the tip is as long as a tip can be")

    def finish(self, ended: Ended, *, spoken: bool = True) -> None:
        try:
            if spoken and self._octets - self._before >= EMPTY_SECONDS * PCM_RATE:
                self._keep(ended)
            else:
                job: Job = lambda c: repo.drop_sealed(c, [self._id])  # noqa: E731
                self._writer.do(job, COMMIT_TIMEOUT)
        finally:
            self._end()

    def _remember(self, pcm: memoryview) -> None:
        if self._said and len(self._said[-1]) < _PIECE:
            self._said[-1] += pcm
        else:
            self._said.append(bytearray(pcm))
        self._octets += len(pcm)

    def _begin(self) -> None:
        tip_id, header = self._tip.id, self._sealer.header
        self._submit(lambda c: repo.add_sealed(c, tip_id, self._id, repo.Role.RECORDING, header))
        self._seal(streaming_header())
        for piece in self._said:
            self._seal(piece)

    def _keep(self, ended: Ended) -> None:
        try:
            self._seal(bytes(recording_padding(HEADER_OCTETS + self._octets)))
            last, seq = self._sealer.finish(), self._seq
            self._submit(lambda c: self._take_place(c, seq, last, ended), within=0.0)
            while self._waiting:
                self._committed()
        except StoreError:
            self._tip.partial = True
            raise
        self._stand(ended)

    def _take_place(self, connection: Connection, seq: int, last: bytes, ended: Ended) -> None:
        repo.add_chunks(connection, self._id, seq, [last], final=True)
        if self._append and self._tip.recording_id:
            repo.drop_sealed(connection, [self._tip.recording_id])
        elif not self._append and ended in (Ended.KEY, Ended.LIMIT):
            repo.drop_recordings(connection, self._tip.id, but=self._id)

    def _stand(self, ended: Ended) -> None:
        """On disk: it is what the tip holds from here on."""
        tip, replaced = self._tip, self._tip.pcm
        tip.recording_id, tip.disguised = self._id, self._disguised
        tip.partial = ended is Ended.FAILED or (self._append and tip.partial)
        tip.pcm = bytearray().join(self._said)  # last: of all this only it can lack memory
        self._said.append(replaced)

    def _end(self) -> None:
        """Forget what is not kept: a recording that was dropped, or the one that was replaced."""
        self._sealer.close()
        for piece in self._said:
            _wipe(piece)

    def _seal(self, data: bytes | bytearray | memoryview) -> None:
        if data:
            chunks, seq = self._sealer.write(data), self._seq
            self._seq += len(chunks)
            if chunks:
                self._submit(lambda c: repo.add_chunks(c, self._id, seq, chunks, final=False))

    def _submit(self, job: Job, within: float = TOGETHER_SECONDS) -> None:
        """What comes after a part that is not in the store would not open: it is refused too."""

        def in_order(connection: Connection) -> None:
            if self._failed:
                raise StoreError("an earlier part of the recording is not in the store")
            job(connection)

        future = self._writer.submit(in_order, within)
        future.add_done_callback(self._note)
        self._waiting.append((future, monotonic()))

    def _note(self, future: Future[None]) -> None:
        """In the writer's thread, before it runs the next job alone."""
        if future.exception() is not None:
            self._failed = True

    def _check(self) -> None:
        """Raise what the store said of earlier chunks, or that it says nothing. It does not wait:
        the thread that writes here writes for other calls too. What waits for the store lies in
        RAM, as what is spoken does anyway."""
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()[0].result()
        if self._waiting and monotonic() - self._waiting[0][1] > COMMIT_TIMEOUT:
            raise too_slow()

    def _committed(self) -> None:
        committed(self._waiting.popleft()[0], COMMIT_TIMEOUT)


def _wipe(pcm: bytearray) -> None:
    pcm[:] = bytes(len(pcm))
