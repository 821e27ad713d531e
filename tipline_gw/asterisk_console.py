"""Asks a running Asterisk, by its control socket, what the fixed questions of a check answer.

Why not ``asterisk -rx``: the socket can be reached from outside a root that Asterisk is chrooted
in, needs no program in there, and answers in a millisecond. What is answered may hold numbers, so
it goes to a parser that takes what it knows, and nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from tipline_gw.errors import VoiceError

SECONDS = 10.0
LARGEST_ANSWER = 4 << 20
_QUESTIONS = re.compile(
    r"core show (version|settings|hints)|(cel|http) show status|module show|logger show channels"
    r"|dialplan show( globals)?|database show|pjproject show log mappings"
    r"|pjsip show (endpoints|endpoint [A-Za-z0-9_.-]{1,64})"
)
"""All that is ever asked: none of it changes anything."""
_TODO = "is Asterisk running, and is this run as root or as its user?"


class Console:
    """``socket_path``: Asterisk's ``asterisk.ctl``, as it is named from out here."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path

    def runs(self) -> bool:
        """Whether somebody listens there, though it may not answer. PermissionError when that may
        not be known."""
        try:
            with self._connected():
                return True
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            return False
        except PermissionError:
            raise
        except OSError:
            return True  # as many wait there already as may

    def ask(self, command: str) -> str:
        """What ``command`` answers, without Asterisk's greeting. VoiceError when it does not."""
        if not _QUESTIONS.fullmatch(command):
            raise VoiceError("not a command that a check asks")
        try:
            with self._connected() as connection:
                # As `asterisk -rx` says it: answer one command, then close.
                connection.sendall(b"cli quit after " + command.encode() + b"\0")
                answer = _all_of(connection)
        except OSError:
            raise VoiceError("the running Asterisk does not answer", _TODO) from None
        greeting, _, rest = answer.partition("\n")
        return rest if greeting.count("/") == 2 else answer

    @contextlib.contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        # By its folder's descriptor: a socket's whole path may be longer than unix(7) allows.
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(SECONDS)
                connection.connect(f"/proc/self/fd/{folder}/{self._path.name}")
                yield connection
        finally:
            os.close(folder)


def _all_of(connection: socket.socket) -> str:
    until = time.monotonic() + SECONDS
    answer = bytearray()
    while chunk := connection.recv(65536):
        answer += chunk
        if len(answer) > LARGEST_ANSWER or time.monotonic() > until:
            raise VoiceError("the running Asterisk answers without an end", "restart it")
    return answer.decode("utf-8", "replace").replace("\0", "")
