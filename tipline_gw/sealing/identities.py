"""The reviewer's side of a key: making, keeping and using age identities.

The daemon holds no reviewer's identity and loads none. It makes one only from a case code, to know
where an answer is sealed to, and again when a caller has given the code and wants to hear it; that
one is never written. A reviewer's secret leaves this module in one way only, into a new file of
mode 0600; it is in no ``repr``, no error and no log. An identity file that others can
read is refused, as ssh does: by then its secrecy is in doubt, and that should be seen.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tipline_gw.errors import SealError
from tipline_gw.sealing import bech32
from tipline_gw.sealing.failures import HeaderFormError
from tipline_gw.sealing.header import Stanza, decode64
from tipline_gw.sealing.recipients import (
    CLASSIC,
    CLASSIC_INFO,
    ENCAPSULATION_SIZE,
    HYBRID,
    HYBRID_INFO,
    IDENTITY_PREFIX,
    SUITE,
    WRAP_NONCE,
    X25519_SIZE,
    ClassicRecipient,
    HybridRecipient,
)
from tipline_gw.sealing.secret import FILE_KEY_SIZE, hkdf_sha256, wipe
from tipline_gw.sealing.stream import TAG_SIZE

HYBRID_IDENTITY_PREFIX = "AGE-SECRET-KEY-PQ-"

SEED_SIZE = 32
_MLKEM_SEED_SIZE = 64
_BODY_SIZE = FILE_KEY_SIZE + TAG_SIZE
_MAX_FILE_SIZE = 1 << 20


class HybridIdentity:
    """``AGE-SECRET-KEY-PQ-1…``: a seed of 32 octets for ML-KEM-768 and X25519 (X-Wing)."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        # SHAKE-256 to 96 octets: X-Wing's expandDecapsulationKey (draft-ietf-hpke-pq).
        expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_SIZE + X25519_SIZE)
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_SIZE])
        self._x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_SIZE:])
        self._key = hpke.MLKEM768X25519PrivateKey(mlkem, self._x25519)
        public = mlkem.public_key().public_bytes_raw()
        self.recipient = HybridRecipient(public + self._x25519.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> HybridIdentity:
        return cls(os.urandom(SEED_SIZE))

    @property
    def public_key(self) -> str:
        return str(self.recipient)

    def secret(self) -> str:
        """The identity as it is written to its file. Nothing else may see it."""
        return bech32.encode(HYBRID_IDENTITY_PREFIX, self._seed)

    def unwrap(self, stanza: Stanza) -> bytearray | None:
        """The file key, or ``None`` if the stanza is for another. Raises HeaderFormError."""
        if stanza.kind != HYBRID:
            return None
        encapsulation = _argument(stanza, ENCAPSULATION_SIZE)
        # HPKE reports a share of low order as it does a stanza for another; age tells them apart.
        _exchange(self._x25519, encapsulation[-X25519_SIZE:])
        try:
            return bytearray(SUITE.decrypt(encapsulation + stanza.body, self._key, HYBRID_INFO))
        except InvalidTag:
            return None


class ClassicIdentity:
    """``AGE-SECRET-KEY-1…``: an X25519 key of 32 octets."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._key = X25519PrivateKey.from_private_bytes(seed)
        self.recipient = ClassicRecipient(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> ClassicIdentity:
        return cls(os.urandom(SEED_SIZE))

    @property
    def public_key(self) -> str:
        return str(self.recipient)

    def secret(self) -> str:
        """The identity as it is written to its file. Nothing else may see it."""
        return bech32.encode(IDENTITY_PREFIX, self._seed)

    def unwrap(self, stanza: Stanza) -> bytearray | None:
        """The file key, or ``None`` if the stanza is for another. Raises HeaderFormError."""
        if stanza.kind != CLASSIC:
            return None
        share = _argument(stanza, X25519_SIZE)
        shared = _exchange(self._key, share)
        key = hkdf_sha256(shared, share + self.recipient.raw, CLASSIC_INFO)
        try:
            return bytearray(ChaCha20Poly1305(bytes(key)).decrypt(WRAP_NONCE, stanza.body, None))
        except InvalidTag:
            return None
        finally:
            wipe(key)


Identity = HybridIdentity | ClassicIdentity


def parse_identity(text: str) -> Identity:
    """One written identity. Raises SealError, which never repeats what was written."""
    prefix, seed = bech32.decode(text)
    if len(seed) == SEED_SIZE and prefix == HYBRID_IDENTITY_PREFIX:
        return HybridIdentity(seed)
    if len(seed) == SEED_SIZE and prefix == IDENTITY_PREFIX:
        return ClassicIdentity(seed)
    raise SealError("not an identity this program knows", "AGE-SECRET-KEY-PQ-1… is one")


def load_identities(path: Path) -> list[Identity]:
    """Reads a file of one or more identities, as age-keygen writes it; ``#`` lines are passed.

    Raises SealError, as ``path:line: reason``; also if anyone but the owner may touch the file.
    """
    found: list[Identity] = []
    for number, line in enumerate(_read_private(path).splitlines(), 1):
        written = line.strip()
        if not written or written.startswith("#"):
            continue
        try:
            found.append(parse_identity(written))
        except SealError as error:
            raise SealError(f"{path}:{number}: {error.what}", error.todo) from None
    if not found:
        raise SealError(f"{path}:1: no identity in it")
    return found


def write_identity(path: Path, identity: Identity) -> None:
    """Makes ``path``, mode 0600, in age-keygen's format; returns when it is on disk.

    Raises SealError, also if something is there already: an identity is never written over.
    """
    text = f"# public key: {identity.public_key}\n{identity.secret()}\n"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise SealError(
            f"{path} is there already", "no key is written over: name another"
        ) from None
    except OSError as error:
        raise SealError(f"{path}: cannot be made: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise SealError(f"{path}: cannot be written: {error.strerror}") from None


def unwrap_any(identities: Iterable[Identity], stanzas: Iterable[Stanza]) -> bytearray | None:
    """The file key from the first stanza that one of ``identities`` opens; else ``None``."""
    stanzas = tuple(stanzas)
    for identity in identities:
        for stanza in stanzas:
            if (file_key := identity.unwrap(stanza)) is not None:
                return file_key
    return None


def _argument(stanza: Stanza, size: int) -> bytes:
    """The stanza's one argument, decoded, once it and the body are of the lengths they must be.

    The body is measured before it is decrypted, against partitioning oracles (C2SP age).
    """
    try:
        (text,) = stanza.arguments
        argument = decode64(text.encode("ascii"))
    except ValueError:
        raise HeaderFormError(f"the header's {stanza.kind} stanza is malformed") from None
    if len(argument) != size or len(stanza.body) != _BODY_SIZE:
        raise HeaderFormError(f"the header's {stanza.kind} stanza has a wrong length")
    return argument


def _exchange(private: X25519PrivateKey, share: bytes) -> bytes:
    """X25519 (RFC 7748 §6.1), which refuses a share that makes the secret all zero."""
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(share))
    except ValueError:
        raise HeaderFormError("a stanza in the header has a share of low order") from None


def _read_private(path: Path) -> str:
    try:
        with path.open("rb") as file:
            _refuse_shared(path, os.fstat(file.fileno()).st_mode)
            data = file.read(_MAX_FILE_SIZE)
    except OSError as error:
        raise SealError(f"{path}: cannot be read: {error.strerror}") from None
    if data.startswith((b"age-encryption.org/", b"-----BEGIN AGE")):
        raise SealError(f"{path} is itself sealed by a passphrase", "open it first: age -d")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SealError(f"{path}:1: not a text file") from None


def _refuse_shared(path: Path, mode: int) -> None:
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SealError(f"{path} can be read or changed by others", f"chmod 600 {path}")
