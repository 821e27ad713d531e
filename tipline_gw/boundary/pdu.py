"""SMS-DELIVER, decoded without ever building the address.

A PDU here is what AT commands give: the service centre's address, then the TPDU (3GPP TS 27.005
§3.1, TS 23.040 §9.2.2.1). The address fields are located to be stepped over, and nothing more. A
decoder's answer is always a value: a :class:`Part`, or an :class:`Undecodable` with one of the
constant words below; it refuses to raise on any input.

``not-hex`` · ``truncated`` · ``bad-address`` · ``bad-header`` · ``compressed`` ·
``status-report`` · ``not-received`` (a stored SMS-SUBMIT)

What a part is for (``kind``) is told by its protocol identifier, its coding scheme and its header:

* ``silent``: type 0 (§9.2.3.9), which a phone acknowledges and discards, whatever it says.
* ``sim``: (U)SIM data download, of class 2 as it must be; of another class it is a text.
* ``waiting``: the coding groups of TS 23.038 §4 and the header elements (§9.2.3.24.2 and .13) that
  say a voicemail or the like waits. The operator's, with or without a text, not a person's.
* ``port``: addressed to a program by its port (§9.2.3.24.3 and .4): WAP push, binaries. Data; of
  a WAP push zeroes, because the notice of an MMS has its sender's number.
* ``text``: everything else, of whatever class: people write class 0 (shown at once) and class 2
  (kept on the SIM) too.

Of an undecodable message ``data`` holds the TPDU with the address octets zeroed. Where the
address cannot be located, it holds only what lies beyond :data:`ADDRESS_REACH`, the last octet
that an address field of any valid PDU can reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import groupby

from tipline_gw.boundary import user_data
from tipline_gw.boundary.address import MAX_FIELD, field_end
from tipline_gw.boundary.octets import unhex, wipe
from tipline_gw.domain.sms import Encoding, Part, PartKind, ReplyToken, Undecodable
from tipline_gw.errors import PduError

DELIVER, SUBMIT, STATUS_REPORT, RESERVED = 0, 1, 2, 3
HAS_HEADER = 0x40
MAX_SMSC = 12
ADDRESS_REACH = MAX_SMSC + 2 + MAX_FIELD
"""SMSC field, first octet, message reference, address: 26 octets, each at its longest."""
STAMP = 7
_TYPE_0, _SIM_DOWNLOAD, _SIM_CLASS = 0x40, 0x7F, 2
_MAX_LINE = 1024
_CENTURY = 2000


@dataclass(frozen=True, slots=True)
class Layout:
    """Offsets in a PDU: where its TPDU begins, and the address field in it begins and ends."""

    tpdu: int
    address: int
    end: int
    kind: int


def locate(pdu: bytes | bytearray | memoryview, tpdu: int | None = None) -> Layout:
    """Find the address field. ``tpdu``: where the TPDU begins, if that is known otherwise.

    A reserved message type is read as SMS-DELIVER (TS 23.040 §9.2.3.1). Raises PduError.
    """
    start = _after_smsc(pdu) if tpdu is None else tpdu
    if start >= len(pdu):
        raise PduError("truncated")
    kind = pdu[start] & 3
    # SMS-SUBMIT and SMS-STATUS-REPORT have a message reference before the address.
    at = start + (2 if kind in (SUBMIT, STATUS_REPORT) else 1)
    return Layout(start, at, field_end(pdu, at), kind)


def _after_smsc(pdu: bytes | bytearray | memoryview) -> int:
    if not pdu:
        raise PduError("truncated")
    if pdu[0] >= MAX_SMSC:
        raise PduError("bad-address")
    return 1 + pdu[0]


def decode(
    pdu: bytes | bytearray, *, sender: ReplyToken | None = None, fingerprint: bytes = b""
) -> Part | Undecodable:
    """One PDU, SMSC field included. ``sender`` and ``fingerprint`` are handed through."""
    try:
        layout = locate(pdu)
    except PduError as error:
        return Undecodable(sender, error.what, bytes(pdu[ADDRESS_REACH:]), fingerprint)
    try:
        return _deliver(pdu, layout, sender, fingerprint)
    except PduError as error:
        return Undecodable(sender, error.what, _blanked(pdu, layout), fingerprint)


def decode_hex(
    line: str | bytes, *, sender: ReplyToken | None = None, fingerprint: bytes = b""
) -> Part | Undecodable:
    """One PDU as a line of hex digits, white space around it forgiven."""
    raw = line.encode("ascii", "replace") if isinstance(line, str) else line
    digits = bytearray(raw[:_MAX_LINE].strip())
    try:
        octets = unhex(digits)
    except PduError as error:
        return Undecodable(sender, error.what, b"", fingerprint)
    finally:
        wipe(digits)
    try:
        return decode(octets, sender=sender, fingerprint=fingerprint)
    finally:
        wipe(octets)


def _deliver(
    pdu: bytes | bytearray, layout: Layout, sender: ReplyToken | None, fingerprint: bytes
) -> Part:
    if layout.kind == STATUS_REPORT:
        raise PduError("status-report")
    if layout.kind == SUBMIT:
        raise PduError("not-received")
    # Behind the address: protocol identifier, coding scheme, time stamp, length.
    fixed = layout.end + 2 + STAMP + 1
    if fixed > len(pdu):
        raise PduError("truncated")
    content = user_data.read(
        pdu[layout.end + 1],
        pdu[fixed - 1],
        pdu[fixed:],
        has_header=bool(pdu[layout.tpdu] & HAS_HEADER),
    )
    return Part(
        sender=sender,
        encoding=content.encoding,
        text=content.text,
        data=content.data,
        concat=content.concat,
        sms_class=content.sms_class,
        received=_stamp(pdu[layout.end + 2 : fixed - 1]),
        fingerprint=fingerprint,
        kind=_kind(pdu[layout.end], content),
    )


def _kind(protocol: int, content: user_data.Content) -> PartKind:
    if protocol == _TYPE_0:
        return "silent"
    if protocol == _SIM_DOWNLOAD and content.sms_class == _SIM_CLASS:
        return "sim"
    if content.waiting:
        return "waiting"
    return "port" if content.port else "text"


def _blanked(pdu: bytes | bytearray, layout: Layout) -> bytes:
    """The TPDU with the address, and numbers that the user data may hold for programs, zeroed."""
    copy = bytearray(pdu)
    try:
        copy[layout.address : layout.end] = bytes(layout.end - layout.address)
        start = layout.end + 2 + STAMP + 1
        if layout.kind in (DELIVER, RESERVED) and copy[layout.tpdu] & HAS_HEADER:
            data = copy[start:]
            user_data.blank_numbers(data)
            copy[start:] = data
        return bytes(copy[layout.tpdu :])
    finally:
        wipe(copy)


def _stamp(octets: bytes | bytearray) -> str | None:
    """A service centre time stamp (TS 23.040 §9.2.3.11) as ISO 8601; ``None`` if it is no time."""
    # The sign of the zone is bit 3 of its first half octet.
    negative = octets[6] & 0x08
    swapped = [(octet & 0x0F, octet >> 4) for octet in octets[:6]]
    swapped.append((octets[6] & 0x07, octets[6] >> 4))
    if any(tens > 9 or units > 9 for tens, units in swapped):
        return None
    year, month, day, hour, minute, second, quarters = (10 * t + u for t, u in swapped)
    offset = timedelta(minutes=-15 * quarters if negative else 15 * quarters)
    try:
        zone = timezone(offset)
        moment = datetime(_CENTURY + year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return moment.isoformat()


def join(parts: Sequence[Part]) -> str:
    """The text of ``parts``, in the order given.

    UCS-2 is joined as octets first: phones split a long message anywhere, between the halves of
    an emoji too.
    """
    return "".join(_runs(parts))


def _runs(parts: Sequence[Part]) -> Iterator[str]:
    for encoding, run in groupby(parts, _encoding):
        if encoding == "ucs2":
            yield user_data.as_text(encoding, b"".join(part.data for part in run))
        else:
            yield from (part.text for part in run)


def _encoding(part: Part) -> Encoding:
    return part.encoding


def describe(part: Part | Undecodable) -> dict[str, object]:
    """What ``pdu decode`` prints: plain JSON values, never an address."""
    if isinstance(part, Undecodable):
        return {"error": part.error}
    concat = part.concat
    told: dict[str, object] = {
        "text": part.text,
        "encoding": part.encoding,
        "concat": concat and {"ref": concat.ref, "total": concat.total, "seq": concat.seq},
        "class": part.sms_class,
        "received": part.received,
    }
    if part.kind != "text":
        told["kind"] = part.kind
    return told
