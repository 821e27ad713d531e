"""Writes the store's sealed tips out as age files, still sealed."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine

from tipline_gw.domain.tip import HOUR, TipId
from tipline_gw.errors import StoreError
from tipline_gw.store import repository as repo

_ENDINGS = {repo.Role.ENVELOPE: "json.age", repo.Role.RECORDING: "wav.age"}


def export_tips(engine: Engine, directory: Path) -> list[str]:
    """The names written, in the order of their random ids. A file is whole or not there; its
    times say no more than the store does."""
    names: list[str] = []
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for row in sorted(repo.tips(engine), key=lambda row: row.id):
            names += _export(engine, row, directory)
    except OSError as error:
        raise StoreError(f"{directory}: cannot be written ({error.strerror})") from None
    return names


def _export(engine: Engine, row: repo.TipRow, directory: Path) -> list[str]:
    written = []
    for name, sealed_id in _named(engine, row.id):
        path, temporary = directory / name, directory / f".{name}.part"
        with temporary.open("wb") as file:
            for octets in repo.octets(engine, sealed_id):
                file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        os.utime(temporary, (row.received * HOUR, row.received * HOUR))
        temporary.replace(path)
        written.append(name)
    return written


def _named(engine: Engine, tip_id: TipId) -> list[tuple[str, bytes]]:
    """Usually one of each; a call that broke off between two recordings has a second one."""
    counts: dict[repo.Role, int] = {}
    named = []
    for row in repo.sealed_of(engine, tip_id):
        counts[row.role] = counts.get(row.role, 0) + 1
        again = f"{counts[row.role]}." if counts[row.role] > 1 else ""
        named.append((f"{tip_id.hex()}.{again}{_ENDINGS[row.role]}", row.id))
    return named
