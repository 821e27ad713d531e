"""Reads one AGI reply, whatever Asterisk sends around it.

Why not pyst2's ``get_result``: it takes the line ``HANGUP``, which Asterisk sends at any time,
for the next reply, so that every later reply is off by one, and it loops for ever in a ``520-``
block that the connection ends in. No I/O here: a ``readline`` is handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from tipline_gw.errors import CallerHungUp, VoiceError

LINE = 1024
"""Octets of the longest reply line. Variables are never asked for, so replies are short."""

LINES = 64
"""Lines around one reply: usage blocks, provisional replies, ``HANGUP``."""

Readline = Callable[[int], bytes | bytearray]

_RESULT = re.compile(rb"200 result=(-?\d{1,9})(?: \(([^)]*)\))?(?: endpos=(\d{1,12}))?\s*\Z")


@dataclass(frozen=True, slots=True)
class Reply:
    """``200 result=<result> [(<word>)] [endpos=<samples>]``; of the word only whether it says
    that the caller hung up, or a line before it did."""

    result: int
    hung_up: bool = False
    endpos: int = 0


def read_reply(readline: Readline) -> Reply:
    """The next reply of ``readline(limit)``, which gives at most ``limit`` octets with the line
    feed, and nothing at the end of the stream.

    CallerHungUp for 511 (a dead channel) and the end of the stream, VoiceError for 510, 520 and
    everything else that is no reply.
    """
    hung_up = False
    for _ in range(LINES):
        line = _line(readline)
        if line == b"HANGUP":
            hung_up = True
        elif line.startswith(b"200 "):
            return _result(line, hung_up)
        elif line.startswith(b"520-"):
            _skip_usage(readline)
        elif line and not line.startswith(b"100"):
            raise _refusal(line)
    raise VoiceError("Asterisk sent no reply among many lines")


def _line(readline: Readline) -> bytes:
    line = bytes(readline(LINE))
    if not line:
        raise CallerHungUp
    if not line.endswith(b"\n"):
        # Cut short by the end of the stream, or longer than any reply is.
        raise CallerHungUp if len(line) < LINE else VoiceError("Asterisk sent too long a line")
    return line.strip()


def _result(line: bytes, hung_up: bool) -> Reply:
    found = _RESULT.match(line)
    if found is None:
        raise VoiceError("Asterisk sent a reply that is none")
    result, word, endpos = found.groups()
    return Reply(int(result), hung_up or word == b"hangup", int(endpos or 0))


def _skip_usage(readline: Readline) -> NoReturn:
    for _ in range(LINES):
        if _line(readline).startswith(b"520 "):
            raise VoiceError("Asterisk did not accept how a command was written")
    raise VoiceError("Asterisk sent a usage text without an end")


def _refusal(line: bytes) -> VoiceError:
    if line.startswith(b"511"):
        return CallerHungUp()
    if line.startswith(b"510"):
        return VoiceError("Asterisk does not know a command", "is res_agi of this version?")
    return VoiceError("Asterisk sent a line that is no reply")
