"""The payload's cipher: age's STREAM of 64 KiB chunks (C2SP age, "Payload").

Only the arithmetic that the writer and the opener share; no buffer and no I/O.
"""

from __future__ import annotations

from tipline_gw.sealing.secret import hkdf_sha256

CHUNK_SIZE = 64 * 1024
"""Octets of plaintext in every chunk but the last, which has 1 to this many (0: empty payload)."""

TAG_SIZE = 16
"""Octets that Poly1305 adds to each chunk (RFC 8439 §2.8)."""

SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE

NONCE_SIZE = 16
"""Octets of the payload's nonce, between header and first chunk."""

_COUNTER_SIZE = 11


def chunk_nonce(counter: int, *, final: bool) -> bytes:
    """12 octets: the chunk's number from zero, big-endian, then 1 for the final chunk."""
    return counter.to_bytes(_COUNTER_SIZE, "big") + (b"\x01" if final else b"\x00")


def payload_key(file_key: bytearray, nonce: bytes) -> bytearray:
    """32 octets, for the caller to wipe."""
    return hkdf_sha256(file_key, nonce, b"payload")
