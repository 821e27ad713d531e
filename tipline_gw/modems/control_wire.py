"""Lines of JSON on the control socket, whole and in time: what its two ends share.

It refuses lines that are longer than a limit, and those that do not end in time, however slowly
they trickle.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any

MAX_REQUEST = 64 << 10
MAX_ANSWER = 1 << 20
REQUEST_SECONDS = 5.0
"""For a request to come whole, and for an answer to be taken."""
QUEUE_SECONDS = 30.0
"""How long a job may wait for its modem to be done with what it does."""
MAX_RECORD_SECONDS = 3600.0

_CHUNK = 65536

Answer = dict[str, Any]


def received(sock: socket.socket, longest: int, seconds: float, buffer: bytearray) -> Answer:
    """The next line, whole by then; what follows it stays in ``buffer``. Raises OSError and
    ValueError."""
    until = time.monotonic() + seconds
    while (end := buffer.find(b"\n")) < 0:
        left = until - time.monotonic()
        if left <= 0 or len(buffer) > longest:
            raise ValueError("too slow or too long")
        sock.settimeout(left)
        chunk = sock.recv(_CHUNK)
        if not chunk:
            raise ValueError("it ended early")
        buffer += chunk
    line = bytes(buffer[:end])
    del buffer[: end + 1]
    return _parsed(line, longest)


def _parsed(line: bytes, longest: int) -> Answer:
    if len(line) > longest:
        raise ValueError("too long")
    try:
        value = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def packed(value: Answer) -> bytes:
    """One line."""
    return json.dumps(value).encode() + b"\n"
