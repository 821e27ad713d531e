"""What a modem says it is, asked before anything is known about it, and the profile that follows.

Why it exists: the driver needs a profile, and the profile needs to know the modem. It speaks
through the boundary's port, only commands that change nothing but the echo, and is patient with a
modem that just started, or that still waits for a message nobody will finish. It refuses to guess:
two profiles that match are an error, and a modem that says nothing is one too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from serial import SerialException

from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.errors import ModemError, ModemSilentError
from tipline_gw.modems import profiles
from tipline_gw.modems.profiles import Profile

PATIENCE = 5.0
"""Seconds that a modem may let pass before its first answer."""
ANSWER_SECONDS = 3.0
_TRY_SECONDS = 1.0
_ESCAPE = b"\x1b"
_FINAL = re.compile(r"(?:OK|ERROR|COMMAND NOT SUPPORT|\+CM[ES] ERROR: \d+)$")
_PREFIX = re.compile(r"\+[CG][A-Z]{2,3}:\s*")
_NOTICE = re.compile(
    r"(?:RDY|START|(?:CALL|SMS|PB|PHONEBOOK|SIM|GPS) (?:READY|DONE)|\+PBREADY|\^SYSSTART.*"
    r"|(?:(?:NORMAL|\w+-VOLTAGE) )?POWER(?:ED)? (?:DOWN|OFF)|\w+-VOLTAGE WARN\w*"
    r"|NO CARRIER|NO ANSWER|NO DIAL ?TONE|BUSY|CONNECT\b.*|HANGUP\b.*|VOICE CALL\b.*"
    r"|MISSED_CALL\b.*|DST: ?\d+)$",
    re.IGNORECASE,
)
"""What modems say of their start and of calls, unasked and without a name of its own before it."""

Registration = Literal["home", "roaming", "searching", "denied", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Answers to AT+CGMI, AT+CGMM, ATI and AT+CGMR, their lines joined by a blank; empty where
    it gives none."""

    manufacturer: str
    model: str
    information: str
    revision: str


@dataclass(frozen=True, slots=True)
class Reception:
    """``operator`` as the modem names it, ``registration`` (3GPP TS 27.007 §7.2), ``dbm`` of
    +CSQ (§8.5); None where it does not know."""

    operator: str
    registration: Registration
    dbm: int | None


class NobodyThereError(ModemSilentError):
    """Not even AT is answered on that line, at that speed."""


def asked(ask: Callable[[str], list[str]]) -> Identity:
    """The identity, by a function that gives all the lines of an answer to a command."""

    def first(*commands: str) -> str:
        for command in commands:
            lines = ask(command)
            said = _said(lines)
            if said and lines[-1] == "OK":
                return " ".join(_PREFIX.sub("", line).strip('" ') for line in said)
        return ""

    manufacturer, model = first("AT+CGMI", "AT+GMI"), first("AT+CGMM", "AT+GMM")
    revision = first("AT+CGMR", "AT+GMR")
    return Identity(manufacturer, model, " ".join(_said(ask("ATI"))), revision)


def _said(lines: list[str]) -> list[str]:
    """The lines of an answer but for the result, and for notices that came before it."""
    stripped = (line.strip() for line in lines[:-1])
    return [line for line in stripped if line and not _NOTICE.match(line)]


def identify(open_port: Callable[[], BoundaryPort], pause: float = 0.0) -> Identity:
    """Open the port, ask with so many seconds after each answer, close it. Raises ModemError."""
    try:
        port = open_port()
        try:
            wake(port, pause)
            return asked(lambda command: ask(port, command, ANSWER_SECONDS, pause))
        finally:
            port.close()
    except (SerialException, OSError):
        raise ModemError("its port is gone", "see whether it is plugged in") from None


def search(open_port: Callable[[Profile], BoundaryPort]) -> tuple[Identity, Profile]:
    """What is there, asked the way each profile asks, generic's first, until it says who it is;
    and generic in that way. Raises ModemError: it answers in none of them."""
    nameless: tuple[Identity, Profile] | None = None
    silent: ModemSilentError | None = None
    deaf: set[tuple[int, bool]] = set()
    for way in profiles.ways():
        line = way.serial.baudrate, way.serial.rtscts
        if line in deaf:
            continue
        try:
            identity = identify(partial(open_port, way), way.serial.pause_ms / 1000)
        except ModemSilentError as error:
            silent = silent or error
            if isinstance(error, NobodyThereError):
                deaf.add(line)  # pauses change nothing
            continue
        if identity.manufacturer or identity.model or identity.information:
            return _surely(identity, open_port, way), way
        nameless = nameless or (identity, way)
    if nameless is None:
        raise silent or ModemSilentError("not identified: no profile says how to ask")
    return nameless


def _surely(
    identity: Identity, open_port: Callable[[Profile], BoundaryPort], way: Profile
) -> Identity:
    """Asked again where no profile is for it: what it said unasked may stand for its answer, and
    the generic profile knows nothing of what a model keeps."""
    said = identity.manufacturer, identity.model, identity.information
    if any(profile.matches(*said) for profile in profiles.known()):
        return identity
    return identify(partial(open_port, way), way.serial.pause_ms / 1000)


def choose(name: str, open_port: Callable[[Profile], BoundaryPort]) -> tuple[Profile, str]:
    """The profile for the modem at that port, ``auto`` or by its name, and why, in words.

    Raises ModemError, and ConfigError where two profiles match or the named one is not there.
    """
    if name != profiles.AUTO:
        profile = profiles.load(name)
        pause = profile.serial.pause_ms / 1000
        return profile, _named(profile, identify(partial(open_port, profile), pause))
    identity, way = search(open_port)
    profile = profiles.select(identity.manufacturer, identity.model, identity.information)
    if profile.name == profiles.GENERIC:
        return way, f"nothing matches {_shown(identity)}: {profile.name}"
    return profile, f"{_shown(identity)} match {profile.name}"


def _named(profile: Profile, identity: Identity) -> str:
    said = f"{identity.manufacturer} {identity.model}".strip()
    fits = profile.matches(identity.manufacturer, identity.model, identity.information)
    if fits or not said:
        return "named in the configuration"
    return f"named in the configuration, but the modem says it is {said}"


def _shown(identity: Identity) -> str:
    return f"+CGMI '{identity.manufacturer}' and +CGMM '{identity.model}'"


# -- one command at a time -------------------------------------------------------------------------


def wake(port: BoundaryPort, pause: float = 0.0) -> None:
    """Until it answers. After a silence, what it may still be waiting for is cancelled first."""
    until = time.monotonic() + PATIENCE
    lead = False
    while time.monotonic() < until:
        if lead:
            port.write(_ESCAPE)
        try:
            ask(port, "AT", _TRY_SECONDS, pause)
        except ModemSilentError:
            lead = True
            continue
        if lead:
            _drain(port)
        ask(port, "ATE0", ANSWER_SECONDS, pause)
        return
    raise NobodyThereError("not identified: no answer to AT in time", "is it switched on?")


def ask(port: BoundaryPort, command: str, seconds: float, pause: float = 0.0) -> list[str]:
    """All lines of the answer, the final result last. Raises ModemSilentError."""
    port.write(command.encode("ascii") + b"\r")
    lines: list[str] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for line in port.lines():
            lines.append(line)
            if _FINAL.match(line):
                time.sleep(pause)
                return lines
    raise ModemSilentError(f"not identified: no answer to {command} in time", "does it hang?")


def _drain(port: BoundaryPort) -> None:
    """Late answers to the tries before would be taken for those to the next command."""
    while port.lines():
        continue
