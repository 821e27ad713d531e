"""Short-lived secrets in buffers that can be overwritten, and the one key derivation of age.

``bytes`` cannot be wiped, so what must not linger is a ``bytearray`` from its birth. What the
cryptography library keeps inside its own objects is beyond reach here; those are dropped.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_SIZE = 32
"""Octets of every key derived in age (C2SP age, "Conventions")."""

FILE_KEY_SIZE = 16
"""Octets of a file key: 128 bits (C2SP age, "File key")."""


def wipe(secret: bytearray | memoryview) -> None:
    """Overwrite ``secret`` with zeros in place; its length stays."""
    secret[:] = bytes(len(secret))


def new_file_key() -> bytearray:
    """16 octets from the system's generator, one set for each file (C2SP age, "File key")."""
    return bytearray(os.urandom(FILE_KEY_SIZE))


def hkdf_sha256(ikm: bytes | bytearray, salt: bytes, info: bytes) -> bytearray:
    """HKDF-SHA-256 (RFC 5869) to 32 octets, in a buffer the caller can :func:`wipe`."""
    key = bytearray(KEY_SIZE)
    HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=salt, info=info).derive_into(ikm, key)
    return key
