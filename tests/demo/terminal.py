"""A person at a terminal program: pyserial on the port, command by command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

import serial

PATIENCE = 10.0
_FINAL = re.compile(rb"\r\n(OK|ERROR|\+CM[ES] ERROR: [^\r]*)\r\n$")


class Terminal:
    def __init__(self, port: Path) -> None:
        self.port = serial.Serial(str(port), 115200, timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.port.close()

    def write(self, data: bytes) -> None:
        self.port.write(data)

    def read_until(self, pattern: bytes) -> bytes:
        """Everything up to the end of what ``pattern`` matches; fails when it never comes."""
        seen = b""
        while not re.search(pattern, seen):
            octet = self.port.read(1)
            assert octet, f"only this came in {PATIENCE} s: {seen!r}"
            seen += octet
        return seen

    def raw(self, command: str) -> bytes:
        self.write(command.encode() + b"\r")
        return self.read_until(_FINAL.pattern)

    def ask(self, command: str) -> list[str]:
        """The lines of the answer without empty ones and without the echo."""
        answer = self.raw(command).decode("latin-1")
        lines = [line for line in re.split(r"[\r\n]+", answer) if line]
        return lines[1:] if lines and lines[0] == command else lines

    def line(self, pattern: bytes) -> str:
        """The next line that begins with ``pattern``, whatever comes before it."""
        seen = self.read_until(rb"\r\n" + pattern + rb"[^\r]*\r\n")
        return seen.rstrip().rsplit(b"\r\n", 1)[-1].decode()

    def quiet(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        self.port.timeout = seconds
        try:
            return not self.port.read(1)
        finally:
            self.port.timeout = PATIENCE

    def send_pdu(self, pdu: str, length: int) -> list[str]:
        self.write(f"AT+CMGS={length}\r".encode())
        self.read_until(rb"\r\n> $")
        return self.ask(pdu + "\x1a")
