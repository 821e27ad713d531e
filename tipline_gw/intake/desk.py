"""What every way in shares: sealing an envelope, committing it, giving a case code."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from tipline_gw.domain.case_code import CaseCode
from tipline_gw.domain.intake import CaseNews
from tipline_gw.domain.tip import (
    Envelope,
    Granularity,
    Kind,
    State,
    TipId,
    coarse_hours,
    coarse_text,
)
from tipline_gw.intake.codes import CodePool
from tipline_gw.sealing.padding import pad_text
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.writer import seal
from tipline_gw.store import repository as repo
from tipline_gw.store.writer import Writer

LONGEST_WAIT = 30.0
"""A caller on the line waits for a code rather than go without."""

Sealed = tuple[bytes, list[bytes]]


def line_digest(name: str) -> int:
    """15 bits of the line's name: the store has no room for text."""
    return int.from_bytes(hashlib.blake2s(name.encode(), digest_size=2).digest()) & 0x7FFF


@dataclass(frozen=True, slots=True)
class Desk:
    """Public keys only: what passes this desk cannot be read back here."""

    writer: Writer
    engine: Engine
    recipients: Recipients
    codes: CodePool
    line: str
    granularity: Granularity
    on_tip: Callable[[Kind], None] = lambda _kind: None

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
        is ready within ``wait`` seconds."""
        while True:
            code, code_hash = self.codes.take(wait)
            if self.writer.do(functools.partial(_give, tip_id=tip_id, code_hash=code_hash)):
                return code

    def case_of(self, code: CaseCode) -> repo.Case | None:
        """The case with this code. Tens of milliseconds, the same whether there is one."""
        return repo.case_of(self.engine, self.codes.hash(code))

    def news_of(self, code: CaseCode) -> CaseNews | None:
        """What its caller may hear; takes the same time."""
        case = self.case_of(code)
        return CaseNews(case.tip, case.state, case.open) if case else None

    def state_of(self, code: CaseCode) -> State | None:
        """Only its state; takes the same time."""
        case = self.case_of(code)
        return case.state if case else None


def _give(connection: Connection, tip_id: TipId, code_hash: bytes) -> bool:
    return repo.give_code(connection, tip_id, code_hash)
