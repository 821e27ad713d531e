"""Thousands of connections to one port: silent ones, ones that say an octet a second, and ones
that say anything."""

from __future__ import annotations

import contextlib
import random
import resource
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

SEED = 20261125


@contextlib.contextmanager
def many_files(count: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass(eq=False)
class _Peer:
    socket: socket.socket
    words: bytes
    said: int = 0
    closed: bool = False


@dataclass
class Flood:
    """Holds ``count`` connections to ``address`` open, for as long as it runs: who is closed
    comes again within the second. ``slow``: what the slow ones begin to say."""

    address: str
    count: int
    slow: bytes
    opened: int = 0
    closed: int = 0
    _peers: list[_Peer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(SEED)
        self._over = threading.Event()
        self._poll = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for peer in self._peers:
            peer.socket.close()
        self._poll.close()

    def _run(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            while len(self._peers) < self.count and not self._over.is_set():
                self._open()
            self._say()
            self._notice()
            self._over.wait(max(0.0, began + 1.0 - time.monotonic()))

    def _open(self) -> None:
        connection = socket.socket()
        connection.setblocking(False)
        host, port = self.address.rsplit(":", 1)
        connection.connect_ex((host, int(port)))
        words = self._words()
        self._peers.append(_Peer(connection, words))
        self._poll.register(connection, selectors.EVENT_READ, self._peers[-1])
        self.opened += 1

    def _words(self) -> bytes:
        kind = self.opened % 3
        if kind == 0:
            return b""
        return self.slow if kind == 1 else self._random.randbytes(self._random.randrange(1, 400))

    def _say(self) -> None:
        for peer in self._peers:
            size = 1 if peer.words is self.slow else len(peer.words)
            with contextlib.suppress(OSError):
                peer.said += peer.socket.send(peer.words[peer.said : peer.said + size])

    def _notice(self) -> None:
        for key, _ in self._poll.select(0):
            peer = key.data
            with contextlib.suppress(BlockingIOError):
                peer.closed = not _heard(peer.socket)
        for peer in self._peers:
            if peer.closed:
                self._poll.unregister(peer.socket)
                peer.socket.close()
                self.closed += 1
        self._peers = [peer for peer in self._peers if not peer.closed]


def _heard(connection: socket.socket) -> bytes:
    try:
        return connection.recv(100)
    except ConnectionError:
        return b""
