"""Case codes drawn ahead, with their memory-hard hashes.

Eleven free digits are few: whoever seized the store could try them all. So a code is stored only
as Argon2id (RFC 9106) over 32 MiB with the gateway's salt, which makes that cost decades of
computing. A hash takes tens of milliseconds; intake does not wait for one, because a few dozen
lie ready in RAM.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tipline_gw.domain import case_code
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.errors import NotYetError

MEMORY_KIB = 32 * 1024
ITERATIONS = 1
READY = 128
ENOUGH = 16
PAUSE = 0.1
"""With so many ready there is no hurry: seconds between draws, so that the machine is left to
others."""
NICE = 15

Drawn = tuple[CaseCode, bytes]


def hash_code(code: CaseCode, salt: bytes) -> bytes:
    """32 octets. The same code and salt give the same hash, as a look-up needs."""
    kdf = Argon2id(salt=salt, length=32, iterations=ITERATIONS, lanes=1, memory_cost=MEMORY_KIB)
    return kdf.derive(code.encode("ascii"))


class CodePool:
    """Keeps ``ready`` codes drawn, in a thread of low priority."""

    def __init__(self, salt: bytes, ready: int = READY) -> None:
        self._salt = salt
        self._ready: queue.Queue[Drawn] = queue.Queue(ready)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="case-codes", daemon=True)
        self._thread.start()

    def take(self, wait: float) -> Drawn:
        """A code and its hash; each is given once. NotYetError if none is ready within ``wait``
        seconds; 0 does not wait at all."""
        try:
            return self._ready.get(block=wait > 0, timeout=wait or None)
        except queue.Empty:
            raise NotYetError("no case code is ready", "the machine has too much to do") from None

    def hash(self, code: CaseCode) -> bytes:
        """The hash under which the store knows ``code``."""
        return hash_code(code, self._salt)

    def close(self) -> None:
        self._stop.set()
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._ready.get_nowait()  # makes room, should the thread wait for it
            self._thread.join(0.05)

    def _draw(self) -> None:
        with contextlib.suppress(OSError):  # Linux: a thread's own priority
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        while not self._stop.is_set():
            code = case_code.draw()
            self._ready.put((code, self.hash(code)))
            if self._ready.qsize() >= ENOUGH:
                self._stop.wait(PAUSE)
