"""How one modem stands, as the engineer sees it: plain values that cross the control socket.

It refuses to say when a message came: only in which hour, or that it was today.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tipline_gw.errors import ModemError

GOOD_DBM, FAIR_DBM = -85, -100
"""From here up. GSM sticks lose messages below some -105 dBm."""

STATES = {
    "starting": "it is being identified and initialised: wait half a minute",
    "ready": "it takes messages in",
    "cannot-send": "it receives, but sending fails: look at its credit with modems ussd",
    "not-registered": "it has no network: look at antenna, coverage and SIM; it is reset by itself",
    "away": "it does not answer or is unplugged: look at its port and power, try modems reset",
    "sim-missing": "it finds no SIM: put one in, or clean its contacts",
    "sim-pin": "its SIM wants a PIN: name a pin_file in its [[modem]] table",
    "pin-refused": "its SIM refused the PIN: correct its pin_file; the same is not tried again",
    "sim-blocked": "its SIM wants the PUK: unblock it in a phone",
    "unsafe": "it would keep who called it: have voice calls barred, then name its profile",
}
"""Every ``state`` there is, and what to do about it."""


@dataclass(frozen=True, slots=True)
class View:
    """One modem. ``port`` as configured; ``why`` its profile was chosen; ``tag``: four hex digits
    of a hash of its IMEI, to tell identical modems apart; ``dbm``: signal, None where unknown;
    ``slots``: used and total of each storage; ``delivery``: direct or stored; ``last_message``:
    "this hour", "today", "earlier" or "none"; ``restarts`` of its session, ``resets`` of the
    device; ``sent_this_hour``: parts of answers; ``held``: answers that wait."""

    name: str
    port: str
    profile: str
    why: str
    state: str
    manufacturer: str = ""
    model: str = ""
    revision: str = ""
    tag: str = ""
    sim: str = "unknown"
    operator: str = ""
    registration: str = "unknown"
    dbm: int | None = None
    slots: dict[str, list[int]] | None = None
    delivery: str = "stored"
    last_message: str = "none"
    restarts: int = 0
    resets: int = 0
    balance: float | None = None
    sent_this_hour: int = 0
    held: int = 0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self) | {"slots": self.slots or {}}


_VIEWS = TypeAdapter(list[View])


def views_from(rows: Any) -> list[View]:
    """What :meth:`View.to_dict` made. Raises ModemError for anything else."""
    try:
        return _VIEWS.validate_python(rows)
    except ValidationError:
        raise ModemError(
            "the running gateway describes its modems otherwise than this command knows",
            "it is of another version: restart it",
        ) from None


def signal_word(dbm: int | None) -> str:
    """``good``, ``fair`` or ``weak``; ``unknown`` where the modem has not measured."""
    if dbm is None:
        return "unknown"
    return "good" if dbm >= GOOD_DBM else "fair" if dbm >= FAIR_DBM else "weak"
