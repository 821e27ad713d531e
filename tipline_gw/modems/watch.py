"""How a modem fares: on the network or not, its storages, its balance; and when it must be reset.

Looked at with each sweep, for the engineer's list and the metrics. It refuses to act sooner than
a person would: a modem out of the network finds it again by itself most of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import structlog

from tipline_gw.errors import ModemError
from tipline_gw.modems import balance
from tipline_gw.modems.identify import Identity, Reception
from tipline_gw.modems.jobs import Restarting

LOST_SECONDS = 300.0
"""Off the network for this long, its software is restarted; the same again, its hardware."""
BALANCE_SECONDS = 86400.0
NEARLY = 0.9
"""How much of a storage parts that wait for others may take before room is made in it."""
ON_NETWORK = ("home", "roaming")


class Resettable(Protocol):
    """Each says whether it was told to the modem."""

    def soft_reset(self) -> bool: ...
    def power_cycle(self) -> bool: ...


class Hardware(Resettable, Protocol):
    def reception(self) -> Reception: ...
    def slots(self) -> dict[str, tuple[int, int]]: ...
    def sim(self) -> str: ...
    def ussd(self, code: str, timeout: float = 30) -> str: ...


class Watch:
    """What one modem last said of itself. Used by its thread, read by any."""

    def __init__(
        self, tally: Callable[[str, float], None], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._tally = tally
        self._now = now
        self.identity = Identity("", "", "", "")
        self.tag = ""
        self.sim = "unknown"
        self.reception = Reception("", "unknown", None)
        self.slots: dict[str, tuple[int, int]] = {}
        self.balance: float | None = None
        self.resets = 0
        self._lost_since: float | None = None
        self._harder = False
        self._balance_at = 0.0
        self._log = structlog.get_logger()

    @property
    def registered(self) -> bool:
        return self.reception.registration in (*ON_NETWORK, "unknown")

    def nearly_filled(self, storage: str, waiting: int) -> bool:
        """By so many parts that wait in it; of a storage whose size is not told never."""
        _, total = self.slots.get(storage, (0, 0))
        return 0 < total * NEARLY <= waiting

    def look(self, driver: Hardware) -> None:
        """Raises Restarting when the modem had to be reset."""
        self.sim = driver.sim()
        self.slots = driver.slots()
        full = [name for name, (used, total) in self.slots.items() if 0 < total <= used]
        for name in full:
            self._tally("storage-full", 1)
            self._log.warning("storage-was-full", storage=name.lower())
        self.reception = driver.reception()
        if self.reception.dbm is not None:
            self._tally("signal-dbm", self.reception.dbm)
        self._tally("registered", int(self.registered))
        if self.registered:
            self._lost_since, self._harder = None, False
            self._ask_balance(driver)
        else:
            self._lost(driver)

    def _lost(self, driver: Hardware) -> None:
        now = self._now()
        if self._lost_since is None:
            self._lost_since = now
            self._log.warning("not-registered", state=self.reception.registration)
        elif now - self._lost_since > LOST_SECONDS:
            self._lost_since = now
            hard, self._harder = self._harder, True
            if self.reset(driver, hard=hard):
                raise Restarting

    def reset(self, modem: Resettable, *, hard: bool) -> bool:
        """Its software; with ``hard`` its hardware, where that can be. False: it cannot."""
        done = (hard and modem.power_cycle()) or modem.soft_reset()
        if done:
            self.resets += 1
            self._tally("reset", 1)
            self._log.warning("modem-reset", count=self.resets)
        return done

    def _ask_balance(self, driver: Hardware) -> None:
        if self._now() < self._balance_at:
            return
        self._balance_at = self._now() + BALANCE_SECONDS
        operator = self.reception.operator
        code = balance.code_for(operator)
        if code is None:
            return
        try:
            self.balance = balance.balance_of(operator, driver.ussd(code))
        except ModemError:
            self._log.warning("balance-not-told")
            return
        if self.balance is not None:
            self._tally("balance", self.balance)
            self._tally("balance-low", int(balance.is_low(operator, self.balance)))
