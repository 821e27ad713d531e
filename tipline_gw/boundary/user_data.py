"""User data of a short message: coding scheme, user data header, text.

3GPP TS 23.038 §4 (data coding scheme) and TS 23.040 §9.2.3.16 and §9.2.3.24 (length and header).
It reads the header elements that change how a text is read and put together, sees of some that
they are there (ports, message waiting), and refuses the rest: what other elements carry (an
address to reply to, pictures) is not looked at. Nor is what a WAP push says: the notice of an MMS
is one, and has the number of who sent it in plain digits, perhaps half in the next part.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tipline_gw.boundary import gsm7
from tipline_gw.domain.sms import Concat, Encoding
from tipline_gw.errors import PduError

CONCAT_8, CONCAT_16, SINGLE_SHIFT, LOCKING_SHIFT = 0x00, 0x08, 0x24, 0x25
# Element and octets of its value: application ports (§9.2.3.24.3 and .4), message waiting (.2).
_PORTS = frozenset(((0x04, 2), (0x05, 4)))
_PORTS_16, _WAP_PUSH_PORTS = 0x05, frozenset((2948, 2949))
_SPECIAL_INDICATION = (0x01, 2)
_VOICE_MAIL = 0x23
_KEPT = frozenset((CONCAT_8, CONCAT_16, SINGLE_SHIFT, LOCKING_SHIFT))
_GENERAL: tuple[Encoding, ...] = ("gsm7", "8bit", "ucs2", "gsm7")
_MAX_GENERAL_GROUP = 0x7
_MESSAGE_WAITING = frozenset((0xC, 0xD, 0xE))
_MESSAGE_WAITING_UCS2, _DATA_CLASS = 0xE, 0xF


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a data coding scheme octet says. ``waiting``: that a voicemail or the like waits."""

    encoding: Encoding
    sms_class: int | None = None
    compressed: bool = False
    waiting: bool = False


@cache
def scheme(dcs: int) -> Scheme:
    """TS 23.038 §4, every group; reserved codings read as the default alphabet, as it asks."""
    group = dcs >> 4
    if group <= _MAX_GENERAL_GROUP:
        sms_class = dcs & 3 if dcs & 0x10 else None
        return Scheme(_GENERAL[dcs >> 2 & 3], sms_class, bool(dcs & 0x20))
    if group in _MESSAGE_WAITING:
        return Scheme("ucs2" if group == _MESSAGE_WAITING_UCS2 else "gsm7", waiting=True)
    if group == _DATA_CLASS:
        return Scheme("8bit" if dcs & 4 else "gsm7", dcs & 3)
    return Scheme("gsm7")


def size(dcs: int, length: int) -> int:
    """Octets of user data that a user data length stands for: septets, or octets."""
    kind = scheme(dcs)
    return (length * 7 + 7) // 8 if kind.encoding == "gsm7" and not kind.compressed else length


@dataclass(frozen=True, slots=True)
class Header:
    """What of a user data header matters here. ``size``: its octets, its length octet included.

    ``port``: it is for a program. ``push``: for the one that takes WAP pushes. ``waiting``: it says
    that a voicemail or the like waits.
    """

    size: int = 0
    concat: Concat | None = None
    locking: int = 0
    single: int = 0
    port: bool = False
    push: bool = False
    waiting: bool = False


_NO_HEADER = Header()


def header(data: bytes | bytearray) -> Header:
    """The header that ``data`` begins with. PduError if it is longer than the data.

    Elements that do not fit exactly make the whole header void, not the message
    (TS 23.040 §9.2.3.24); of an element that comes twice the last one counts.
    """
    if not data or data[0] + 1 > len(data):
        raise PduError("bad-header")
    concat: Concat | None = None
    locking = single = 0
    port = push = waiting = False
    for element, value in _elements(data, data[0] + 1):
        if element in (CONCAT_8, CONCAT_16):
            concat = _concat(element, value) or concat
        elif element == LOCKING_SHIFT and len(value) == 1:
            locking = value[0]
        elif element == SINGLE_SHIFT and len(value) == 1:
            single = value[0]
        elif (element, len(value)) in _PORTS:
            port, push = True, push or _is_push(element, value)
        elif element == _VOICE_MAIL or (element, len(value)) == _SPECIAL_INDICATION:
            waiting = True
    return Header(data[0] + 1, concat, locking, single, port, push, waiting)


