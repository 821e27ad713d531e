import io
import json

import pytest

from tests.sealing import stock_age
from tipline_gw.intake.codes import CodePool
from tipline_gw.intake.desk import Desk
from tipline_gw.sealing.identities import HybridIdentity
from tipline_gw.sealing.opener import Opener
from tipline_gw.sealing.recipients import Recipients, parse_recipient
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import migrate, open_engine
from tipline_gw.store.writer import Writer


@pytest.fixture(scope="session")
def identity():
    return HybridIdentity.generate()


@pytest.fixture(scope="session")
def age():
    tool = stock_age.find()
    yield tool
    tool.close()


def aloud(text: str, language: str) -> bytes:
    """A voice that can be read."""
    return f"{language}: {text}".encode()


@pytest.fixture
def desk(tmp_path, identity):
    engine = open_engine(f"sqlite:///{tmp_path / 'tips.db'}", make=True)
    migrate(engine)
    writer = Writer(engine)
    codes = CodePool(writer.do(repo.code_salt), ready=2)
    recipients = Recipients([parse_recipient(identity.public_key)])
    counted = []
    made = Desk(writer, engine, recipients, codes, "Línea de prueba", "hour", counted.append, aloud)
    yield made
    codes.close()
    writer.close()
    engine.dispose()


@pytest.fixture
def opened(desk, identity):
    """Opens a sealed file of the store: all plaintext chunks."""

    def open_(sealed_id: bytes) -> bytes:
        source = io.BytesIO(b"".join(repo.octets(desk.engine, sealed_id)))
        return b"".join(Opener(source, [identity]).chunks())

    return open_


@pytest.fixture
def envelopes(desk, opened):
    def read() -> list[dict]:
        return [
            json.loads(opened(row.id))
            for tip in repo.tips(desk.engine)
            for row in repo.sealed_of(desk.engine, tip.id)
            if row.role is repo.Role.ENVELOPE
        ]

    return read
