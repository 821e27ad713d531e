"""Seals a payload as it arrives: a standard age v1 file, handed on chunk by chunk.

Nothing of a tip is kept here but the chunk being filled, in one buffer that is overwritten as
soon as it is sealed. There is no way back: a sealer cannot open, and knows no identity. It does
no I/O and is used by one thread.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tipline_gw.errors import SealError
from tipline_gw.sealing.header import format_header
from tipline_gw.sealing.recipients import Recipients
from tipline_gw.sealing.secret import new_file_key, wipe
from tipline_gw.sealing.stream import CHUNK_SIZE, NONCE_SIZE, chunk_nonce, payload_key


class Sealer:
    """One sealed file under way: ``header + b"".join(chunks)`` is the file.

    ``header`` is everything before the first chunk: the age header and the payload's nonce of 16
    octets. It stands from the beginning, so that it can be committed first.
    """

    def __init__(self, recipients: Recipients) -> None:
        file_key = new_file_key()
        nonce = os.urandom(NONCE_SIZE)
        try:
            self.header = format_header(recipients.wrap(file_key), file_key) + nonce
            # Kept beside the cipher, which may refer to it rather than copy it.
            self._key = payload_key(file_key, nonce)
        finally:
            wipe(file_key)
        self._cipher: ChaCha20Poly1305 | None = ChaCha20Poly1305(self._key)
        self._buffer = memoryview(bytearray(CHUNK_SIZE))
        self._filled = 0
        self._counter = 0

    def write(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """Takes plaintext; gives the chunks it filled, 65,552 octets each, often none.

        A full chunk comes out when the first octet after it comes in: until then it may be the
        last, and the last is marked. Raises SealError after :meth:`finish` or :meth:`close`.
        """
        self._refuse_if_closed()
        rest = memoryview(data).cast("B")
        chunks = []
        while rest:
            if self._filled == CHUNK_SIZE:
                chunks.append(self._seal(final=False))
            end = min(CHUNK_SIZE, self._filled + len(rest))
            taken = end - self._filled
            self._buffer[self._filled : end] = rest[:taken]
            self._filled = end
            rest = rest[taken:]
        return chunks

    def finish(self) -> bytes:
        """The final chunk, 16 to 65,552 octets; the sealer is of no use after it."""
        self._refuse_if_closed()
        chunk = self._seal(final=True)
        self.close()
        return chunk

    def close(self) -> None:
        """Forget the key and what is not sealed yet. For an abandoned file; finish() does it."""
        wipe(self._buffer)
        wipe(self._key)
        self._cipher = None

    def _seal(self, *, final: bool) -> bytes:
        assert self._cipher is not None
        plaintext = self._buffer[: self._filled]
        nonce = chunk_nonce(self._counter, final=final)
        sealed = self._cipher.encrypt(nonce, plaintext, None)
        wipe(plaintext)
        self._filled = 0
        self._counter += 1
        return sealed

    def _refuse_if_closed(self) -> None:
        if self._cipher is None:
            raise SealError("this file is sealed to its end", "begin another")


def seal(recipients: Recipients, plaintext: bytes) -> tuple[bytes, list[bytes]]:
    """All at once: the header, as :attr:`Sealer.header`, and the chunks, at least one."""
    sealer = Sealer(recipients)
    chunks = sealer.write(plaintext)
    return sealer.header, [*chunks, sealer.finish()]
