"""Whom tips are sealed to: age public keys, hybrid (``age1pq1…``) or classic (``age1…``).

No identity is read or made here: this is the side that runs on the gateway, which must not be
able to open what it sealed. It refuses a set that mixes hybrid and classic keys (one classic
stanza would undo the post-quantum property of the others), an empty set, and a private key put
where a public one belongs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tipline_gw.errors import ConfigError, SealError
from tipline_gw.sealing import bech32
from tipline_gw.sealing.header import Stanza, encode64
from tipline_gw.sealing.secret import FILE_KEY_SIZE, hkdf_sha256, wipe

HYBRID = "mlkem768x25519"
CLASSIC = "X25519"

HYBRID_PREFIX = "age1pq"
CLASSIC_PREFIX = "age"
IDENTITY_PREFIX = "AGE-SECRET-KEY-"

MLKEM_PUBLIC_SIZE = 1184
X25519_SIZE = 32
ENCAPSULATION_SIZE = 1120
"""Octets of ML-KEM-768 ciphertext (1088) and X25519 share (32) in a hybrid stanza."""

HYBRID_INFO = b"age-encryption.org/mlkem768x25519"
CLASSIC_INFO = b"age-encryption.org/v1/X25519"

MAX_FILE_SIZE = 1 << 20

SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
"""HPKE (RFC 9180) as C2SP age, "mlkem768x25519 recipient stanza", sets it."""

WRAP_NONCE = bytes(12)
"""Fixed: a wrap key is used once (C2SP age, "X25519 recipient stanza")."""


@dataclass(frozen=True)
class HybridRecipient:
    """An ``age1pq1…`` key: ML-KEM-768 (1184 octets) and X25519 (32 octets), as X-Wing."""

    raw: bytes
    post_quantum: ClassVar[bool] = True

    def __str__(self) -> str:
        return bech32.encode(HYBRID_PREFIX, self.raw)

    @cached_property
    def _key(self) -> hpke.MLKEM768X25519PublicKey:
        return hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self.raw[:MLKEM_PUBLIC_SIZE]),
            X25519PublicKey.from_public_bytes(self.raw[MLKEM_PUBLIC_SIZE:]),
        )

    def wrap(self, file_key: bytearray) -> Stanza:
        """HPKE SealBase (RFC 9180 §6.1): the encapsulation as argument, 32 octets of body."""
        sealed = SUITE.encrypt(file_key, self._key, HYBRID_INFO)
        argument = encode64(sealed[:ENCAPSULATION_SIZE]).decode("ascii")
        return Stanza(HYBRID, (argument,), sealed[ENCAPSULATION_SIZE:])


@dataclass(frozen=True)
class ClassicRecipient:
    """An ``age1…`` key: X25519, 32 octets."""

    raw: bytes
    post_quantum: ClassVar[bool] = False

    def __str__(self) -> str:
        return bech32.encode(CLASSIC_PREFIX, self.raw)

    def wrap(self, file_key: bytearray) -> Stanza:
        """An ephemeral X25519 share as argument, 32 octets of body ("The X25519 recipient")."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.raw))
        key = hkdf_sha256(shared, share + self.raw, CLASSIC_INFO)
        body = ChaCha20Poly1305(bytes(key)).encrypt(WRAP_NONCE, file_key, None)
        wipe(key)
        return Stanza(CLASSIC, (encode64(share).decode("ascii"),), body)


Recipient = HybridRecipient | ClassicRecipient


@dataclass(frozen=True, slots=True)
class Recipients:
    """A set that one file may be sealed to: not empty, all hybrid or all classic, none twice.

    Raises SealError when made of anything else.
    """

    keys: tuple[Recipient, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise SealError("there is no public key to seal to", "name at least one reviewer's")
        admitted: dict[Recipient, None] = {}
        for key in self.keys:
            _admit(admitted, key)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Recipients:
        """Of written keys, one each. Raises SealError."""
        return cls(tuple(parse_recipient(text) for text in texts))

    @property
    def post_quantum(self) -> bool:
        return self.keys[0].post_quantum

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[Recipient]:
        return iter(self.keys)

    def wrap(self, file_key: bytearray) -> list[Stanza]:
        """A stanza for each key, in their order."""
        return [key.wrap(file_key) for key in self.keys]


def parse_recipient(text: str) -> Recipient:
    """One written public key. Raises SealError, which never repeats what was written."""
    if text.upper().startswith(IDENTITY_PREFIX):
        raise SealError(
            "this is a private key, which must not be on this machine",
            "put its public key here, and give the private one only to its reviewer",
        )
    recipient = _recipient(*bech32.decode(text))
    try:
        # A key of the right length can still be no key: sealing must not find that out later.
        recipient.wrap(bytearray(FILE_KEY_SIZE))
    except ValueError:
        raise SealError("this key can seal nothing", "ask its reviewer for it again") from None
    return recipient


def load_recipients(path: Path) -> Recipients:
    """Reads a file of public keys: UTF-8, one a line; empty lines and ``#`` comments are passed.

    Raises ConfigError, as ``path:line: reason``.
    """
    admitted: dict[Recipient, None] = {}
    for number, line in enumerate(_read(path).splitlines(), 1):
        written = line.strip()
        if not written or written.startswith("#"):
            continue
        try:
            _admit(admitted, parse_recipient(written))
        except SealError as error:
            raise ConfigError(f"{path}:{number}: {error.what}", error.todo) from None
    if not admitted:
        raise ConfigError(f"{path}:1: no public key in it", "add a reviewer's: one age1pq1… a line")
    return Recipients(tuple(admitted))


def _recipient(prefix: str, raw: bytes) -> Recipient:
    if prefix == HYBRID_PREFIX and len(raw) == MLKEM_PUBLIC_SIZE + X25519_SIZE:
        return HybridRecipient(raw)
    if prefix == CLASSIC_PREFIX and len(raw) == X25519_SIZE:
        return ClassicRecipient(raw)
    raise SealError("not a key this gateway seals to", "use age1pq1… (or age1…) keys")


def _admit(admitted: dict[Recipient, None], key: Recipient) -> None:
    first = next(iter(admitted), key)
    if first.post_quantum != key.post_quantum:
        raise SealError(
            "hybrid (age1pq1…) and classic (age1…) keys are mixed",
            "use one kind: a classic key would undo the protection the hybrid ones give",
        )
    if key in admitted:
        raise SealError("this key is there twice", "is one of the two meant to be another's?")
    admitted[key] = None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_SIZE + 1)
        if len(data) > MAX_FILE_SIZE:
            raise ConfigError(f"{path}:1: far too long for a list of public keys")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}:1: not a text file") from None
