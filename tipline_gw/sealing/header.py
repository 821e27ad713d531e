"""The textual header of an age file: stanzas and their MAC, written and read strictly.

It refuses whatever the grammar of the C2SP age specification ("ABNF definition of file header")
does not name: carriage returns, spare spaces, base64 that is padded or not canonical, a body
without its short last line, armour. It knows nothing of what is inside a stanza.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from tipline_gw.errors import OpenError
from tipline_gw.sealing.failures import HeaderFormError, HeaderMacError, NotAnAgeFileError
from tipline_gw.sealing.secret import hkdf_sha256, wipe

VERSION_LINE = b"age-encryption.org/v1\n"
_ANY_VERSION = b"age-encryption.org/"
_ARMOUR = b"-----BEGIN AGE"
_MARK = b"---"

COLUMNS = 64
"""A body is wrapped here; its last line is shorter, and may be empty."""

MAX_HEADER = 2 << 20
"""Octets of header read at most, so that a hostile file costs little memory. The recipients
that a file of one mebibyte can name (see recipients.py) make a shorter header than this."""

_ARGUMENT = re.compile(rb"[!-~]+")
_MAC_SIZE = 32


def encode64(data: bytes) -> bytes:
    """Base64 without padding (RFC 4648 §4)."""
    return base64.b64encode(data).rstrip(b"=")


def decode64(text: bytes) -> bytes:
    """The octets of unpadded canonical base64 (RFC 4648 §3.5). Raises ValueError for any other."""
    data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    if encode64(data) != text:
        raise ValueError("base64 is not canonical")
    return data


@dataclass(frozen=True, slots=True)
class Stanza:
    """One recipient stanza: ``kind`` is its first argument, ``arguments`` those after it."""

    kind: str
    arguments: tuple[str, ...]
    body: bytes

    def encode(self) -> bytes:
        text = encode64(self.body)
        # One line more than is full: the last is short, or empty (C2SP age, "Recipient stanza").
        lines = [text[at : at + COLUMNS] for at in range(0, len(text) + 1, COLUMNS)]
        first = " ".join(("->", self.kind, *self.arguments)).encode("ascii")
        return b"\n".join([first, *lines, b""])


@dataclass(frozen=True, slots=True)
class Header:
    """A header as read. ``covered``: the very octets its MAC is over, through the ``---``."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    covered: bytes

    def verify(self, file_key: bytearray) -> None:
        """Raises HeaderMacError unless the MAC was made with ``file_key``."""
        if not hmac.compare_digest(self.mac, _mac(file_key, self.covered)):
            raise HeaderMacError(
                "the header of the sealed file was altered", "take it again from where it came"
            )


def format_header(stanzas: Iterable[Stanza], file_key: bytearray) -> bytes:
    """The whole header, from the version line to the line feed after the MAC."""
    covered = VERSION_LINE + b"".join(stanza.encode() for stanza in stanzas) + _MARK
    return covered + b" " + encode64(_mac(file_key, covered)) + b"\n"


def read_header(source: BinaryIO) -> Header:
    """Reads ``source`` up to the payload's nonce.

    Raises NotAnAgeFileError, or HeaderFormError: with ``truncated`` if the file ends first.
    """
    lines = _Lines(source)
    lines.take_version()
    stanzas = []
    while (line := lines.take()).startswith(b"->"):
        stanzas.append(_stanza(line, lines))
    if not stanzas:
        raise _malformed("it names no recipient")
    mac = _mac_of(line)
    closing = len(line) + len(b"\n")
    return Header(tuple(stanzas), mac, bytes(lines.taken[:-closing]) + _MARK)


class _Lines:
    """Takes lines from the source, keeps what it took, and takes no more than MAX_HEADER."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.taken = bytearray()

    def take(self) -> bytes:
        """The next line, without its line feed."""
        line = self._read(MAX_HEADER - len(self.taken))
        self.taken += line
        if line.endswith(b"\n"):
            return line[:-1]
        if len(self.taken) >= MAX_HEADER:
            raise _malformed("it is longer than any this program reads")
        raise _cut_short()

    def take_version(self) -> None:
        line = self._read(len(VERSION_LINE))
        self.taken += line
        if line == VERSION_LINE:
            return
        if line and VERSION_LINE.startswith(line):
            raise _cut_short()
        if line.startswith(_ANY_VERSION):
            raise _malformed("its version is not v1")
        raise _not_age(line)

    def _read(self, limit: int) -> bytes:
        try:
            return self._source.readline(limit) or b""
        except OSError:
            raise OpenError("the sealed file cannot be read") from None


def _stanza(line: bytes, lines: _Lines) -> Stanza:
    if not line.startswith(b"-> "):
        raise _malformed("a stanza does not begin as one")
    words = line[3:].split(b" ")
    if not all(_ARGUMENT.fullmatch(word) for word in words):
        raise _malformed("a stanza has an empty argument, or a character it may not have")
    kind, *arguments = (word.decode("ascii") for word in words)
    return Stanza(kind, tuple(arguments), _body(lines))


def _body(lines: _Lines) -> bytes:
    text = bytearray()
    while True:
        line = lines.take()
        if len(line) > COLUMNS:
            raise _malformed("a stanza's line is too long")
        text += line
        if len(line) < COLUMNS:
            return _decoded(bytes(text))


def _mac_of(line: bytes) -> bytes:
    if not line.startswith(_MARK + b" "):
        raise _malformed("a stanza or the closing line does not begin as one")
    mac = _decoded(line[len(_MARK) + 1 :])
    if len(mac) != _MAC_SIZE:
        raise _malformed("its MAC is not of 32 octets")
    return mac


def _decoded(text: bytes) -> bytes:
    try:
        return decode64(text)
    except ValueError:
        raise _malformed("base64 in it is not canonical") from None


def _mac(file_key: bytearray, covered: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104) over ``covered`` (C2SP age, "Header MAC")."""
    key = hkdf_sha256(file_key, b"", b"header")
    try:
        return hmac.digest(key, covered, "sha256")
    finally:
        wipe(key)


def _malformed(reason: str) -> HeaderFormError:
    return HeaderFormError(f"the header of the sealed file is malformed: {reason}")


def _cut_short() -> HeaderFormError:
    return HeaderFormError(
        "the sealed file ends inside its header", "nothing of it can be opened", truncated=True
    )


def _not_age(line: bytes) -> NotAnAgeFileError:
    if not line:
        return NotAnAgeFileError("the file is empty")
    if line.startswith(_ARMOUR):
        return NotAnAgeFileError("the file is armoured", "only binary age files are read here")
    return NotAnAgeFileError(
        "not an age file", "see that it is the right one, and was copied as binary"
    )
