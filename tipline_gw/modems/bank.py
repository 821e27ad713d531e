"""The bank: all modems of the configuration, each in a thread of its own, and their way to the
core. Offers are numbered here; the core's word on one goes to the modem that made it."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from tipline_gw.boundary.recorder import Recorder
from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.bank import (
    Answer,
    Cleared,
    Note,
    Offer,
    Place,
    Pulse,
    Refused,
    Said,
    Settled,
    Taken,
    Tally,
    ToCore,
)
from tipline_gw.domain.sms import Notice
from tipline_gw.errors import ModemError
from tipline_gw.modems.answering import LIFE, Answering
from tipline_gw.modems.driver import Driver
from tipline_gw.modems.modem import Modem
from tipline_gw.modems.pin import PIN, read_pin
from tipline_gw.modems.profiles import Profile
from tipline_gw.modems.taking import Taking
from tipline_gw.modems.view import View
from tipline_gw.settings.schema import Modem as ModemSettings
from tipline_gw.settings.schema import Sms

CLOSE_SECONDS = 10.0
PULSE_SECONDS = 5.0
TALLY_SECONDS = 0.25
"""What happened is told together: a message to the core for each would cost more than the
message itself."""
_STANDING = frozenset(("up", "registered", "signal-dbm", "balance", "balance-low"))

T = TypeVar("T")


class Bank:
    """``send``: to the core. ``settled``: what it said first."""

    def __init__(
        self,
        modems: Iterable[ModemSettings],
        sms: Sms,
        settled: Settled,
        send: Callable[[ToCore], None],
    ) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._whose: dict[int, Modem] = {}
        self._guard = threading.Lock()
        self._standing: dict[tuple[str, str], float] = {}
        self._counted: Counter[tuple[str, str]] = Counter()
        self._news = threading.Event()
        self._stop = threading.Event()
        self._vault = Vault(sms.reassembly_seconds + LIFE)
        # One key for the life of the process: the same delivery is known again over a replug.
        self._key = secrets.token_bytes(32)
        places = dict(settled.places)
        self._modems = {
            one.name: self._modem(one, sms, settled.salt, places.get(one.name, ()))
            for one in modems
        }
        self._teller = threading.Thread(target=self._tell, name="tallies")

    def start(self) -> None:
        self._teller.start()
        for modem in self._modems.values():
            modem.start()

    def heed(self, word: Taken | Refused | Answer) -> None:
        """The core's word on an offer."""
        with self._guard:
            last = not (isinstance(word, Taken) and word.answer)
            modem = self._whose.pop(word.serial, None) if last else self._whose.get(word.serial)
        if modem is not None:
            modem.heed(word)

    def finish(self) -> None:
        """Read nothing new, let the core answer what is offered, end."""
        self._end(Modem.finish)

    def abandon(self) -> None:
        """End at once: nobody takes anything in any more."""
        self._end(Modem.abandon)

    def _end(self, how: Callable[[Modem], None]) -> None:
        for modem in self._modems.values():
            how(modem)
        for modem in self._modems.values():
            modem.join(CLOSE_SECONDS)
        self._stop.set()
        self._news.set()
        if self._teller.ident is not None:
            self._teller.join(CLOSE_SECONDS)
        self._vault.close()

    # For the engineer.

    def views(self) -> list[View]:
        return [modem.view() for modem in self._modems.values()]

    def run(self, name: str, job: Callable[[Driver], T], timeout: float) -> T:
        """Do ``job`` in that modem's thread. Raises ModemError."""
        return self._named(name).run(job, timeout)

    def record(self, name: str, recorder: Recorder | None) -> None:
        self._named(name).record(recorder)

    def _named(self, name: str) -> Modem:
        if name not in self._modems:
            raise ModemError(
                f"there is no modem {name}", "there are: " + (", ".join(self._modems) or "none")
            )
        return self._modems[name]

    # What a modem is given (modems.taking.Core).

    def serial(self) -> int:
        return next(self._numbers)

    def offer(self, offer: Offer) -> None:
        self._ask(offer.serial, offer.message.modem, offer)

    def note(self, note: Note) -> None:
        self._ask(note.serial, note.modem, note)

    def _ask(self, number: int, modem: str, message: Offer | Note) -> None:
        with self._guard:
            self._whose[number] = self._modems[modem]
        self._send(message)

    def cleared(self, modem: str, places: tuple[Place, ...]) -> None:
        self._send(Cleared(modem, places))

    def tally(self, modem: str, what: str, count: float = 1) -> None:
        with self._guard:
            if what in _STANDING:
                self._standing[modem, what] = count
            else:
                self._counted[modem, what] += count  # type: ignore[assignment]
        self._news.set()

    def _tell(self) -> None:
        """Tallies soon after they come, and a sign of life now and then."""
        while not self._stop.is_set():
            if self._news.wait(PULSE_SECONDS):
                self._stop.wait(TALLY_SECONDS)
            self._news.clear()
            self._tell_tallies()
            self._vault.sweep()
            self._send(
                Pulse(self._names(lambda m: not m.lives), self._names(lambda m: not m.ready))
            )

    def _tell_tallies(self) -> None:
        with self._guard:
            tallies: dict[tuple[str, str], float] = {**self._counted, **self._standing}
            self._counted.clear()
            self._standing.clear()
        for (modem, what), count in tallies.items():
            self._send(Tally(modem, what, count))
        self._send(Tally("", "addresses-held", self._vault.count))

    def _names(self, holds: Callable[[Modem], bool]) -> tuple[str, ...]:
        return tuple(name for name, modem in self._modems.items() if holds(modem))

    # Making one.

    def _modem(
        self, settings: ModemSettings, sms: Sms, salt: bytes, places: tuple[Place, ...]
    ) -> Modem:
        name = settings.name
        answering = Answering(
            sms.sending_limit,
            self._vault.release,
            lambda result: self.tally(name, f"reply-{result}"),
            lambda number, sent: self._send(Said(number, sent)),
        )
        taking = Taking(
            name,
            self,
            salt=salt,
            settled=(place for place in places if place.slot != PIN),
            reassembly_seconds=sms.reassembly_seconds,
            expect=answering.expect,
            awaited=answering.awaited,
            release=self._vault.release,
        )
        tried = next((place for place in places if place.slot == PIN), None)
        return Modem(settings, self._port_of(settings), self, taking, answering, tried_pin=tried)

    def _port_of(
        self, settings: ModemSettings
    ) -> Callable[[Profile, Callable[[Notice], None]], BoundaryPort]:
        def open_port(profile: Profile, on_notice: Callable[[Notice], None]) -> BoundaryPort:
            return BoundaryPort(
                settings.port,
                self._vault,
                on_notice=on_notice,
                baudrate=profile.serial.baudrate,
                rtscts=profile.serial.rtscts,
                pin=read_pin(settings.pin_file) if settings.pin_file else None,
                fingerprint_key=self._key,
            )

        return open_port
