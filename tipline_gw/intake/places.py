"""What is in the store already and still lies on a modem, in RAM as it is on disk.

A place is written with the tip in one transaction and forgotten when the modem side says that it
is empty. So after a crash of either side what lies there is known again: it is deleted, not
taken in twice. Names of modems, storages and of this gateway are kept as numbers.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sqlalchemy import Connection

from tipline_gw.domain.bank import Place, Settled
from tipline_gw.domain.sms import DIRECT, Slot
from tipline_gw.errors import ConfigError, StoreError
from tipline_gw.store import journal
from tipline_gw.store.journal import PlaceRow
from tipline_gw.store.repository import code_salt
from tipline_gw.store.writer import Writer

_MACHINE_ID = Path("/etc/machine-id")
_FIXED = {DIRECT.storage: 1, "pin": 2}
"""Storages that are none of a modem's (3GPP TS 27.005 §3.2.2 gives those two letters)."""
_LETTERS, _OTHERS, _LAST = 100, 1000, 32767
_SLOTS = 1_000_000
_DIRECT_SLOTS = 4096
_NOT_LAZY = frozenset(("pin",))
"""A PIN that was right, and still counts as tried after a crash, would keep its modem away."""


def gateway_number(line: str) -> int:
    """15 bits of what this gateway is: several may share a database."""
    try:
        machine = _MACHINE_ID.read_text("ascii", "replace").strip()
    except OSError:
        machine = ""
    return _number(f"{machine or socket.gethostname()}\0{line}", 15)


@functools.lru_cache(maxsize=1024)
def _number(name: str, bits: int) -> int:
    digest = hashlib.blake2s(name.encode("utf-8", "replace"), digest_size=4).digest()
    return int.from_bytes(digest) >> (32 - bits)


def storage_number(name: str) -> int:
    """``SM``, ``ME``… have a number of their own, that gives the name back; what else a modem may
    call one is hashed."""
    if name in _FIXED:
        return _FIXED[name]
    if len(name) == 2 and name.isascii() and name.isupper() and name.isalpha():
        return _LETTERS + (ord(name[0]) - 65) * 26 + ord(name[1]) - 65
    return _OTHERS + _number(name, 32) % (_LAST - _OTHERS + 1)


def storage_name(number: int) -> str | None:
    """None: it was hashed."""
    for name, fixed in _FIXED.items():
        if fixed == number:
            return name
    if not _LETTERS <= number < _LETTERS + 26 * 26:
        return None
    first, second = divmod(number - _LETTERS, 26)
    return chr(65 + first) + chr(65 + second)


class Places:
    """Reads what is on disk when it is made. Raises ConfigError, StoreError."""

    def __init__(self, writer: Writer, line: str, modems: Sequence[str]) -> None:
        self._writer = writer
        self.gateway = gateway_number(line)
        self._modems = {_number(name, 23): name for name in modems}
        if len(self._modems) != len(set(modems)):
            raise ConfigError(
                "two modems have names with the same digest", "give one of them another name"
            )
        self._lock = threading.Lock()
        self._known: dict[tuple[int, int, int], bytes] = {}
        self._empty: list[PlaceRow] = []
        self._salt = b""
        writer.do(self._load)

    def _load(self, connection: Connection) -> None:
        salt = code_salt(connection)
        # Whoever has the salt of the checks must not come nearer to a code.
        self._salt = hashlib.blake2s(salt, person=b"places").digest()
        journal.keep_only(connection, self.gateway, self._modems)
        rows = journal.remembered(connection, self.gateway)
        self._known = {row[:3]: row.content for row in rows}

    def settled(self) -> Settled:
        """What the modem side must know. Storages that were hashed cannot be named: what lies
        there is offered again, and known here."""
        found: dict[str, list[Place]] = {name: [] for name in self._modems.values()}
        with self._lock:
            for (modem, storage, slot), content in self._known.items():
                name = storage_name(storage)
                if name is not None and modem in self._modems:
                    index = 0 if name == DIRECT.storage else slot
                    found[self._modems[modem]].append(Place(Slot(name, index), content))
        places = tuple((name, tuple(places)) for name, places in found.items() if places)
        return Settled(self._salt, places)

    def hold(self, modem: str, places: Sequence[Place]) -> bool:
        """Whether all of this is in the store already."""
        rows = _rows(modem, places)
        with self._lock:
            return bool(rows) and all(self._known.get(row[:3]) == row.content for row in rows)

    def writing(self, modem: str, places: Sequence[Place]) -> Callable[[Connection], None]:
        """The job that writes them, in the transaction of what lay there."""
        rows = self.rows(modem, places)
        return functools.partial(_remember, gateway=self.gateway, rows=rows)

    def written(self, modem: str, places: Sequence[Place]) -> None:
        """That transaction is on disk."""
        with self._lock:
            self._known.update({row[:3]: row.content for row in _rows(modem, places)})

    def cleared(self, modem: str, places: Sequence[Place]) -> None:
        """Forget them: at once here, and on disk when something else is written."""
        rows = _rows(modem, places)
        with self._lock:
            for row in rows:
                if self._known.get(row[:3]) == row.content:
                    del self._known[row[:3]]
        if any(place.slot.storage in _NOT_LAZY for place in places):
            job = functools.partial(_forget, gateway=self.gateway, rows=rows)
            with contextlib.suppress(StoreError):  # the store is closing
                self._writer.submit(job)
            return
        with self._lock:
            self._empty += rows
            waits = len(self._empty) > len(rows)
        if not waits:
            self._writer.later(_Forget(self))

    def take_empty(self) -> list[PlaceRow]:
        """What is to be forgotten on disk, all that has come together."""
        with self._lock:
            empty, self._empty = self._empty, []
        return empty

    @staticmethod
    def rows(modem: str, places: Iterable[Place]) -> list[PlaceRow]:
        """As the store keeps them."""
        return _rows(modem, places)


class _Forget:
    """A lazy job: what is empty when it is first run, and the same when it is run again."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._rows: list[PlaceRow] | None = None

    def __call__(self, connection: Connection) -> None:
        if self._rows is None:
            self._rows = self._places.take_empty()
        _forget(connection, self._places.gateway, self._rows)


def _rows(modem: str, places: Iterable[Place]) -> list[PlaceRow]:
    """One a slot: the last, should two have been said."""
    number = _number(modem, 23)
    rows = (
        PlaceRow(number, storage_number(place.slot.storage), _slot(place), place.check)
        for place in places
    )
    return list({row[:3]: row for row in rows}.values())


def _slot(place: Place) -> int:
    """A slot holds one message; what was delivered directly has no slot, and there may be several
    that are not acknowledged yet."""
    if place.slot == DIRECT:
        return int.from_bytes(place.check[:2]) % _DIRECT_SLOTS
    return place.slot.index % _SLOTS


def _remember(connection: Connection, gateway: int, rows: Sequence[PlaceRow]) -> None:
    journal.remember(connection, gateway, rows)


def _forget(connection: Connection, gateway: int, rows: Sequence[PlaceRow]) -> None:
    journal.forget(connection, gateway, rows)
