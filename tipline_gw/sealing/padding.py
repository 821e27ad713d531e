"""How much is added before sealing, so that a sealed size says little of what is inside.

age hides no lengths: a sealed file is as long as its plaintext and a known overhead. A text
shows only how many blocks of 512 octets it fills, a recording only how many chunks.
"""

from __future__ import annotations

from tipline_gw.sealing.stream import CHUNK_SIZE

TEXT_BLOCK = 512


def pad_text(document: bytes) -> bytes:
    """``document`` (JSON) and spaces up to a multiple of 512 octets, at least one block.

    A JSON text may be followed by white space (RFC 8259 §2), so no length has to be kept.
    """
    blocks = max(1, -(-len(document) // TEXT_BLOCK))
    return document.ljust(blocks * TEXT_BLOCK, b" ")


def recording_padding(length: int) -> int:
    """Octets of silence (zeros, in PCM) to append to a payload of ``length`` octets so far.

    ``length`` counts all that went into the sealer, a WAV header too; the sum fills whole chunks
    of 64 KiB. Even if ``length`` is, so 16-bit samples stay whole. Zero for an empty payload.
    """
    return -length % CHUNK_SIZE
