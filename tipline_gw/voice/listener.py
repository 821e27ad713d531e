"""Gives a thread to each connection that the lobby admits: bounded in number, ended for certain.

Why not ``socketserver``: it has no bound on threads, no end to a connection that goes on after
close, and prints tracebacks to stderr. This listens on the loopback alone: whoever can connect
is on this machine, and neither protocol served here knows authentication.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from tipline_gw.boundary.octets import wipe
from tipline_gw.errors import VoiceError
from tipline_gw.voice.lobby import Judge, Lobby, Reason, TurnedAway

_log = structlog.get_logger()

BACKLOG = 1024
"""Connections that the kernel keeps while this process does not come to them."""
_LAST_JOIN = 5.0


def parse_address(listen: str) -> tuple[str, int]:
    """``127.0.0.1:4573`` or ``[::1]:4573``. VoiceError for anything that is not a numeric
    loopback address with a port; port 0 lets the kernel choose."""
    host, _, port = listen.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        number = int(port)
    except ValueError:
        raise VoiceError("not an address and a port", "write it like 127.0.0.1:4573") from None
    if not address.is_loopback:
        raise VoiceError("only a loopback address can be listened on", "use 127.0.0.1 or [::1]")
    if not 0 <= number <= 65535:
        raise VoiceError("not a port", "a port is a number from 0 to 65535")
    return str(address), number


def written_address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Listener:
    """Serves each connection in a thread of its own, ``most`` at once; over it, closes.

    ``judge`` admits a connection by its first octets, which have ``seconds`` to come. ``serve``
    gets the socket and what it said so far, which is wiped when ``serve`` returns; whatever it
    raises ends that connection and no other. ``window``: octets that may lie in the kernel of
    what a connection sent, if not as many as usual.
    """

    def __init__(
        self,
        name: str,
        listen: str,
        serve: Callable[[socket.socket, memoryview], None],
        most: int,
        judge: Judge,
        seconds: float,
        window: int | None = None,
    ) -> None:
        self._name = name
        self._serve = serve
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._closing = False
        self._acceptor: threading.Thread | None = None
        self.turned_away = TurnedAway(name)
        self.failed = 0
        """Connections whose handler raised: a fault of the other side or of ours."""
        host, port = parse_address(listen)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if window is not None:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            self._socket.bind((host, port))
            self._socket.listen(BACKLOG)
        except OSError as error:
            self._socket.close()
            raise VoiceError(
                f"{name} cannot listen on {listen} ({error.strerror})",
                "choose another port, or end what listens there",
            ) from None
        self.address = written_address(host, self._socket.getsockname()[1])
        self._lobby = Lobby(self._socket, judge, self._admit, seconds, self.turned_away)

    @property
    def active(self) -> int:
        """Connections being served now."""
        with self._lock:
            return len(self._open)

    @property
    def alive(self) -> bool:
        """Whether who comes is let in."""
        return self._acceptor is not None and self._acceptor.is_alive()

    @property
    def waiting(self) -> int:
        """Connections that have not shown yet what they are."""
        return self._lobby.waiting

    def serve_forever(self) -> None:
        """Accepts in a thread of its own; returns at once."""
        acceptor = threading.Thread(target=self._accept, name=self._name, daemon=True)
        acceptor.start()
        self._acceptor = acceptor  # only now: close() waits for it

    def close(self, drain_seconds: float = 0.0) -> None:
        """Accepts no more; connections in progress have ``drain_seconds`` to end by themselves,
        then theirs are shut. Returns when their threads have ended. May be called again."""
        self._closing = True
        self._stop_accepting()
        self._join(drain_seconds)
        with self._lock:
            left = list(self._open.values())
        for connection in left:
            _shut(connection)
        self._join(_LAST_JOIN)

    def _stop_accepting(self) -> None:
        _shut(self._socket)
        if self._acceptor is not None:
            self._acceptor.join(_LAST_JOIN)
        else:
            self._lobby.close()
        self._socket.close()

    def _join(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._lock:
            threads = list(self._open)
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _accept(self) -> None:
        with suppress(OSError):
            while not self._closing:
                self._lobby.turn()
        self._lobby.close()

    def _admit(self, connection: socket.socket, said: memoryview) -> None:
        if not self._places.acquire(blocking=False):
            self.turned_away.add(Reason.NO_PLACE)
            wipe(said)
            connection.close()
            return
        thread = threading.Thread(
            target=self._run, args=(connection, said), name=self._name, daemon=True
        )
        with self._lock:
            self._open[thread] = connection
        try:
            thread.start()
        except RuntimeError:
            wipe(said)
            self._release(thread, connection)

    def _run(self, connection: socket.socket, said: memoryview) -> None:
        try:
            self._serve(connection, said)
        except Exception as error:
            # The last line of defence of the other calls; a name, never a message.
            self.failed += 1
            _log.warning("connection-failed", error=type(error).__name__)
        finally:
            wipe(said)
            self._release(threading.current_thread(), connection)

    def _release(self, thread: threading.Thread, connection: socket.socket) -> None:
        with self._lock:
            self._open.pop(thread, None)
        connection.close()
        self._places.release()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
