"""What crosses from the hardware boundary to the rest: small frozen messages, no number.

Each of these could cross a socket. ``Part`` is one SMS-DELIVER after the boundary took its
address; ``ReplyToken`` stands for that address and can do one thing: be answered.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, NewType

ReplyToken = NewType("ReplyToken", str)
"""Eleven characters of the GSM alphabet. ``T…``: a subscriber, may be answered. ``A…``: an
alphanumeric or short-code sender, is never answered. Means something to one vault only."""

TOKEN_LENGTH = 11


def repliable(token: ReplyToken) -> bool:
    return token.startswith("T")


Encoding = Literal["gsm7", "ucs2", "8bit"]

PartKind = Literal["text", "waiting", "port", "silent", "sim"]
"""What a message is for, and so its fate. ``text``: a person wrote it; a tip, of whatever class.
``port``: for a program, by its port (WAP push, binaries); sealed as data. ``waiting``: an
indication of voicemail. ``silent``: a type 0 message, which a phone acknowledges and discards
(3GPP TS 23.040 §9.2.3.9). ``sim``: data for the SIM. The last three are deleted and counted."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a message lies on a modem: +CPMS storage name and index."""

    storage: str
    index: int


DIRECT = Slot("direct", 0)
"""The place of a message that was delivered directly (+CMT): it lies nowhere, and is
acknowledged (+CNMA) instead of deleted."""


@dataclass(frozen=True, slots=True)
class Concat:
    """The concatenation element of a user data header (3GPP TS 23.040 §9.2.3.24.1 and .8)."""

    ref: int
    total: int
    seq: int


@dataclass(frozen=True, slots=True)
class Part:
    """One received short message, whole or a part of one.

    ``text`` is decoded already, except for UCS-2 whose surrogates may be split between parts:
    join with :func:`tipline_gw.boundary.pdu.join`. ``data`` holds the user data without its
    header. ``received`` is the service centre's time stamp, ISO 8601 with offset.
    ``fingerprint`` is a digest under a key that lives in RAM and changes: it tells the same
    delivery twice, and nothing else.
    """

    sender: ReplyToken | None
    encoding: Encoding
    text: str
    data: bytes
    concat: Concat | None
    sms_class: int | None
    received: str | None
    fingerprint: bytes = b""
    kind: PartKind = "text"


@dataclass(frozen=True, slots=True)
class Undecodable:
    """A message that does not decode. ``data`` is the TPDU with its address octets zeroed."""

    sender: ReplyToken | None
    error: str
    data: bytes
    fingerprint: bytes = b""


def check_of(part: Part | Undecodable, salt: bytes) -> bytes:
    """Eight octets that tell whether a slot still holds the message that was taken from it.

    They cover what was said and when, not by whom, under the gateway's ``salt``: unlike a
    fingerprint they mean the same after a restart, and there is no number in them.
    """
    if isinstance(part, Undecodable):
        said = part.error
    else:
        said = f"{part.encoding} {part.concat} {part.received}"
    plain = f"{part.data.hex()} {said}".encode("utf-8", "replace")
    return hashlib.blake2s(plain, key=salt, digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class Stored:
    """+CMTI or +CDSI: a message came to lie in ``slot``."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class Pushed:
    """+CMT: a message delivered directly; the modem waits for its acknowledgement."""

    part: Part | Undecodable


@dataclass(frozen=True, slots=True)
class Ringing:
    """RING: a voice call on an SMS modem."""


Notice = Stored | Pushed | Ringing


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was sent: its parts in order, or the one that does not decode.

    ``total`` is how many parts it had; fewer in ``parts`` and it is partial.
    """

    modem: str
    sender: ReplyToken | None
    parts: tuple[Part, ...]
    undecodable: Undecodable | None = None
    total: int = 1

    @property
    def partial(self) -> bool:
        return self.undecodable is None and len(self.parts) < self.total
