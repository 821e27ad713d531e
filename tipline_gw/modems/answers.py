"""What the lines of a modem's answers mean (3GPP TS 27.005 and 27.007). No I/O.

An answer is a list of lines, its final result last. What does not read as it should reads as
nothing, ``unknown`` or None: no modem is broken because it tells a little less.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator

from tipline_gw.domain.sms import Slot
from tipline_gw.modems.identify import Registration

REGISTRATION = ("+CREG", "+CEREG", "+CGREG")
"""Circuit switched, LTE and packet domain (27.007 §7.2, §10.1.22, §10.1.20)."""

_STATES: dict[int, Registration] = {
    0: "none", 1: "home", 2: "searching", 3: "denied", 5: "roaming",
    6: "home", 7: "roaming", 8: "denied", 9: "home", 10: "roaming",
}  # fmt: skip
"""27.007 §7.2; 6 and 7 are for SMS only, 8 for emergency calls only."""

_LISTED = re.compile(r"\+CMGL:\s*(\d+)\s*,")
_TEXT_HEADER = re.compile(r'\+CMG[LR]:\s*(?:\d+\s*,\s*)?"')
_IMEI = re.compile(r"(?<!\d)\d{14,17}(?!\d)")
_OPERATOR = re.compile(r'\+COPS:\s*\d\s*,\s*\d\s*,\s*"([^"]*)"')
_SIGNAL = re.compile(r"\+CSQ:\s*(\d{1,2})\s*[,.]")
_FILL = re.compile(r"\+CPMS:\D*(\d+)\s*,\s*(\d+)")
_LOCKS = {"READY": "ready", "SIM PIN": "pin", "SIM PUK": "puk"}
_SIM_ERRORS = {"10": "missing", "11": "pin", "12": "puk", "13": "missing", "15": "missing"}
_UNKNOWN_SIGNAL = 31


def settings(lines: list[str], name: str) -> tuple[str, ...]:
    """The fields of a read command's answer, blanks and quotes taken off; none without one."""
    for line in lines:
        if line.startswith(f"{name}:"):
            return tuple(field.strip(' "') for field in line[len(name) + 1 :].split(","))
    return ()


def delivery_target(lines: list[str]) -> str | None:
    """``<mt>`` of +CNMI; None where it is not told."""
    told = settings(lines, "+CNMI")
    return told[1] if len(told) > 1 else None


def listed(storage: str, lines: list[str]) -> Iterator[tuple[Slot, str]]:
    """Slot and PDU of each message of +CMGL."""
    for header, pdu in itertools.pairwise(lines):
        if match := _LISTED.match(header):
            yield Slot(storage, int(match[1])), pdu


def in_text_mode(lines: list[str]) -> bool:
    """Whether messages were given as texts (27.005 §3.4.2, §3.4.3): their status is in quotes."""
    return any(_TEXT_HEADER.match(line) for line in lines)


def imei(lines: list[str]) -> str:
    found = (_IMEI.search(line) for line in lines)
    return next((match[0] for match in found if match), "")


def operator(lines: list[str]) -> str:
    """Under +CSCS "UCS2" the name is hex."""
    for line in lines:
        if match := _OPERATOR.match(line):
            return _plain(match[1])
    return ""


def _plain(name: str) -> str:
    if len(name) >= 4 and len(name) % 4 == 0 and name.startswith("00"):
        try:
            return bytes.fromhex(name).decode("utf-16-be")
        except ValueError:
            return name
    return name


def registration(lines: list[str]) -> Registration:
    """``<n>,<stat>[,…]``, or as an indication has it ``<stat>`` alone."""
    for name in REGISTRATION:
        told = settings(lines, name)
        stat = told[1:2] or told[:1]
        if stat and stat[0].isdecimal():
            return _STATES.get(int(stat[0]), "unknown")
    return "unknown"


def best_registration(states: Iterable[Registration]) -> Registration:
    """The first that is on a network, else the first that is known. Asks no further than that."""
    known: Registration = "unknown"
    for state in states:
        if state in ("home", "roaming"):
            return state
        if known == "unknown":
            known = state
    return known


def dbm(lines: list[str]) -> int | None:
    """+CSQ: 0 is -113 dBm or less, 31 is -51 or more, 99 is not known."""
    for line in lines:
        match = _SIGNAL.match(line)
        if match and int(match[1]) <= _UNKNOWN_SIGNAL:
            return -113 + 2 * int(match[1])
    return None


def fill(lines: list[str]) -> tuple[int, int] | None:
    """Used and total slots of the first storage that +CPMS tells."""
    found = (_FILL.match(line) for line in lines)
    return next(((int(m[1]), int(m[2])) for m in found if m), None)


def sim(lines: list[str]) -> str:
    """``ready``, ``pin``, ``puk``, ``missing`` or ``unknown`` (27.007 §8.3, §9.2)."""
    told = settings(lines, "+CPIN")
    if told:
        return _LOCKS.get(told[0].upper(), "unknown")
    error = lines[-1] if lines else ""
    return _SIM_ERRORS.get(error.removeprefix("+CME ERROR: "), "unknown")
