"""The FastAGI server: Asterisk's dialplan connects here once for every call.

pyst2's own server imports on Python 2 only. This one reads the environment through the
boundary, bounded in octets and in time, and gives the handler a channel and what is left of the
environment: nothing that says who calls.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping

from tipline_gw.boundary.agi_environment import read_environment
from tipline_gw.errors import TiplineError
from tipline_gw.voice.channel import Channel
from tipline_gw.voice.lines import Lines
from tipline_gw.voice.listener import Listener
from tipline_gw.voice.lobby import Reason, TurnedAway, Verdict

Handler = Callable[[Channel, Mapping[str, str]], None]

ENVIRONMENT_SECONDS = 5.0
"""Asterisk writes its environment at once; a machine that is that slow serves nobody."""
_BEGIN = b"agi_"
_ENDS = (b"\n\n", b"\n\r\n")


def judge(buffer: bytearray, size: int) -> Verdict:
    """Admits a whole environment: what begins like one and has come to its empty line."""
    if not buffer.startswith(_BEGIN[:size]):
        return Verdict.REFUSE
    whole = any(buffer.find(end, 0, size) >= 0 for end in _ENDS)
    return Verdict.ADMIT if whole else Verdict.WAIT


class FastAgiServer:
    """Calls ``handler(channel, environment)`` in a thread for each call, ``max_calls`` at once.

    A call over that number is closed before anything is read, and the dialplan says so to the
    caller. ``address`` is where it listens, with the port that the kernel gave for port 0.
    """

    def __init__(self, listen: str, handler: Handler, *, max_calls: int) -> None:
        self._handler = handler
        self._listener = Listener("agi", listen, self._serve, max_calls, judge, ENVIRONMENT_SECONDS)
        self.address = self._listener.address

    @property
    def active(self) -> int:
        return self._listener.active

    @property
    def alive(self) -> bool:
        return self._listener.alive

    @property
    def turned_away(self) -> TurnedAway:
        return self._listener.turned_away

    @property
    def failed(self) -> int:
        return self._listener.failed

    def serve_forever(self) -> None:
        self._listener.serve_forever()

    def close(self, drain_seconds: float = 0.0) -> None:
        self._listener.close(drain_seconds)

    def _serve(self, connection: socket.socket, said: memoryview) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines = Lines(connection, said)
        lines.allow(ENVIRONMENT_SECONDS)
        try:
            environment = read_environment(lines.readline)
        except TiplineError:
            self.turned_away.add(Reason.MALFORMED)
            lines.forget()
            return
        self._handler(Channel(lines), environment)
