"""/metrics, /healthz and /readyz on loopback, and systemd's notifications.

Refuses: anything but GET of those three paths, bodies, keep-alive, and clients that are slow. Each
of them takes a descriptor and a thread, which calls need: there are few at a time.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST

from tipline_gw.errors import ConfigError
from tipline_gw.telemetry.metrics import Metrics

_NEVER = 3600.0
AT_ONCE = 32
"""Connections. Who asks more is served too, and the oldest of them goes: an answer takes no time,
so the oldest is one that does not ask."""

Check = Callable[[], list[str]]
"""What is wrong now, as fixed words; empty when all is well."""


class HealthServer:
    """``healthy``: the process does its work (restart it if not). ``ready``: it takes tips now."""

    def __init__(self, listen: str, metrics: Metrics, healthy: Check, ready: Check) -> None:
        host, _, port = listen.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        handler = _handler(
            {
                "/metrics": lambda: (200, CONTENT_TYPE_LATEST, metrics.text()),
                "/healthz": lambda: _verdict(healthy()),
                "/readyz": lambda: _verdict(ready()),
            }
        )
        try:
            self._server = _Server(self._address, handler)
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {listen} for metrics ({error.strerror})",
                "free the port or change metrics.listen",
            ) from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", kwargs={"poll_interval": _NEVER}
        )

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            stopper = threading.Thread(target=self._server.shutdown, name="health-stop")
            stopper.start()
            while stopper.is_alive():
                self._wake()
                stopper.join(0.05)
            self._thread.join()
        self._server.server_close()

    def _wake(self) -> None:
        """serve_forever sees that it is to end when something comes in: so it need not poll."""
        with contextlib.suppress(OSError):
            socket.create_connection(self._address, 1).close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._lock = threading.Lock()
        self._served: dict[Any, None] = {}
        """Connections, the oldest first."""
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._served[request] = None
            oldest = next(iter(self._served)) if len(self._served) > AT_ONCE else None
            self._served.pop(oldest, None)
        if oldest is not None:
            with contextlib.suppress(OSError):
                oldest.shutdown(socket.SHUT_RDWR)  # its thread sees the end
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._served.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


def _verdict(faults: list[str]) -> tuple[int, str, bytes]:
    body = "\n".join(faults or ["ok"]) + "\n"
    return (503 if faults else 200), "text/plain; charset=utf-8", body.encode()


def _handler(
    pages: dict[str, Callable[[], tuple[int, str, bytes]]],
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5
        server_version = "tipline-gw"
        sys_version = ""

        def do_GET(self) -> None:
            page = pages.get(self.path)
            status, kind, body = page() if page else (404, "text/plain", b"not here\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Who reads the metrics is not logged."""

    return Handler


def sd_notify(state: str) -> None:
    """Tell systemd ``READY=1``, ``STOPPING=1`` or ``WATCHDOG=1``; nothing where it is not there."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    # Where no descriptor is left it goes unsaid, and calls go on: the next one may be said.
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock,
    ):
        sock.connect(address)
        sock.sendall(state.encode())
