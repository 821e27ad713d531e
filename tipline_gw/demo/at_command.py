"""AT command lines: from bytes to commands, and the error codes that answer them.

Why it exists: ITU-T V.250 §5 and 3GPP TS 27.007/27.005 say how a line is read; nothing here knows
what a command does. It refuses to keep more than a bounded line of whatever is thrown at it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tipline_gw.errors import TiplineError

Form = Literal["run", "read", "test", "set"]

_EXTENDED = re.compile(r"([+^$*%#][A-Z][A-Z0-9]*)", re.IGNORECASE)
_REGISTER = re.compile(r"S(\d+)(=\?|\?|=(\d*))?", re.IGNORECASE)
_BASIC = re.compile(r"([&\\%]?[A-Z])(\d*)", re.IGNORECASE)
_UNREADABLE = re.compile(rb"[\x00-\x1f\x7f-\xff]")


class CommandError(TiplineError):
    """A command that ends in an error. ``kind`` ``""``: a plain ERROR, without a code."""

    def __init__(self, kind: Literal["CME", "CMS", ""] = "", code: int = 0) -> None:
        super().__init__(f"{kind or 'plain'} error {code}")
        self.kind = kind
        self.code = code

    def line(self, cmee: int) -> str:
        """The final result code at +CMEE 0, 1 or 2. +CMS ERROR does not depend on CMEE 0."""
        if not self.kind or (self.kind == "CME" and cmee == 0):
            return "ERROR"
        shown = _WORDS.get((self.kind, self.code), "unknown error") if cmee == 2 else self.code
        return f"+{self.kind} ERROR: {shown}"


NOT_ALLOWED = 3
NOT_SUPPORTED = 4
NO_SIM = 10
SIM_PIN = 11
SIM_PUK = 12
WRONG_PASSWORD = 16
INVALID_INDEX = 21
BAD_CHARACTERS = 25
OUT_OF_RANGE = 50

CMS_NOT_ALLOWED = 302
CMS_NOT_SUPPORTED = 303
CMS_INVALID_PDU = 304
CMS_INVALID_TEXT = 305
CMS_NO_SIM = 310
CMS_SIM_PIN = 311
CMS_SIM_PUK = 316
CMS_INVALID_INDEX = 321
CMS_MEMORY_FULL = 322
CMS_NO_NETWORK = 331
CMS_NO_CNMA = 340

_WORDS = {
    ("CME", NOT_ALLOWED): "operation not allowed",
    ("CME", NOT_SUPPORTED): "operation not supported",
    ("CME", NO_SIM): "SIM not inserted",
    ("CME", SIM_PIN): "SIM PIN required",
    ("CME", SIM_PUK): "SIM PUK required",
    ("CME", WRONG_PASSWORD): "incorrect password",
    ("CME", INVALID_INDEX): "invalid index",
    ("CME", BAD_CHARACTERS): "invalid characters in text string",
    ("CME", OUT_OF_RANGE): "incorrect parameters",
    ("CMS", CMS_NOT_ALLOWED): "operation not allowed",
    ("CMS", CMS_NOT_SUPPORTED): "operation not supported",
    ("CMS", CMS_INVALID_PDU): "invalid PDU mode parameter",
    ("CMS", CMS_INVALID_TEXT): "invalid text mode parameter",
    ("CMS", CMS_NO_SIM): "SIM not inserted",
    ("CMS", CMS_SIM_PIN): "SIM PIN required",
    ("CMS", CMS_SIM_PUK): "SIM PUK required",
    ("CMS", CMS_INVALID_INDEX): "invalid memory index",
    ("CMS", CMS_MEMORY_FULL): "memory full",
    ("CMS", CMS_NO_NETWORK): "no network service",
    ("CMS", CMS_NO_CNMA): "no +CNMA acknowledgement expected",
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a line. ``args`` is what stands after ``=`` (or after a basic command)."""

    name: str
    form: Form
    args: str = ""

    def values(self) -> list[str]:
        """The arguments, quotes taken off; an argument left out is an empty string."""
        return [piece.strip().strip('"') for piece in split_outside_quotes(self.args, ",")]

    def numbers(self) -> list[int | None]:
        """The arguments as numbers; ``None`` where left out. Refuses anything else."""
        return [number_of(value) for value in self.values()]


def number_of(value: str) -> int | None:
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise CommandError("CME", OUT_OF_RANGE)
    return int(value)


def split_outside_quotes(text: str, separator: str) -> list[str]:
    if '"' not in text:
        return text.split(separator)
    pieces, start, quoted = [], 0, False
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            pieces.append(text[start:at])
            start = at + 1
    return [*pieces, text[start:]]


def readable(raw: bytes) -> str:
    """The line without control characters and without what is not ASCII."""
    return _UNREADABLE.sub(b"", raw).decode("ascii").strip()


def commands_of(line: str) -> list[Command] | None:
    """The commands of a line (V.250 §5.2.1); ``None`` for one that has no AT in it at all.

    What stands before the AT is forgiven, as modems do: a first AT often comes with garbage.
    Refuses what cannot be read as commands.
    """
    start = line.upper().find("AT")
    if start < 0:
        return None
    found: list[Command] = []
    for piece in split_outside_quotes(line[start + 2 :], ";"):
        found += _basics_then_extended(piece.strip())
    return found


def _basics_then_extended(piece: str) -> list[Command]:
    found: list[Command] = []
    at = 0
    while at < len(piece):
        if piece[at] == " ":
            at += 1
        elif _EXTENDED.match(piece, at):
            return [*found, _extended(piece[at:])]
        elif piece[at] in "Dd":
            return [*found, Command("D", "set", piece[at + 1 :])]
        else:
            command, at = _basic(piece, at)
            found.append(command)
    return found


def _extended(piece: str) -> Command:
    match = _EXTENDED.match(piece)
    assert match
    name, rest = match[1].upper(), piece[match.end() :].strip()
    if not rest:
        return Command(name, "run")
    if rest == "?":
        return Command(name, "read")
    if rest == "=?":
        return Command(name, "test")
    if rest.startswith("="):
        return Command(name, "set", rest[1:].strip())
    raise CommandError


def _basic(piece: str, at: int) -> tuple[Command, int]:
    if register := _REGISTER.match(piece, at):
        form: Form = "read" if register[2] == "?" else "test" if register[2] == "=?" else "set"
        return Command(f"S{register[1]}", form, register[3] or ""), register.end()
    if basic := _BASIC.match(piece, at):
        return Command(basic[1].upper(), "run", basic[2]), basic.end()
    raise CommandError
