"""A modem for tests: a thread at the other end of a real pseudo-terminal, answering by a script."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable

Answer = bytes | Callable[[bytes], bytes]


class ScriptedModem:
    """Answers each command by the longest matching beginning in ``script``, else OK.

    ``wire`` is all it was sent. ``pause``: seconds between octets, to deliver one at a time.
    After ``AT+CMGS=`` it prompts, and takes what comes up to Ctrl-Z as the message.
    """

    def __init__(
        self, script: dict[bytes, Answer] | None = None, *, echo: bool = False, pause: float = 0.0
    ) -> None:
        self.script: dict[bytes, Answer] = dict(script or {})
        self.echo = echo
        self.pause = pause
        self.wire = bytearray()
        self.messages: list[bytes] = []
        self._writing = threading.Lock()
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.device = os.ttyname(self._slave)
        self._stop, self._stopper = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> ScriptedModem:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Go away, as a modem that is pulled out does."""
        if not self._thread.is_alive():
            return
        os.write(self._stopper, b"!")
        self._thread.join(10)
        for fd in (self._master, self._slave, self._stop, self._stopper):
            os.close(fd)

    def say(self, raw: bytes) -> None:
        """Say something unasked."""
        with self._writing:
            if not self.pause:
                os.write(self._master, raw)
                return
            for octet in raw:
                os.write(self._master, bytes([octet]))
                time.sleep(self.pause)

    def _run(self) -> None:
        pending = b""
        while True:
            readable, _, _ = select.select([self._master, self._stop], [], [])
            if self._stop in readable:
                return
            came = os.read(self._master, 4096)
            self.wire += came
            if self.echo:
                self.say(came)
            pending = self._take(pending + came)

    def _take(self, pending: bytes) -> bytes:
        while True:
            ends = [at for at in (pending.find(b"\r"), pending.find(b"\x1a")) if at >= 0]
            if not ends:
                return pending
            command, end = pending[: min(ends)].lstrip(b"\x1b"), pending[min(ends)]
            pending = pending[min(ends) + 1 :]
            if end == 0x1A:
                self.messages.append(command)
                self.say(b"\r\n+CMGS: %d\r\n\r\nOK\r\n" % len(self.messages))
            elif command:
                self.say(self._answer(command))

    def _answer(self, command: bytes) -> bytes:
        known = [start for start in self.script if command.startswith(start)]
        if known:
            answer = self.script[max(known, key=len)]
            return answer if isinstance(answer, bytes) else answer(command)
        return b"\r\n> " if command.startswith(b"AT+CMGS=") else b"\r\nOK\r\n"


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for ``condition``; it is the test's failure if it never holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)
