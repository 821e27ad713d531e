"""Asks a running Asterisk, by its control socket, what the fixed commands of a check answer.

Why not ``asterisk -rx``: the socket can be reached from outside a root that Asterisk is chrooted
in, needs no program in there, and answers in a millisecond. What is answered may hold numbers, so
it goes to a parser that takes what it knows, and nowhere else.
"""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

from tipline_gw.errors import VoiceError

SECONDS = 10.0
LARGEST_ANSWER = 4 << 20
_COMMAND = re.compile(r"[a-z ]+(?: [A-Za-z0-9_.-]+)?")
_TODO = "is Asterisk running, and is this run as root or as its user?"


class Console:
    """``socket_path``: Asterisk's ``asterisk.ctl``, as it is named from out here."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path

    def ask(self, command: str) -> str:
        """What ``command`` answers, without Asterisk's greeting. VoiceError when it does not."""
        if not _COMMAND.fullmatch(command):
            raise VoiceError("not a command that a check asks")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(SECONDS)
                connection.connect(str(self._path))
                # As `asterisk -rx` says it: answer one command, then close.
                connection.sendall(b"cli quit after " + command.encode() + b"\0")
                answer = _all_of(connection)
        except OSError:
            raise VoiceError("the running Asterisk does not answer", _TODO) from None
        greeting, _, rest = answer.partition("\n")
        return rest if greeting.count("/") == 2 else answer


def _all_of(connection: socket.socket) -> str:
    until = time.monotonic() + SECONDS
    answer = bytearray()
    while chunk := connection.recv(65536):
        answer += chunk
        if len(answer) > LARGEST_ANSWER or time.monotonic() > until:
            raise VoiceError("the running Asterisk answers without an end", "restart it")
    return answer.decode("utf-8", "replace").replace("\0", "")
