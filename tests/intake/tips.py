"""A tip in the store, without the modem side."""

from sqlalchemy import Connection

from tipline_gw.domain.tip import Envelope, Kind, TipId
from tipline_gw.intake.desk import Desk
from tipline_gw.store import repository as repo


def keep(desk: Desk, text: str = "hola") -> TipId:
    hours = desk.now()
    envelope = Envelope(Kind.SMS, None, desk.received(hours), desk.line, text=text)
    header, chunks = desk.seal_envelope(envelope)
    tip_id = TipId(repo.new_id())

    def job(connection: Connection) -> None:
        repo.add_tip(connection, tip_id, Kind.SMS, desk.line_digest, hours)
        repo.add_whole(connection, tip_id, repo.Role.ENVELOPE, header, chunks)

    desk.writer.do(job)
    return tip_id
