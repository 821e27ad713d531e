"""A command's end of the control socket: asks a running gateway about its modems."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from tipline_gw.errors import ModemError
from tipline_gw.modems import console, jobs
from tipline_gw.modems.control_wire import (
    MAX_ANSWER,
    QUEUE_SECONDS,
    REQUEST_SECONDS,
    Answer,
    packed,
    received,
)
from tipline_gw.modems.view import View, views_from

_NO_GATEWAY = (FileNotFoundError, ConnectionRefusedError)


class Control:
    """The other end: what a command asks a running gateway. Every method raises ModemError."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def find(cls, path: Path) -> Control | None:
        """None where no gateway runs. Raises ModemError where one does but is not ours to ask."""
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(REQUEST_SECONDS)
                sock.connect(str(path))
        except _NO_GATEWAY:
            return None
        except PermissionError:
            raise ModemError(
                "the running gateway belongs to another user", "use sudo, or its own user"
            ) from None
        except OSError:
            raise ModemError("the running gateway does not answer", "see its log") from None
        return cls(path)

    def close(self) -> None:
        """Nothing is held between two requests."""

    def views(self) -> list[View]:
        return views_from(self._ask(REQUEST_SECONDS, do="list").get("modems"))

    def ussd(self, name: str, code: str) -> Answer:
        """As :func:`tipline_gw.modems.jobs.ussd`."""
        return self._ask(jobs.USSD_SECONDS + QUEUE_SECONDS, do="ussd", name=name, code=code)

    def signal(self, name: str) -> Answer:
        """``operator``, ``registration`` and ``dbm``."""
        return self._ask(console.COMMAND_SECONDS + QUEUE_SECONDS, do="signal", name=name)

    def command(self, name: str, line: str) -> list[str]:
        seconds = console.seconds_for(line) + QUEUE_SECONDS
        return list(self._ask(seconds, do="command", name=name, line=line)["lines"])

    def messages(self, name: str) -> list[Answer]:
        seconds = console.SEARCH_SECONDS + QUEUE_SECONDS
        return list(self._ask(seconds, do="messages", name=name)["messages"])

    def reset(self, name: str, how: jobs.Reset) -> None:
        self._ask(2 * QUEUE_SECONDS, do="reset", name=name, how=how)

    def record(self, name: str, seconds: float) -> Generator[str, None, None]:
        """The scrubbed dialogue, as it comes; ends by itself, or when the iterator is closed."""
        buffer = bytearray()
        with self._asked(do="record", name=name, seconds=seconds) as sock:
            answer = _checked(received(sock, MAX_ANSWER, REQUEST_SECONDS, buffer))
            while "end" not in answer:
                answer = received(sock, MAX_ANSWER, REQUEST_SECONDS, buffer)
                yield str(answer.get("piece", ""))

    def _ask(self, seconds: float, **request: Any) -> Answer:
        with self._asked(**request) as sock:
            answer = received(sock, MAX_ANSWER, seconds + REQUEST_SECONDS, bytearray())
        return _checked(answer)

    @contextlib.contextmanager
    def _asked(self, **request: Any) -> Iterator[socket.socket]:
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(REQUEST_SECONDS)
                sock.connect(str(self._path))
                with contextlib.suppress(BrokenPipeError):  # refused: the answer says why
                    sock.sendall(packed(request))
                yield sock
        except (OSError, ValueError):
            raise ModemError("the running gateway does not answer", "see its log") from None


def _checked(answer: Answer) -> Answer:
    if not answer.pop("ok", False):
        raise ModemError(str(answer.get("error", "it failed")), str(answer.get("todo", "")))
    return answer
