"""A tapped line between the gateway and a modem: what no virtual modem says can be put in."""

import contextlib
import os
import select
import threading
import tty
from pathlib import Path


class Tap(threading.Thread):
    """Copies octets both ways between a new terminal at ``link`` and the one at ``modem``."""

    def __init__(self, link: Path, modem: Path) -> None:
        super().__init__()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        link.symlink_to(os.ttyname(self._slave))
        self._modem = os.open(modem, os.O_RDWR | os.O_NOCTTY)
        self._over = threading.Event()

    def say(self, *lines: str) -> None:
        """Lines that the modem did not say."""
        os.write(self._master, "".join(f"\r\n{line}\r\n" for line in lines).encode())

    def say_raw(self, octets: bytes) -> None:
        os.write(self._master, octets)

    def run(self) -> None:
        ways = {self._master: self._modem, self._modem: self._master}
        while not self._over.is_set():
            for ready in select.select(list(ways), [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    os.write(ways[ready], os.read(ready, 4096))

    def __enter__(self) -> "Tap":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()
        for descriptor in (self._master, self._slave, self._modem):
            os.close(descriptor)
