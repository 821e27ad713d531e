"""Opens sealed files, for the reviewer: chunk by chunk, and what is there of a cut one.

Every chunk is given out only once it is authentic and in its place, and an error at the end says
whether the rest is missing or was altered. Whoever takes the chunks must therefore wait for the
end before calling the file whole. Armour and passphrases are refused: nothing here makes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tipline_gw.errors import OpenError
from tipline_gw.sealing.failures import HeaderFormError, NoMatchError, PayloadError
from tipline_gw.sealing.header import Stanza, read_header
from tipline_gw.sealing.identities import Identity, unwrap_any
from tipline_gw.sealing.secret import wipe
from tipline_gw.sealing.stream import NONCE_SIZE, SEALED_CHUNK_SIZE, chunk_nonce, payload_key

_SCRYPT = "scrypt"


class Sink(Protocol):
    """Where plaintext goes: anything with ``write``."""

    def write(self, data: bytes, /) -> object: ...


class Opener:
    """One sealed file being read from ``source``, which stands at its beginning.

    Making it reads the header and the nonce. Raises NotAnAgeFileError, HeaderFormError,
    NoMatchError or HeaderMacError, all of them OpenErrors.
    """

    def __init__(self, source: BinaryIO, identities: Sequence[Identity]) -> None:
        header = read_header(source)
        _refuse_mixed_passphrase(header.stanzas)
        file_key = unwrap_any(identities, header.stanzas)
        if file_key is None:
            raise NoMatchError("the file is not sealed to the identity given", "use its reviewer's")
        try:
            header.verify(file_key)
            self._key = payload_key(file_key, _nonce(source))
        finally:
            wipe(file_key)
        self._cipher: ChaCha20Poly1305 | None = ChaCha20Poly1305(self._key)
        self._source = source

    def chunks(self) -> Iterator[bytes]:
        """The plaintext, up to 64 KiB at a time; once only.

        Raises PayloadError after the last chunk that is whole, with ``truncated`` set if the
        file ends where a chunk, or the rest of one, should be.
        """
        if self._cipher is None:
            raise OpenError("this file was read already", "open it anew to read it again")
        try:
            yield from self._opened(self._cipher)
        finally:
            self._cipher = None
            wipe(self._key)

    def _opened(self, cipher: ChaCha20Poly1305) -> Iterator[bytes]:
        for counter in count():
            sealed = _read(self._source, SEALED_CHUNK_SIZE)
            if len(sealed) == SEALED_CHUNK_SIZE:
                plaintext = _decrypt(cipher, counter, sealed, final=False)
                if plaintext is not None:
                    yield plaintext
                    continue
            yield _last(cipher, counter, sealed)
            break
        if _read(self._source, 1):
            raise PayloadError("something follows the end of the sealed file", _KEEP)


def open_file(path: Path, identities: Sequence[Identity], sink: Sink) -> int:
    """Writes the plaintext of ``path`` to ``sink``; returns its octets. Raises OpenError.

    On an error ``sink`` holds every whole chunk that came before it.
    """
    written = 0
    try:
        source = path.open("rb")
    except OSError as error:
        raise OpenError(f"{path}: cannot be read: {error.strerror}") from None
    with source:
        for chunk in Opener(source, identities).chunks():
            sink.write(chunk)
            written += len(chunk)
    return written


_KEEP = "what was given out before this is authentic; the rest is lost"


def _last(cipher: ChaCha20Poly1305, counter: int, sealed: bytes) -> bytes:
    if not sealed:
        raise PayloadError(
            f"the sealed file is cut short: it ends after {counter} whole chunks",
            _KEEP,
            truncated=True,
        )
    plaintext = _decrypt(cipher, counter, sealed, final=True)
    if plaintext is None:
        raise _unopened(counter, whole=len(sealed) == SEALED_CHUNK_SIZE)
    if counter and not plaintext:
        raise PayloadError("the sealed file ends with an empty chunk, as none does", _KEEP)
    return plaintext


def _decrypt(cipher: ChaCha20Poly1305, counter: int, sealed: bytes, *, final: bool) -> bytes | None:
    try:
        return cipher.decrypt(chunk_nonce(counter, final=final), sealed, None)
    except InvalidTag:
        return None


def _unopened(counter: int, *, whole: bool) -> PayloadError:
    if whole:
        return PayloadError(f"chunk {counter} of the sealed file was altered", _KEEP)
    # A chunk cut anywhere looks the same as one of its size that was altered: no tag is left.
    return PayloadError(
        f"the sealed file is cut short (or its end was altered) after {counter} whole chunks",
        _KEEP,
        truncated=True,
    )


def _refuse_mixed_passphrase(stanzas: Sequence[Stanza]) -> None:
    """A passphrase stanza stands alone (C2SP age, "The scrypt recipient type")."""
    if len(stanzas) > 1 and any(stanza.kind == _SCRYPT for stanza in stanzas):
        raise HeaderFormError("the header mixes a passphrase with other recipients")


def _nonce(source: BinaryIO) -> bytes:
    nonce = _read(source, NONCE_SIZE)
    if len(nonce) < NONCE_SIZE:
        raise HeaderFormError(
            "the sealed file ends before its payload", "nothing of it can be opened", truncated=True
        )
    return nonce


def _read(source: BinaryIO, size: int) -> bytes:
    """``size`` octets, or what there is before the end; a pipe gives fewer at a time."""
    pieces = bytearray()
    try:
        while len(pieces) < size and (piece := source.read(size - len(pieces))):
            pieces += piece
    except OSError:
        raise OpenError("the sealed file cannot be read") from None
    return bytes(pieces)
