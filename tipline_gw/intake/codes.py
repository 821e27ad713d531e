"""Case codes drawn ahead, with what is derived from each by a memory-hard hash.

Eleven free digits are few: whoever seized the store could try them all. So each try is made to
cost Argon2id (RFC 9106) over 32 MiB with the gateway's salt: decades of computing for all codes.
That takes tens of milliseconds; intake does not wait for it, because a few dozen lie ready in RAM.

The result of Argon2id itself is never stored. Two things are derived from it with different
labels, neither of which can be had from the other: the hash that the store finds a case by, and
the seed of the age identity to which reviewers seal their answer. So the store, which holds the
hash and the public half, opens no answer; the code does, at the cost of one Argon2id.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from typing import NamedTuple

import structlog
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tipline_gw.domain import case_code
from tipline_gw.domain.case_code import CaseCode
from tipline_gw.errors import NotYetError
from tipline_gw.sealing.identities import HybridIdentity
from tipline_gw.sealing.secret import hkdf_sha256, wipe

MEMORY_KIB = 32 * 1024
ITERATIONS = 1
READY = 128
ENOUGH = 16
PAUSE = 0.1
"""With so many ready there is no hurry: seconds between draws, so that the machine is left to
others."""
NICE = 15

HASH_INFO = b"tipline-gw case code: what the store finds it by"
ANSWER_INFO = b"tipline-gw case code: seed of the identity that answers are sealed to"
"""Labels of HKDF (RFC 5869 §3.2). Other ones would orphan every code given."""


class Derived(NamedTuple):
    """What a code opens, 32 octets each. ``hash`` is stored; ``seed`` is never."""

    hash: bytes
    seed: bytes

    @property
    def identity(self) -> HybridIdentity:
        """Opens the answer of the case with this code."""
        return HybridIdentity(self.seed)


class Drawn(NamedTuple):
    """A fresh code, and what is stored of it: its hash, and the public key for answers."""

    code: CaseCode
    hash: bytes
    answer_key: bytes


def derive(code: CaseCode, salt: bytes) -> Derived:
    """The same for the same code and salt, as a look-up needs."""
    kdf = Argon2id(salt=salt, length=32, iterations=ITERATIONS, lanes=1, memory_cost=MEMORY_KIB)
    root = bytearray(kdf.derive(code.encode("ascii")))
    try:
        found, seed = (bytes(hkdf_sha256(root, b"", info)) for info in (HASH_INFO, ANSWER_INFO))
    finally:
        wipe(root)
    return Derived(found, seed)


def drawn(code: CaseCode, salt: bytes) -> Drawn:
    derived = derive(code, salt)
    return Drawn(code, derived.hash, derived.identity.recipient.raw)


class CodePool:
    """Keeps ``ready`` codes drawn, in a thread of low priority."""

    def __init__(self, salt: bytes, ready: int = READY) -> None:
        self._salt = salt
        self._ready: queue.Queue[Drawn] = queue.Queue(ready)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="case-codes", daemon=True)
        self._thread.start()

    def take(self, wait: float) -> Drawn:
        """Each code is given once. NotYetError if none is ready within ``wait`` seconds; 0 does
        not wait at all."""
        try:
            return self._ready.get(block=wait > 0, timeout=wait or None)
        except queue.Empty:
            raise NotYetError("no case code is ready", "the machine has too much to do") from None

    def derive(self, code: CaseCode) -> Derived:
        """What ``code`` opens in this store."""
        return derive(code, self._salt)

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
            try:
                self._ready.put(drawn(case_code.draw(), self._salt))
            except Exception as error:  # no memory just now: without this thread no tip has a code
                structlog.get_logger().error("no-code-drawn", error=type(error).__name__)
                self._stop.wait(PAUSE)
            if self._ready.qsize() >= ENOUGH:
                self._stop.wait(PAUSE)
