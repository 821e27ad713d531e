"""What every way in shares: sealing an envelope, committing it, giving a case code, and telling
who has a code what became of it."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.intake import CaseNews
from tipline_gw.domain.tip import Envelope, Granularity, Kind, TipId, coarse_hours, coarse_text
from tipline_gw.errors import AnswerError
from tipline_gw.intake.case_answers import AnswerKind, ReadAloud, admitted, heard
from tipline_gw.intake.codes import CodePool, Derived, Drawn
from tipline_gw.sealing.padding import pad_text
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.writer import seal
from tipline_gw.store import repository as repo
from tipline_gw.store.writer import Writer

LONGEST_WAIT = 30.0
"""A caller on the line waits for a code rather than go without."""

COMMIT_TIMEOUT = 30.0
"""So long a commit is waited for, where somebody is on the line."""

Sealed = tuple[bytes, list[bytes]]


def line_digest(name: str) -> int:
    """15 bits of the line's name: the store has no room for text."""
    return int.from_bytes(hashlib.blake2s(name.encode(), digest_size=2).digest()) & 0x7FFF


def _no_voice(_text: str, _language: str) -> bytes:
    raise AnswerError("nothing here reads answers aloud", "record the answer")


@dataclass(frozen=True, slots=True)
class Desk:
    """Public keys only: what passes this desk cannot be read back here. Only an answer can, and
    only while somebody who has the case's code asks for it. ``read_aloud``: speaks a written one.
    """

    writer: Writer
    engine: Engine
    recipients: Recipients
    codes: CodePool
    line: str
    granularity: Granularity
    on_tip: Callable[[Kind], None] = lambda _kind: None
    read_aloud: ReadAloud = _no_voice

    @property
    def line_digest(self) -> int:
        return line_digest(self.line)

    def now(self) -> int:
        return coarse_hours(time.time(), self.granularity)

    def received(self, hours: int) -> str:
        return coarse_text(hours, self.granularity)

    def seal_envelope(self, envelope: Envelope) -> Sealed:
        return seal(self.recipients, pad_text(envelope.to_json()))

    def give_code(self, tip_id: TipId, wait: float = LONGEST_WAIT) -> CaseCode:
        """A fresh code for a committed tip; returns when its hash is on disk. NotYetError if none
        is ready within ``wait`` seconds; StoreError."""
        while True:
            drawn = self.codes.take(wait)
            give = functools.partial(_give, tip_id=tip_id, drawn=drawn)
            if self.writer.do(give, COMMIT_TIMEOUT):
                return drawn.code

    def case_of(self, code: CaseCode) -> repo.Case | None:
        """The case with this code. Tens of milliseconds, the same whether there is one."""
        return repo.case_of(self.engine, self.codes.derive(code).hash)

    def news_of(self, code: CaseCode) -> CaseNews | None:
        """What the code opens. The same work whether there is such a case and whether it is
        answered: an answer is opened only when it is asked for, with what the code made."""
        derived = self.codes.derive(code)
        case = repo.case_of(self.engine, derived.hash)
        if case is None:
            return None
        answer = functools.partial(self._hear, case.answer, derived) if case.answer else None
        return CaseNews(case.tip, case.state, case.open, answer)

    def _hear(self, answer: repo.SealedRow, derived: Derived, language: str) -> bytearray:
        kind = _ROLES[answer.role]
        octets = repo.octets(self.engine, answer.id)
        return heard(octets, kind, derived.identity, lambda text: self.read_aloud(text, language))

    def put_answer(self, tip_id: TipId, kind: AnswerKind, sealed: bytes) -> None:
        """Take in an answer, an age file sealed to the tip's answer key, in place of an earlier
        one; returns when it is on disk. What it says cannot be looked at here. Raises AnswerError
        for what is no such file, is too large, or answers no tip that has a code; StoreError."""
        header, chunks = admitted(sealed, kind)
        role = _OF_KIND[kind]
        self.writer.do(lambda c: repo.put_answer(c, tip_id, role, header, chunks))


_OF_KIND = {AnswerKind.TEXT: repo.Role.ANSWER_TEXT, AnswerKind.SOUND: repo.Role.ANSWER_SOUND}
_ROLES = {role: kind for kind, role in _OF_KIND.items()}


def _give(connection: Connection, tip_id: TipId, drawn: Drawn) -> bool:
    return repo.give_code(connection, tip_id, drawn.hash, drawn.answer_key)
