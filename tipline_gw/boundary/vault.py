"""The vault: which token stands for which address, in RAM, for a while.

Why it exists: a reply needs the number, nobody else does. A token is a keyed hash of the address
under a key drawn when the vault is made, so one sender keeps one token while the vault lives and
means nothing to any other vault. An address is kept in a bytearray of the vault's own and is
overwritten when nothing holds it any more, or when its time is up. It refuses to keep the address
of a sender that cannot be answered, to show one in a ``repr``, and to write one anywhere.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tipline_gw.boundary import address
from tipline_gw.boundary.octets import wipe
from tipline_gw.domain.sms import ReplyToken, repliable
from tipline_gw.errors import BoundaryError

_KEY_OCTETS = 32
_TOKEN_BITS = 50


@dataclass(slots=True, repr=False)
class _Entry:
    address: bytearray
    expires: float
    holds: set[bytes] = field(default_factory=set)


class Vault:
    """Tokens to addresses. Safe to share between threads and modems.

    ``ttl_seconds``: how long an address may lie unanswered; each message renews it.
    """

    def __init__(self, ttl_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._ttl = ttl_seconds
        self._now = now
        self._key = bytearray(secrets.token_bytes(_KEY_OCTETS))
        # All live equally long and come last when renewed: the first are the first to expire.
        self._entries: OrderedDict[ReplyToken, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Vault of {self.count}>"

    @property
    def count(self) -> int:
        """Addresses held now."""
        return len(self._entries)

    def token(self, field: bytearray | memoryview) -> ReplyToken:
        """The token of a raw address field (length, type of address, digits); keeps nothing."""
        plain = bytearray(field)
        try:
            address.set_fill(plain)
            digest = hashlib.blake2s(plain, key=self._key, digest_size=8)
            number = int.from_bytes(digest.digest(), "big") >> (64 - _TOKEN_BITS)
            kind = address.SUBSCRIBER if address.answerable(plain) else address.OTHER
        finally:
            wipe(plain)
        return address.spelled(kind, number)

    def remember(
        self,
        field: bytearray | memoryview,
        fingerprint: bytes,
        token: ReplyToken | None = None,
    ) -> ReplyToken:
        """The token of an address, which is kept until ``fingerprint`` is released or time is up.

        Of a sender that cannot be answered the token is all there is. ``token``: that of
        ``field``, where it is known already.
        """
        token = token or self.token(field)
        with self._lock:
            self._drop_expired()
            if repliable(token):
                entry = self._entries.get(token)
                if entry is None:
                    entry = self._entries[token] = _Entry(bytearray(field), 0.0)
                entry.expires = self._now() + self._ttl
                entry.holds.add(fingerprint)
                self._entries.move_to_end(token)
        return token

    @contextmanager
    def address(self, token: ReplyToken) -> Iterator[bytearray]:
        """A copy of the address field, overwritten on leaving. Of use inside the boundary only.

        Raises BoundaryError when the token is not known, or not any more.
        """
        with self._lock:
            entry = self._entries.get(token)
            if entry is None or entry.expires <= self._now():
                raise BoundaryError("a reply token is not known", "its sender cannot be answered")
            copy = bytearray(entry.address)
        try:
            yield copy
        finally:
            wipe(copy)

    def release(self, token: ReplyToken, fingerprints: Iterable[bytes]) -> None:
        """Drop holds; an address that nothing holds is overwritten. Unknown tokens are fine."""
        with self._lock:
            entry = self._entries.get(token)
            if entry is None:
                return
            entry.holds.difference_update(fingerprints)
            if not entry.holds:
                self._drop(token)

    def sweep(self) -> int:
        """Overwrite what has expired; how many that were."""
        with self._lock:
            return self._drop_expired()

    def _drop_expired(self) -> int:
        now, before = self._now(), len(self._entries)
        while self._entries:
            token, entry = next(iter(self._entries.items()))
            if entry.expires > now:
                break
            self._drop(token)
        return before - len(self._entries)

    def close(self) -> None:
        """Overwrite everything, the key too: earlier tokens mean nothing from here on."""
        with self._lock:
            for token in list(self._entries):
                self._drop(token)
            wipe(self._key)
            self._key[:] = secrets.token_bytes(_KEY_OCTETS)

    def _drop(self, token: ReplyToken) -> None:
        wipe(self._entries.pop(token).address)
