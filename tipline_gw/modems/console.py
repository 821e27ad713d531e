"""What an engineer may type to a modem, and what of its answer is shown.

Why it exists: a console on a modem in service must not lose a tip, nor show one. It refuses what
deletes or acknowledges messages, sends them, or turns the dialogue about under the driver's feet;
and where a message would be read it shows what kind it is, not what it says: the engineer is no
reviewer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tipline_gw.boundary.revealing import revealing
from tipline_gw.domain.sms import Part, Undecodable

LONGEST = 512
"""Characters of a command line; V.250 asks for 40, modules take some 500."""

COMMAND_SECONDS = 15.0
SEARCH_SECONDS = 180.0
"""Looking for networks (27.007 §7.3) takes minutes."""

_LINE = re.compile(r"AT[\x20-\x7e]*", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"?')
_EXTENDED = re.compile(r"([+^%$*#!_-][A-Z0-9_]+)\s*(=\?|=|\?|)")
_BASIC = re.compile(r"&?[A-Z]")
_SEARCH = re.compile(r"\+COPS\s*=\s*\?", re.IGNORECASE)

_DELETES = "it would lose messages that are not on disk yet: the gateway deletes what it has taken"
_SENDS = "texts are sent by the gateway alone, to those who wrote"
_DRIVER = "the driver relies on it: change the profile instead"
_RESETS = "use modems reset"
_REVEALS = "it would show numbers, and the boundary sends no such command to a modem"
_CALLS = "the gateway makes and takes no calls"

_DELETING = ("+CMGD", "+CMGDA", "+QMGDA", "+CMGRD", "+CNMA")
_SWITCHING: tuple[str, ...] = ("+CFUN", "^RESET", "+CRESET", "!RESET", "#REBOOT", "#SHDN", "^SMSO")
_SWITCHING += ("+QPOWD", "+CPOF", "+CPOWD", "+CPWROFF")

_SET_REFUSED = {
    **dict.fromkeys(_DELETING, _DELETES),
    **dict.fromkeys(("+CMGS", "+CMGW", "+CMSS", "+CMGC"), _SENDS),
    **dict.fromkeys(("+CMGF", "+CSCS", "+IPR", "+IFC"), _DRIVER),
    **dict.fromkeys(_SWITCHING, _RESETS),
    "+CUSD": "use .ussd CODE: its answer comes later than the OK",
    "+CPIN": "name a pin_file in its [[modem]] table: a wrong PIN is tried once",
}
_BASIC_REFUSED = {
    **dict.fromkeys(("E", "V", "Q", "Z", "&F", "&W", "&D", "&C"), _DRIVER),
    **dict.fromkeys(("D", "A", "O"), _CALLS),
}
_ALWAYS_REFUSED = (*_DELETING, *_SWITCHING, "+CMGS", "+CMGW", "+CMSS", "+CMGC")

_HEADER = re.compile(r"\+CMG[LR]:")
_IMEI = re.compile(r"(?<!\d)\d{14,}(?!\d)")
_FINAL = re.compile(r"(?:OK|ERROR|\+CM[ES] ERROR: \d+)$")


def refusal(line: str) -> str | None:
    """Why ``line`` is not sent; None if it may be. Only its form and its commands matter."""
    if not _LINE.fullmatch(line):
        return "a command line begins with AT and has no other than printable ASCII characters"
    if len(line) > LONGEST:
        return f"a command line has at most {LONGEST} characters"
    # Some modems skip blanks inside a name (V.250 §5.2.1 lets them stand anywhere).
    for command in _QUOTED.sub("", line[2:].upper()).replace(" ", "").split(";"):
        if why := _command_refusal(command):
            return why
    if shows := revealing(line.encode("ascii")):
        return f"{shows.decode().upper()} is not for the console: {_REVEALS}"
    return None


def _command_refusal(command: str) -> str | None:
    extended = _EXTENDED.search(command)
    basic = command[: extended.start()] if extended else command
    for letter in _BASIC.findall(basic):
        if letter in _BASIC_REFUSED:
            return f"AT{letter} is not for the console: {_BASIC_REFUSED[letter]}"
        if letter in ("S", "I"):  # what follows them is theirs
            break
    if extended is None:
        return None
    name, form = extended.groups()
    changes = form == "=" or (form == "" and name in _ALWAYS_REFUSED)
    if changes and name in _SET_REFUSED:
        return f"AT{name} is not for the console: {_SET_REFUSED[name]}"
    return None


def seconds_for(line: str) -> float:
    """How long the modem may take to answer."""
    return SEARCH_SECONDS if _SEARCH.search(line) else COMMAND_SECONDS


def shown(lines: list[str], decode: Callable[[str], Part | Undecodable]) -> list[str]:
    """An answer as the console prints it: a message by its kind alone, no IMEI, which list tells as
    a hash."""
    told: list[str] = []
    header = hidden = False
    for line in lines:
        if _HEADER.match(line):
            header, hidden = True, False
            told.append(line)
        elif not header or not line or _FINAL.match(line):
            told.append(_IMEI.sub(lambda found: "*" * len(found[0]), line))
        elif not hidden:
            # Whatever follows is of the message too: a modem in text mode has it on many lines.
            hidden = True
            told.append(_in_a_word(decode(line)))
    return told


def _in_a_word(part: Part | Undecodable) -> str:
    words = [f"{key} {value}" for key, value in described(part).items() if value is not None]
    return "[" + ", ".join(words) + "]"


def described(part: Part | Undecodable) -> dict[str, Any]:
    """What ``.list`` tells of a message: all but what it says and when it came."""
    if isinstance(part, Undecodable):
        return {"from": part.sender, "error": part.error, "octets": len(part.data)}
    concat = part.concat
    return {
        "from": part.sender,
        "kind": part.kind,
        "encoding": part.encoding,
        "class": part.sms_class,
        "part": concat and f"{concat.seq} of {concat.total}",
        "reference": concat and concat.ref,
        "characters": len(part.text),
        "octets": len(part.data),
    }
