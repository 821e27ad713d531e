"""What the store has of a crowd, opened with the reviewer's key."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from tests.crowd.codes import Kept, read
from tipline_gw.domain.tip import Kind, TipId
from tipline_gw.domain.wav import HEADER_OCTETS
from tipline_gw.errors import OpenError
from tipline_gw.sealing.identities import Identity, load_identities
from tipline_gw.sealing.opener import Opener
from tipline_gw.store import repository as repo
from tipline_gw.store.engine import open_engine


def kept(config: Path) -> Iterator[Kept]:
    """Of each recording, whole or cut short."""
    url = re.search(r'(?m)^url = "([^"]*)"', config.read_text())
    assert url
    identities = load_identities(config.parent / "reviewer.key")
    engine = open_engine(url[1])
    try:
        for tip in repo.tips(engine):
            if tip.kind is Kind.VOICE:
                for sealed in _recordings(engine, tip.id):
                    yield read(_opened(sealed, identities)[HEADER_OCTETS:])
    finally:
        engine.dispose()


def _recordings(engine: repo.Engine, tip: TipId) -> Iterator[bytes]:
    for row in repo.sealed_of(engine, tip):
        if row.role is repo.Role.RECORDING:
            yield b"".join(repo.octets(engine, row.id))


def _opened(sealed: bytes, identities: list[Identity]) -> bytes:
    plain = bytearray()
    try:
        for chunk in Opener(io.BytesIO(sealed), identities).chunks():
            plain += chunk
    except OpenError as error:
        assert getattr(error, "truncated", False), error
    return bytes(plain)
