"""Keeps one sender, or one machine, from drowning the others, without knowing who anybody is.

What it remembers are counts under digests of reply tokens, made with a key that exists in RAM
and is thrown away after half an hour, with the counts. It refuses to hold a message back from
somebody who has not been told so, because he cannot be or because the modem that is to say it has
not sent it yet: what nobody would hear of is not held back.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from tipline_gw.domain.sms import ReplyToken

PERIOD = 1800.0
"""Seconds a key lives. Counts are kept under this one's and the last one's: what is counted is
forgotten after half an hour to an hour."""
LARGEST = 65536
"""Digests under one key; further ones are not counted."""
PIECES = 300
"""Parts of unfinished messages from one sender: a message has 255 at most."""
SAME_TEXTS = 2
"""The same text again and again is a machine's, or it has been answered well enough."""


@dataclass(slots=True)
class _Generation:
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    counts: dict[bytes, int] = field(default_factory=dict)

    def digest(self, words: tuple[str, ...]) -> bytes:
        said = "\0".join(words).encode("utf-8", "replace")
        return hashlib.blake2s(said, key=self.key, digest_size=8).digest()

    def count(self, words: tuple[str, ...]) -> int:
        return self.counts.get(self.digest(words), 0) if self.counts else 0


class Sightings:
    """How often something was seen lately. Safe to share between threads."""

    def __init__(
        self,
        period: float = PERIOD,
        largest: int = LARGEST,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._period = period
        self._largest = largest
        self._now = now
        self._lock = threading.Lock()
        self._old, self._new = _Generation(), _Generation()
        self._rotates_at = now() + period

    def add(self, *words: str, count: int = 1) -> int:
        """Count one more, or ``count``; how many that makes."""
        with self._lock:
            self._rotate()
            digest = self._new.digest(words)
            if digest in self._new.counts or len(self._new.counts) < self._largest:
                self._new.counts[digest] = self._new.counts.get(digest, 0) + count
            return self._old.count(words) + self._new.count(words)

    def forget(self, *words: str) -> None:
        """It was not seen."""
        with self._lock:
            self._rotate()
            for each in (self._old, self._new):
                each.counts.pop(each.digest(words), None)

    def count(self, *words: str) -> int:
        with self._lock:
            self._rotate()
            return self._old.count(words) + self._new.count(words)

    def _rotate(self) -> None:
        now = self._now()
        if now >= self._rotates_at + self._period:
            self._new = _Generation()
        if now >= self._rotates_at:
            self._old, self._new = self._new, _Generation()
            self._rotates_at = now + self._period


class Verdict(Enum):
    TAKE = "take"
    TELL = "tell"
    """Take it, and say that it is the last one."""
    KEEP = "keep"
    """Take it: that is being said, but not sent yet."""
    HOLD = "hold"
    """Hold it back: that was said."""


class Flood:
    """``sender_limit``: messages that one sender has taken in an hour; ``modem_limit``: messages
    of one modem that are answered with a code."""

    def __init__(self, seen: Sightings, *, sender_limit: int, modem_limit: int) -> None:
        self._seen = seen
        self._sender_limit = sender_limit
        self._modem_limit = modem_limit

    def message(self, token: ReplyToken) -> Verdict:
        """A message of a sender who can be told."""
        if self._seen.add("message", token) <= self._sender_limit:
            return Verdict.TAKE
        if self._seen.count("told", token):
            return Verdict.HOLD
        return Verdict.TELL if self._seen.add("telling", token) == 1 else Verdict.KEEP

    def told(self, token: ReplyToken, *, sent: bool) -> None:
        """What became of a TELL. Not sent, and it is tried with the next message again."""
        if sent:
            self._seen.add("told", token)
        else:
            self._seen.forget("telling", token)

    def piece(self, token: ReplyToken) -> Verdict:
        """A part of an unfinished message: it counts once it is whole."""
        over = self._seen.count("message", token) >= self._sender_limit
        over = self._seen.add("piece", token) > PIECES or over
        return Verdict.HOLD if over and self._seen.count("told", token) else Verdict.TAKE

    def refused(self, token: ReplyToken) -> None:
        """The store refused it: it will be offered again, and is one message all the same."""
        self._seen.add("message", token, count=-1)

    def busy(self, modem: str) -> bool:
        """Count a message of ``modem`` that a code is due for; whether it has had too many."""
        return self._seen.add("modem", modem) > self._modem_limit
