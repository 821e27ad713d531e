"""The reviewers' answer to a case: what is taken in, and how it is opened for who has the code.

It comes as an age file sealed to the tip's answer key and stays one; nothing here can look inside
until somebody gives the code, and then only in RAM. It refuses to take in what is not such a file
or is larger than a call should play, and to play what is no text or no sound.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from tipline_gw.domain.wav import RATE
from tipline_gw.errors import AnswerError, OpenError, PromptError
from tipline_gw.prompts import answers
from tipline_gw.prompts.catalogue import Catalogue
from tipline_gw.sealing.header import read_header
from tipline_gw.sealing.identities import HybridIdentity
from tipline_gw.sealing.opener import Opener
from tipline_gw.sealing.recipients import HYBRID
from tipline_gw.sealing.stream import NONCE_SIZE, SEALED_CHUNK_SIZE, TAG_SIZE

LONGEST_SECONDS = 180
"""As long as the longest tip: a caller does not listen for longer."""


class AnswerKind(StrEnum):
    """UTF-8 text, which is read aloud, or a WAV file."""

    TEXT = "text"
    SOUND = "sound"


LARGEST = {AnswerKind.TEXT: 16 << 10, AnswerKind.SOUND: 6 << 20}
"""Octets of the sealed file, header and all: the longest text and much padding; the longest sound
at 8 or 16 kHz, 16 bit, mono."""

ReadAloud = Callable[[str, str], bytes]
"""(text, language) → PCM. Raises TiplineError where nothing speaks that language."""


class Reader:
    """A :data:`ReadAloud` with the voices of the line's catalogues; the first of them for a
    language that is none of theirs."""

    def __init__(self, catalogues: Sequence[Catalogue]) -> None:
        self._catalogues = {catalogue.language: catalogue for catalogue in catalogues}

    def __call__(self, text: str, language: str) -> bytes:
        first = next(iter(self._catalogues.values()))
        return answers.speak(text, self._catalogues.get(language, first))


def admitted(sealed: bytes, kind: AnswerKind) -> tuple[bytes, list[bytes]]:
    """The file as the store keeps it: header and nonce, and the chunks. Raises AnswerError."""
    if len(sealed) > LARGEST[kind]:
        raise AnswerError(
            f"an answer is larger than {LARGEST[kind] >> 10} KiB when it is sealed",
            "shorten it, or record it at 8 kHz, 16 bit, mono",
        )
    start = _payload_start(sealed)
    offsets = range(start, len(sealed), SEALED_CHUNK_SIZE)
    chunks = [sealed[at : at + SEALED_CHUNK_SIZE] for at in offsets]
    if not chunks or len(chunks[-1]) <= TAG_SIZE:
        raise AnswerError("an answer is empty or cut short", "take it again from where it came")
    return sealed[:start], chunks


def _payload_start(sealed: bytes) -> int:
    source = io.BytesIO(sealed)
    try:
        header = read_header(source)
    except OpenError as error:
        raise AnswerError(f"an answer cannot be taken in: {error.what}", error.todo) from None
    if all(stanza.kind != HYBRID for stanza in header.stanzas):
        raise AnswerError(
            "an answer is sealed to no key as a code opens", "seal it to the tip's answer_to"
        )
    return source.tell() + NONCE_SIZE


def heard(
    sealed: Iterable[bytes],
    kind: AnswerKind,
    identity: HybridIdentity,
    read_aloud: Callable[[str], bytes],
) -> bytearray:
    """What a caller hears of it, as PCM. Raises AnswerError, or OpenError where it was sealed to
    another key or altered."""
    plain = bytearray()
    for piece in Opener(io.BytesIO(b"".join(sealed)), [identity]).chunks():
        plain += piece
    try:
        pcm = read_aloud(_text(plain)) if kind is AnswerKind.TEXT else _sound(bytes(plain))
    except PromptError as error:
        raise AnswerError(f"an answer cannot be played: {error.what}", error.todo) from None
    finally:
        plain[:] = bytes(len(plain))
    return bytearray(pcm)


def _text(plain: bytearray) -> str:
    try:
        return plain.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AnswerError("a written answer is not UTF-8 text", "write it as plain text") from None


def _sound(content: bytes) -> bytes:
    """At the telephone's rate as it is; at any other, resampled and made as loud as the prompts."""
    # Here and not above: the daemon loads numpy when an answer is first heard.
    import numpy as np

    from tipline_gw.prompts import shaping, wav

    recording = wav.parse(content)
    if len(recording.signal) > LONGEST_SECONDS * recording.rate:
        raise AnswerError(
            f"a recorded answer is longer than {LONGEST_SECONDS} s", "say it in fewer words"
        )
    if recording.rate != RATE:
        return shaping.recorded(recording.signal, recording.rate)
    full = np.iinfo(np.int16)
    return np.clip(np.rint(recording.signal * full.max), full.min, full.max).astype("<i2").tobytes()
