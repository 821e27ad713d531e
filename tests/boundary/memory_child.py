"""A process that reads, answers and forgets one message, step by step, while it is looked into.

Started by ``test_memory.py``, which alone knows the number. Each line of standard input is a
step; each step ends with a line of output.
"""

from __future__ import annotations

import sys

from tipline_gw.boundary.serial_line import BoundaryPort
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import Notice, Part, Pushed


def ask(port: BoundaryPort, data: bytes, end: bytes) -> list[str]:
    port.write(data)
    raw = b""
    while not raw.endswith(end):
        raw += port.read(1)
    return raw.decode("ascii").split("\r\n")


def main() -> None:
    vault = Vault(3600)
    notices: list[Notice] = []
    port = BoundaryPort(sys.argv[1], vault, on_notice=notices.append)
    part: Part | None = None
    for step in sys.stdin:
        if step == "read\n":
            decoded = port.part(ask(port, b"AT+CMGR=1\r", b"OK\r\n")[1])
            assert isinstance(decoded, Part)
            part = decoded
            print(part.sender, flush=True)
        elif step == "be told\n":
            port.write(b"AT+CSQ\r")
            while not notices:
                port.lines()
            pushed = notices.pop()
            assert isinstance(pushed, Pushed)
            assert isinstance(pushed.part, Part)
            part = pushed.part
            print(part.sender, flush=True)
        elif step == "forget\n":
            assert part is not None
            assert part.sender is not None
            vault.release(part.sender, [part.fingerprint])
            print(vault.count, flush=True)
        else:
            ask(port, b"AT+CMGS=1\r", b"> ")
            answer = ask(port, step.strip().encode() + b"\x1a", b"OK\r\n")
            print(answer[0], flush=True)


if __name__ == "__main__":
    main()