def _elements(data: bytes | bytearray, end: int) -> list[tuple[int, bytes]]:
    found = _spans(data, end)
    return [] if found is None else [(data[at], bytes(data[at + 2 : to])) for at, to in found]


def _spans(data: bytes | bytearray | memoryview, end: int) -> list[tuple[int, int]] | None:
    """Where each element begins and ends; ``None`` if they do not fill the header exactly."""
    spans: list[tuple[int, int]] = []
    at = 1
    while at < end:
        if at + 2 > end or at + 2 + data[at + 1] > end:
            return None
        spans.append((at, at + 2 + data[at + 1]))
        at = spans[-1][1]
    return spans


def _concat(element: int, value: bytes) -> Concat | None:
    """TS 23.040 §9.2.3.24.1 and .8; impossible counts mean the element is to be ignored."""
    octets = 1 if element == CONCAT_8 else 2
    if len(value) != octets + 2:
        return None
    total, seq = value[-2:]
    return Concat(int.from_bytes(value[:octets], "big"), total, seq) if 0 < seq <= total else None


def _is_push(element: int, value: bytes) -> bool:
    """Destination and originator port, 16 bits each (TS 23.040 §9.2.3.24.4)."""
    ports = _PORTS_16, 4
    return (element, len(value)) == ports and int.from_bytes(value[:2], "big") in _WAP_PUSH_PORTS


def blank_numbers(data: bytearray | memoryview) -> None:
    """Zero, in place, every header element that :func:`header` does not read, and what a WAP push
    says.

    One of them is the reply address element (TS 23.040 §9.2.3.24.17), which holds a number.
    """
    if not data:
        return
    end = min(data[0] + 1, len(data))
    spans = _spans(data, end) if data[0] + 1 <= len(data) else None
    blanked = (
        [(1, end)] if spans is None else [(a + 2, b) for a, b in spans if data[a] not in _KEPT]
    )
    if any(_is_push(data[a], bytes(data[a + 2 : b])) for a, b in spans or ()):
        blanked.append((end, len(data)))
    for start, stop in blanked:
        data[start:stop] = bytes(stop - start)


@dataclass(frozen=True, slots=True)
class Content:
    """User data as read. ``data`` is without the header; septets stay packed behind fill bits.

    ``port`` and ``waiting``: what its header or coding scheme says it is for.
    """

    encoding: Encoding
    text: str
    data: bytes
    concat: Concat | None
    sms_class: int | None
    port: bool
    waiting: bool


def read(dcs: int, length: int, data: bytes | bytearray, *, has_header: bool) -> Content:
    """Read user data of ``length`` (TP-UDL). Octets behind it are not looked at; those of a WAP
    push read as zeroes.

    Raises PduError: compressed text, data shorter than its length, a header that overruns it.
    """
    kind = scheme(dcs)
    if kind.compressed:
        raise PduError("compressed")
    octets = size(dcs, length)
    if octets > len(data):
        raise PduError("truncated")
    head = header(data[:octets]) if has_header else _NO_HEADER
    if head.push:
        data = data[: head.size] + bytes(octets - head.size)
    body = bytes(data[head.size : octets])
    text = _septets(data, length, head) if kind.encoding == "gsm7" else as_text(kind.encoding, body)
    waiting = head.waiting or kind.waiting
    return Content(kind.encoding, text, body, head.concat, kind.sms_class, head.port, waiting)


def _septets(data: bytes | bytearray, length: int, head: Header) -> str:
    # Fill bits bring the text to a septet boundary counted from the start of the user data
    # (TS 23.040 §9.2.3.24), whatever the length of the header.
    first = (head.size * 8 + 6) // 7
    if first > length:
        raise PduError("bad-header")
    septets = gsm7.unpack(data, length)[first:]
    return gsm7.decode(septets, head.locking, head.single)


def as_text(encoding: Encoding, data: bytes) -> str:
    """UCS-2 is read as UTF-16, so that emoji come out whole; half a surrogate pair and half a
    character become U+FFFD. 8-bit data has no alphabet of its own: Latin-1 keeps every octet."""
    if encoding == "ucs2":
        return data.decode("utf-16-be", "replace")
    return data.decode("latin-1")
