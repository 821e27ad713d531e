"""How the virtual modem misbehaves, and who it says it is: plain values, changed while it runs.

Why it exists: every fault is one named value, the same on the command line and on the control
socket. It refuses names and types it does not know, so that a test never sets a mode in vain.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from tipline_gw.errors import ModemError


@dataclass(frozen=True, slots=True)
class Identity:
    manufacturer: str = "Virtual"
    model: str = "VM-1"
    revision: str = "1.0"
    imei: str = "490154203237518"
    imsi: str = "334030000000001"
    iccid: str = "8952030000000000001"
    number: str = "+526561000000"
    """The SIM's own number, as +CNUM tells it."""


@dataclass(slots=True)
class Modes:
    """Defaults are a well-behaved modem without any pacing."""

    echo: bool = True
    """Echo on after power-on and ATZ."""
    delay_ms: float = 0.0
    """Pause before each answer."""
    deaf_ms: float = 0.0
    """What comes so soon after an answer is lost, as by modems that want a pause."""
    baud: int = 0
    """Bits a second on the wire, ten to a byte, both ways; 0: as fast as the machine."""
    trickle_us: float = 0.0
    """One byte a write, with this pause after it; 0: off."""
    noise: float = 0.0
    """Chance of garbage in each gap between lines."""
    hang: bool = False
    """Reads what comes and answers nothing."""
    interleave: bool = False
    """Notices inside an answer, right after its first line."""
    drop_notices: int = 0
    """How many of the next +CMTI and +CDSI are lost; -1: all."""
    fail_cmgs: list[int] = field(default_factory=list)
    """+CMS errors for the next messages sent, one each."""
    no_credit: int = 0
    """The +CMS error of every message sent, as with a SIM without credit; 0: none."""
    sim_missing: bool = False
    """No SIM is in it."""
    fail_cmgd: list[int] = field(default_factory=list)
    """+CMS errors for the next deletions, one each."""
    clac: bool = False
    """Whether AT+CLAC lists the commands; many modems answer ERROR."""
    registration: int = 1
    """<stat> of +CREG: 1 home, 5 roaming, 2 searching, 3 denied, 0 none."""
    signal: int = 24
    """<rssi> of +CSQ, 0 to 31, or 99."""
    cnma_seconds: float = 15.0
    """How long a direct delivery waits for +CNMA before CNMI falls back to 0."""
    report_seconds: float = 1.0
    """How long a status report takes, where the message asked for one."""
    ussd: str = "Saldo: 50.00 MXN"
    """The answer to every USSD code."""

    def change(self, wanted: dict[str, Any]) -> None:
        """Set modes by name; ``slow`` sets two of them. All or nothing. Raises ModemError."""
        wanted = dict(wanted)
        if "slow" in wanted:
            slow = bool(wanted.pop("slow"))
            wanted |= {"delay_ms": 400.0, "baud": 9600} if slow else {"delay_ms": 0.0, "baud": 0}
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        for name, value in wanted.items():
            if name not in known:
                raise ModemError("no such mode of the virtual modem", "see virtual_modes.Modes")
            wanted[name] = _fitted(value, known[name])
        for name, value in wanted.items():
            setattr(self, name, value)

    def to_dict(self) -> dict[str, object]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def drop_this_notice(self) -> bool:
        if self.drop_notices > 0:
            self.drop_notices -= 1
            return True
        return self.drop_notices < 0


def _fitted(value: Any, present: Any) -> Any:
    """``value`` as the type of the present one; a list may be given as its one member."""
    if isinstance(present, list):
        codes = value if isinstance(value, list) else [value] if value else []
        if all(isinstance(code, int) for code in codes):
            return list(codes)
    elif isinstance(present, bool) or isinstance(value, bool):
        if isinstance(present, bool) and isinstance(value, bool):
            return value
    elif isinstance(present, float) and isinstance(value, int | float):
        return float(value)
    elif type(value) is type(present):
        return value
    raise ModemError("a mode of the virtual modem was given a value of the wrong type")
