"""The control socket of the virtual modem: JSON lines on a unix socket of mode 0600.

Why it exists: tests and the demo act as the network and as the hand on the plug, from another
process. One request, one answer, in order, for each connection. It refuses lines longer than
``MAX_REQUEST`` by closing the connection.
"""

from __future__ import annotations

import json
import os
import select
import socket
from dataclasses import dataclass, field
from pathlib import Path

from tipline_gw.demo.virtual_actions import Actions, Answer, Wait
from tipline_gw.errors import ModemError

MAX_REQUEST = 1 << 20


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    inbox: bytearray = field(default_factory=bytearray)
    outbox: bytearray = field(default_factory=bytearray)
    wait: Wait | None = None


class ControlServer:
    """Its sockets live in the epoll object of the process, which calls back by descriptor."""

    def __init__(self, path: Path, actions: Actions, epoll: select.epoll) -> None:
        self._path = path
        self._actions = actions
        self._epoll = epoll
        self._clients: dict[int, _Client] = {}
        if path.exists() and not path.is_socket():
            raise ModemError("the control socket's place is taken", "name a path that is free")
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)
        try:
            self._listener.bind(str(path))
        except OSError:
            self._listener.close()
            raise
        finally:
            os.umask(mask)
        self._listener.listen()
        self._listener.setblocking(False)
        epoll.register(self._listener.fileno(), select.EPOLLIN)

    def close(self) -> None:
        for descriptor in list(self._clients):
            self._drop(descriptor)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def event(self, descriptor: int) -> bool:
        """One of ours is ready; ``False`` for a descriptor that is not ours."""
        if descriptor == self._listener.fileno():
            self._accept()
        elif descriptor in self._clients:
            self._serve(descriptor)
        else:
            return False
        return True

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        self._clients[connection.fileno()] = _Client(connection)
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    def _drop(self, descriptor: int) -> None:
        client = self._clients.pop(descriptor)
        self._epoll.unregister(descriptor)
        client.connection.close()

    def _serve(self, descriptor: int) -> None:
        client = self._clients[descriptor]
        try:
            data = client.connection.recv(65536)
        except BlockingIOError:  # there is room again for the rest of an answer
            return
        except OSError:
            data = b""
        client.inbox += data
        if not data or len(client.inbox) > MAX_REQUEST:
            self._drop(descriptor)
            return
        self._answer_all(descriptor)

    def _answer_all(self, descriptor: int) -> None:
        client = self._clients[descriptor]
        """Into the outbox only: what a request sets off happens before its answer leaves."""
        while client.wait is None and b"\n" in client.inbox:
            line, _, rest = bytes(client.inbox).partition(b"\n")
            client.inbox = bytearray(rest)
            answer = self._actions.handle(_parsed(line))
            if isinstance(answer, Wait):
                client.wait = answer
            else:
                self._say(client, answer)

    @staticmethod
    def _say(client: _Client, answer: Answer) -> None:
        client.outbox += json.dumps(answer).encode() + b"\n"

    def _flush(self, descriptor: int) -> None:
        client = self._clients[descriptor]
        try:
            sent = client.connection.send(client.outbox) if client.outbox else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(descriptor)
            return
        del client.outbox[:sent]
        wanted = select.EPOLLIN | (select.EPOLLOUT if client.outbox else 0)
        self._epoll.modify(descriptor, wanted)

    def look_again(self, now: float) -> None:
        """Answer those who wait for something that has come true, or has not come in time.

        Call at the end of each turn: the answers of the turn leave here.
        """
        for descriptor, client in list(self._clients.items()):
            if client.wait is not None and self._waited(client, client.wait, now):
                client.wait = None
                self._answer_all(descriptor)
            if client.outbox:
                self._flush(descriptor)

    def _waited(self, client: _Client, wait: Wait, now: float) -> bool:
        if wait.holds():
            self._say(client, wait.answer())
        elif now >= wait.deadline:
            self._say(client, {"ok": False, "error": "timed out"})
        else:
            return False
        return True

    def next_event(self) -> float | None:
        return min((c.wait.deadline for c in self._clients.values() if c.wait), default=None)


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
