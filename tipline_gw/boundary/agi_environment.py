"""The environment of an AGI session: an allow-list, applied while the lines arrive.

Why it exists: Asterisk opens every session with some twenty variables, and the caller's number,
name, forwarder and channel are among them. A variable's name is compared as octets; a value
becomes text only if its name is on the list and its form is one that no number has. It refuses
everything else, ``agi_uniqueid`` (a time of day), ``agi_extension`` and ``agi_channel`` included.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tipline_gw.boundary.octets import wipe
from tipline_gw.errors import VoiceError

MAX_LINES = 64
MAX_LINE = 1024
"""Octets of one line, its end included; Asterisk writes some twenty lines of less than 100."""

_DIGITS_ALLOWED: Final = 4
_ALLOWED: Final = {
    b"agi_network": re.compile(rb"yes|no"),
    b"agi_network_script": re.compile(rb"[a-z0-9-]{0,32}"),
    b"agi_language": re.compile(rb"[a-z]{2,3}(?:_[A-Z]{2})?"),
    b"agi_version": re.compile(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}"),
    b"agi_enhanced": re.compile(rb"[01]\.[0-9]"),
    # The dialplan says here, by their names, which trunk the call came in by and which of the
    # line's numbers was dialled.
    b"agi_arg_1": re.compile(rb"[a-z][a-z0-9-]{0,30}"),
    b"agi_arg_2": re.compile(rb"[a-z][a-z0-9-]{0,30}"),
}
_FREE_OF_NUMBERS: Final = frozenset((b"agi_network_script", b"agi_arg_1", b"agi_arg_2"))
_DO: Final = "look at what connects to the FastAGI port"

Line = bytes | bytearray


def read_environment(readline: Callable[[int], Line]) -> dict[str, str]:
    """The allowed variables of a session, up to and with the empty line that ends them.

    ``readline(limit)`` gives at most ``limit`` octets up to and with a line feed, and nothing at
    the end of the stream; a bytearray it gives is wiped. Raises VoiceError for a line without an
    end, too long a line, too many lines, or a stream that ends early.
    """
    environment: dict[str, str] = {}
    for _ in range(MAX_LINES):
        line = readline(MAX_LINE)
        buffer = bytearray(line)
        try:
            if isinstance(line, bytearray):
                wipe(line)
            if not buffer.endswith(b"\n"):
                raise VoiceError("an AGI environment breaks off or has an endless line", _DO)
            _strip_end(buffer)
            if not buffer:
                return environment
            environment.update(_allowed(buffer))
        finally:
            wipe(buffer)
    raise VoiceError("an AGI environment has too many lines", _DO)


def _strip_end(buffer: bytearray) -> None:
    while buffer and buffer[-1] in b"\r\n":
        buffer.pop()


def _allowed(line: bytearray) -> dict[str, str]:
    """The one variable of ``line`` as text, if it may be known."""
    colon = line.find(b":")
    for name, form in _ALLOWED.items():
        if colon == len(name) and line.startswith(name):
            start = colon + 1 + line.startswith(b" ", colon + 1)
            if form.fullmatch(line, start) and not _may_be_number(name, line, start):
                return {name.decode("ascii"): bytes(line[start:]).decode("ascii")}
    return {}


def _may_be_number(name: bytes, line: bytearray, start: int) -> bool:
    if name not in _FREE_OF_NUMBERS:
        return False
    return sum(chr(octet).isdigit() for octet in line[start:]) > _DIGITS_ALLOWED
