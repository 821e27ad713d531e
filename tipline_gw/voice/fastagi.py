"""The FastAGI server: Asterisk's dialplan connects here once for every call.

pyst2's own server imports on Python 2 only. This one reads the environment through the
boundary, bounded in octets and in time, and gives the handler a channel and what is left of the
environment: nothing that says who calls.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping

import structlog

from tipline_gw.boundary.agi_environment import read_environment
from tipline_gw.errors import TiplineError
from tipline_gw.voice.channel import Channel
from tipline_gw.voice.lines import Lines
from tipline_gw.voice.listener import Listener

_log = structlog.get_logger()

Handler = Callable[[Channel, Mapping[str, str]], None]

ENVIRONMENT_SECONDS = 5.0


class FastAgiServer:
    """Calls ``handler(channel, environment)`` in a thread for each call, ``max_calls`` at once.

    A call over that number is closed before anything is read, and the dialplan says so to the
    caller. ``address`` is where it listens, with the port that the kernel gave for port 0.
    """

    def __init__(self, listen: str, handler: Handler, *, max_calls: int) -> None:
        self._handler = handler
        self._listener = Listener("agi", listen, self._serve, max_calls)
        self.address = self._listener.address
        self.malformed = 0
        """Connections closed because what came on them was not AGI."""

    @property
    def active(self) -> int:
        return self._listener.active

    @property
    def refused(self) -> int:
        return self._listener.refused

    @property
    def failed(self) -> int:
        return self._listener.failed

    def serve_forever(self) -> None:
        self._listener.serve_forever()

    def close(self, drain_seconds: float = 0.0) -> None:
        self._listener.close(drain_seconds)

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = Lines(connection)
        lines.allow(ENVIRONMENT_SECONDS)
        try:
            environment = read_environment(lines.readline)
        except TiplineError as error:
            self.malformed += 1
            _log.warning("agi-malformed", error=type(error).__name__)
            return
        self._handler(Channel(lines), environment)
