"""The conversation on one line: bytes in, echo, commands carried out, answers, notices between.

Why it exists: the order in which a modem speaks is where drivers break, so it stands in one place:
a notice waits while a command is being answered, unless the modem is told to be faulty. No I/O.
It refuses lines longer than ``MAX_LINE`` and input beyond ``MAX_INBOX``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from tipline_gw.demo.at_command import (
    CMS_INVALID_PDU,
    Command,
    CommandError,
    commands_of,
    readable,
)
from tipline_gw.demo.at_device import Device
from tipline_gw.demo.at_dialect import answered
from tipline_gw.demo.at_general import GENERAL
from tipline_gw.demo.at_messages import MESSAGES
from tipline_gw.demo.at_ussd import USSD
from tipline_gw.demo.virtual_wire import Wire

MAX_LINE = 4096
MAX_INBOX = 65536
INTERLEAVE_PATIENCE = 0.5
"""Seconds that a faulty modem waits for an answer to put its notice into."""
_BUFFERED = ("+CMTI", "+CMT:", "+CDSI", "+CDS:", "+CBM")
"""What +CNMI governs; all else is said at once."""
_CTRL_Z, _ESCAPE = 0x1A, 0x1B
_NUMERIC = {"OK": "0", "RING": "2", "NO CARRIER": "3", "ERROR": "4"}

COMMANDS = GENERAL | MESSAGES | USSD


class Session:
    def __init__(self, device: Device, wire: Wire) -> None:
        self.device = device
        self.wire = wire
        self.transcript: deque[str] = deque(maxlen=1000)
        """The last command lines, message bodies left out."""
        self._inbox = bytearray()
        self._line = bytearray()
        self._overlong = False
        self._last = ""
        self._due: tuple[float, Callable[[], None]] | None = None
        self._wire_free = 0.0
        self._deaf_until = 0.0
        self._held_since: float | None = None

    # -- in ----------------------------------------------------------------------------------------

    def feed(self, data: bytes, now: float) -> None:
        self.device.counts.octets_in += len(data)
        if self.device.modes.hang or now < self._deaf_until:
            return
        for line in self.device.boot_lines:
            self.wire.send(f"\r\n{line}\r\n".encode())
        self.device.boot_lines = []
        self._inbox += data[: MAX_INBOX - len(self._inbox)]
        if self.device.modes.baud:
            seconds = len(data) * 10 / self.device.modes.baud
            self._wire_free = max(self._wire_free, now) + seconds

    def hung_up(self) -> None:
        """Nobody has the port open any more: what was half said is forgotten."""
        self._inbox.clear()
        self._line.clear()
        self._overlong = False
        self._due = None
        self.device.prompt = None
        self.wire.clear()

    def step(self, now: float) -> None:
        """Do what can be done at this moment."""
        device = self.device
        device.tick(now)
        while self._advance(now):
            pass
        device.deliver()
        if not device.modes.hang:
            self._announce(now)

    def _advance(self, now: float) -> bool:
        if self._due is None:
            return self._take_body(now) if self.device.prompt else self._take_line(now)
        ready_at, work = self._due
        if now < ready_at:
            return False
        self._due = None
        if not self.device.modes.hang:
            self.wire.answering_since(ready_at)
            work()
        return True

    def _take_line(self, now: float) -> bool:
        end = self._inbox.find(b"\r")
        self._swallow(len(self._inbox) if end < 0 else end + 1)
        if end < 0:
            return False
        raw, self._line = bytes(self._line), bytearray()
        line, overlong = readable(raw), self._overlong
        self._overlong = False
        if overlong:
            self._plan(now, lambda: self._finish([], CommandError().line(0)))
        elif line:
            self._plan(now, lambda: self._execute(line))
        return True

    def _take_body(self, now: float) -> bool:
        ends = [at for mark in (_CTRL_Z, _ESCAPE) if (at := self._inbox.find(mark)) >= 0]
        if not ends:
            self._swallow(len(self._inbox))
            return False
        cancelled = self._inbox[min(ends)] == _ESCAPE
        self._swallow(min(ends) + 1)
        body, self._line = bytes(self._line[:-1]).lstrip(b"\r\n"), bytearray()
        overlong, self._overlong = self._overlong, False
        take = self.device.prompt.take if self.device.prompt else lambda _body: []
        self.device.prompt = None
        if cancelled:
            self._plan(now, lambda: self._finish([], "OK"))
        elif overlong:
            self._plan(now, lambda: self._finish([], CommandError("CMS", CMS_INVALID_PDU).line(1)))
        else:
            self._plan(now, lambda: self._answer_body(take, body))
        return True

    def _swallow(self, count: int) -> None:
        """Move so many bytes into the line, with echo where it is on."""
        piece = bytes(self._inbox[:count])
        del self._inbox[:count]
        if piece and self.device.register("E"):
            self.wire.send(piece)
        room = MAX_LINE - len(self._line)
        self._line += piece[: max(room, 0)]
        self._overlong = self._overlong or len(piece) > room

    def _plan(self, now: float, work: Callable[[], None]) -> None:
        began = max(now, self._wire_free)
        self._due = began + self.device.modes.delay_ms / 1000, work

    # -- commands ----------------------------------------------------------------------------------

    def _execute(self, line: str) -> None:
        line = self._last if line.upper() == "A/" else line
        self._last = line
        self.transcript.append(line)
        self.device.counts.commands += 1
        info: list[str] = []
        try:
            own = answered(self.device, line)
            commands = commands_of(line) if own is None else []
            if commands is None:
                return
            info += own or []
            for command in commands:
                info += self._run(command)
                if self.device.prompt:
                    self.wire.send(b"\r\n> ")
                    return
        except CommandError as refusal:
            self._finish(info, refusal.line(self.device.register("+CMEE")))
        else:
            self._finish(info, "OK")

    def _run(self, command: Command) -> list[str]:
        if command.name == "+CLAC" and self.device.modes.clac:
            return [f"AT{name}" for name in sorted(COMMANDS)]
        if command.name[0] == "S":
            return ["000"] if command.form == "read" else []
        handler = COMMANDS.get(command.name)
        if handler is None or self.device.dialect.lacks(command.name):
            raise self.device.dialect.unknown()
        return handler(self.device, command)

    def _answer_body(self, take: Callable[[bytes], list[str]], body: bytes) -> None:
        try:
            self._finish(take(body), "OK")
        except CommandError as refusal:
            self._finish([], refusal.line(self.device.register("+CMEE")))

    # -- out ---------------------------------------------------------------------------------------

    def _finish(self, info: list[str], final: str) -> None:
        device = self.device
        if device.modes.interleave and self._may_announce():
            info = [*info[:1], *device.notices.popleft(), *info[1:]]
            self._held_since = None
        verbose = device.register("V")
        out = ""
        if info:
            out = ("\r\n" if verbose else "") + "\r\n".join(info) + "\r\n"
        if not device.register("Q"):
            out += f"\r\n{final}\r\n" if verbose else f"{_NUMERIC.get(final, final)}\r"
        self._deaf_until = device.clock() + device.modes.deaf_ms / 1000
        self.wire.send(out.encode("utf-8", "replace"))

    def _may_announce(self) -> bool:
        """+CNMI mode 0 keeps notices in the modem (TS 27.005 §3.4.1)."""
        return bool(self.device.notices) and self.device.registers["+CNMI"][0] != 0

    def _announce(self, now: float) -> None:
        if self._due or self.device.prompt:
            return
        while self.device.notices and self._is_time(now):
            lines = self.device.notices.popleft()
            text = "\r\n" + "\r\n".join(lines) + "\r\n"
            self.wire.send(text.encode("utf-8", "replace"))
            self._held_since = None
            if not self.device.notices:
                self.device.deliver()

    def _is_time(self, now: float) -> bool:
        if not self.device.notices[0][0].startswith(_BUFFERED):
            return True
        if self.device.registers["+CNMI"][0] == 0:
            return False
        if not self.device.modes.interleave:
            return True
        if self._held_since is None:
            self._held_since = now
        return now >= self._held_since + INTERLEAVE_PATIENCE

    def next_event(self) -> float | None:
        times = [self.device.next_event()]
        if self._due:
            times.append(self._due[0])
        if self._held_since is not None:
            times.append(self._held_since + INTERLEAVE_PATIENCE)
        return min((time for time in times if time is not None), default=None)
