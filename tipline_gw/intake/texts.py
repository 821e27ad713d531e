"""Takes in texts: one sealed envelope each, committed before anything is answered."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from tipline_gw.domain.tip import Envelope, Kind, TipId
from tipline_gw.intake.desk import Desk
from tipline_gw.store import repository as repo


@dataclass(frozen=True, slots=True)
class Text:
    """A message as the bank put it together. ``error`` and ``data`` (hex) instead of ``text``
    where it could not be decoded."""

    text: str | None
    encoding: str | None = None
    parts: int = 1
    partial: bool = False
    error: str | None = None
    data: str | None = None


def accept(desk: Desk, text: Text) -> TipId:
    """Seal and commit. Returns when it is on disk; raises StoreError and then nothing of it is."""
    hours = desk.now()
    envelope = Envelope(
        kind=Kind.SMS,
        language=None,
        received=desk.received(hours),
        line=desk.line,
        text=text.text,
        encoding=text.encoding,
        parts=text.parts,
        partial=text.partial,
        error=text.error,
        data=text.data,
    )
    header, chunks = desk.seal_envelope(envelope)
    tip_id = TipId(repo.new_id())

    def job(connection: Connection) -> None:
        repo.add_tip(connection, tip_id, Kind.SMS, desk.line_digest, hours)
        repo.add_whole(connection, tip_id, repo.Role.ENVELOPE, header, chunks)

    desk.writer.do(job)
    desk.on_tip(Kind.SMS)
    return tip_id
