"""Short messages as a phone and a service centre write them (3GPP TS 23.038 and TS 23.040).

Why it exists: the virtual network behind the virtual modem must build what arrives and read what
the gateway sends. It is written apart from ``tipline_gw/boundary`` on purpose, so that the two
check one another; neither may import the other.

Part of the outside world (see :mod:`tipline_gw.demo.virtual_modem`): numbers exist here, because
here is where they come from. It refuses compressed text and knows no shift table but the Spanish
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tipline_gw.errors import PduError

Encoding = Literal["gsm7", "gsm7-es", "ucs2", "8bit"]

ESCAPE = 0x1B
DEFAULT_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""TS 23.038 §6.2.1, by septet."""

EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\",
    0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip
"""TS 23.038 §6.2.1.1: what follows an escape."""

SPANISH_SHIFT = EXTENSION | {
    0x09: "ç", 0x41: "Á", 0x49: "Í", 0x4F: "Ó", 0x55: "Ú",
    0x61: "á", 0x69: "í", 0x6F: "ó", 0x75: "ú",
}  # fmt: skip
"""TS 23.038 §A.2.2, the Spanish national language single shift table."""

SPANISH = 2
USER_DATA_OCTETS = 140
_IE_CONCAT_8, _IE_CONCAT_16, _IE_SINGLE_SHIFT = 0x00, 0x08, 0x24
_INTERNATIONAL, _UNKNOWN, _ALPHANUMERIC = 0x91, 0x81, 0xD0
_BCD = "0123456789*#abc"


def _septets_of(extension: dict[int, str]) -> dict[str, tuple[int, ...]]:
    table: dict[str, tuple[int, ...]] = {char: (ESCAPE, code) for code, char in extension.items()}
    for code, char in enumerate(DEFAULT_ALPHABET):
        if code != ESCAPE:
            table[char] = (code,)
    return table


_SEPTETS = _septets_of(EXTENSION)
_SPANISH_SEPTETS = _septets_of(SPANISH_SHIFT)


# -- septets -------------------------------------------------------------------------------------


def pack(septets: Sequence[int], fill: int = 0) -> bytes:
    """Septets, least significant bit first, after ``fill`` bits of padding (§6.1.2.1)."""
    value, shift = 0, fill
    for septet in septets:
        value |= septet << shift
        shift += 7
    return value.to_bytes((shift + 7) // 8, "little")


def septets(text: str) -> list[int]:
    """The text in the default alphabet and its extension. Raises PduError where it does not fit."""
    if not fits(text):
        raise PduError("the text does not fit that alphabet")
    return [septet for char in text for septet in _SEPTETS[char]]


def unpack(data: bytes, count: int, fill: int = 0) -> list[int]:
    value = int.from_bytes(data, "little") >> fill
    if count * 7 + fill > len(data) * 8:
        raise PduError("user data shorter than its length says")
    return [(value >> (7 * i)) & 0x7F for i in range(count)]


def text_of(septets: Sequence[int], extension: dict[int, str] = EXTENSION) -> str:
    """An escape before an unknown septet shows the default character (§6.2.1.1)."""
    out: list[str] = []
    escaped = False
    for septet in septets:
        if septet == ESCAPE and not escaped:
            escaped = True
            continue
        char = extension.get(septet) if escaped else None
        out.append(char or DEFAULT_ALPHABET[septet])
        escaped = False
    return "".join(out)


# -- addresses and time --------------------------------------------------------------------------


def _swapped(digits: str) -> bytes:
    padded = digits + "f" * (len(digits) % 2)
    return bytes.fromhex("".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2)))


def _is_number(address: str) -> bool:
    digits = address.removeprefix("+")
    return bool(digits) and all(char in "0123456789*#" for char in digits)


def address(value: str) -> bytes:
    """An address field (§9.1.2.5): ``+52…`` international, digits unknown, else alphanumeric."""
    if not _is_number(value):
        septets = [s for char in value for s in _SEPTETS.get(char, (0x3F,))][:11]
        return bytes([(len(septets) * 7 + 3) // 4, _ALPHANUMERIC]) + pack(septets)
    digits = value.removeprefix("+").replace("*", "a").replace("#", "b")
    if len(digits) > 20:
        raise PduError("an address of more than twenty digits")
    kind = _INTERNATIONAL if value.startswith("+") else _UNKNOWN
    return bytes([len(digits), kind]) + _swapped(digits)


def read_address(data: bytes, at: int) -> tuple[str, int]:
    """The address at ``at`` and where the next field begins."""
    if at + 2 > len(data):
        raise PduError("no room for an address")
    length, kind = data[at], data[at + 1]
    end = at + 2 + (length + 1) // 2
    body = data[at + 2 : end]
    if end > len(data) or length > 20:
        raise PduError("an address longer than its message")
    if kind & 0x70 == _ALPHANUMERIC & 0x70:
        return text_of(unpack(body, length * 4 // 7)), end
    nibbles = [n for octet in body for n in (octet & 0xF, octet >> 4)][:length]
    if 0xF in nibbles:
        raise PduError("a filler inside an address")
    digits = "".join(_BCD[n] for n in nibbles)
    return ("+" if kind & 0x70 == 0x10 else "") + digits, end


def service_centre(number: str) -> bytes:
    """The octets before the TPDU (3GPP TS 27.005 §3.1); one zero octet for none."""
    if not number:
        return b"\x00"
    field = address(number)[1:]
    return bytes([len(field)]) + field


def timestamp(moment: datetime) -> bytes:
    """Seven swapped octets, the last in quarters of an hour from GMT (§9.2.3.11)."""
    offset = moment.utcoffset()
    quarters = int(offset.total_seconds()) // 900 if offset else 0
    zone = f"{abs(quarters):02d}"
    octets = _swapped(moment.strftime("%y%m%d%H%M%S") + zone)
    return octets[:6] + bytes([octets[6] | (0x08 if quarters < 0 else 0)])


def read_timestamp(data: bytes) -> str:
    """``yy/MM/dd,hh:mm:ss±zz`` as text mode shows it."""
    pairs = [f"{octet & 0xF:x}{octet >> 4:x}" for octet in data[:6]]
    sign = "-" if data[6] & 0x08 else "+"
    zone = f"{data[6] & 0x7}{data[6] >> 4:x}"
    return "{}/{}/{},{}:{}:{}".format(*pairs) + sign + zone


# -- from the network: SMS-DELIVER and SMS-STATUS-REPORT -------------------------------------------


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody types into a phone, and how that phone will put it on the air.

    ``encoding`` ``None``: GSM-7 where it suffices, else UCS-2, as phones do. ``ref_bits``: 8 or
    16, the width of the concatenation reference. ``sms_class``: 0 to 3.
    """

    sender: str
    text: str
    encoding: Encoding | None = None
    sms_class: int | None = None
    ref: int = 0
    ref_bits: int = 8
    pid: int = 0


def fits(text: str, table: dict[str, tuple[int, ...]] = _SEPTETS) -> bool:
    return all(char in table for char in text)


def _units(letter: Letter, encoding: Encoding) -> list[bytes]:
    """The text as pieces that no part may cut: septet groups, UTF-16 units or octets.

    UTF-16 surrogates are cut where the part ends, as many phones do.
    """
    if encoding == "ucs2":
        raw = letter.text.encode("utf-16-be", "surrogatepass")
        return [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if encoding == "8bit":
        return [bytes([octet]) for octet in letter.text.encode("utf-8")]
    table = _SPANISH_SEPTETS if encoding == "gsm7-es" else _SEPTETS
    if not fits(letter.text, table):
        raise PduError("the text does not fit that alphabet")
    return [bytes(table[char]) for char in letter.text]


def _grouped(units: list[bytes], room: int) -> list[bytes]:
    groups, current = [], bytearray()
    for unit in units:
        if len(current) + len(unit) > room:
            groups.append(bytes(current))
            current = bytearray()
        current += unit
    return [*groups, bytes(current)]


def _room(header_octets: int, encoding: Encoding) -> int:
    """Septets or octets that fit beside a header of so many octets, its length octet included."""
    octets = USER_DATA_OCTETS - header_octets
    return octets * 8 // 7 if encoding.startswith("gsm7") else octets - octets % 2


def _concat(ref: int, bits: int, total: int, seq: int) -> bytes:
    if bits == 16:
        return bytes([_IE_CONCAT_16, 4, ref >> 8 & 0xFF, ref & 0xFF, total, seq])
    return bytes([_IE_CONCAT_8, 3, ref & 0xFF, total, seq])


def _user_data(header: bytes, body: bytes, encoding: Encoding) -> bytes:
    """UDL, header and body (§9.2.3.16, §9.2.3.24)."""
    full = bytes([len(header)]) + header if header else b""
    if not encoding.startswith("gsm7"):
        return bytes([len(full) + len(body)]) + full + body
    fill = -len(full) * 8 % 7
    septets = (len(full) * 8 + fill) // 7 + len(body)
    return bytes([septets]) + full + pack(body, fill)


def _coding(encoding: Encoding, sms_class: int | None) -> int:
    base = {"ucs2": 0x08, "8bit": 0x04}.get(encoding, 0x00)
    return base if sms_class is None else base | 0x10 | sms_class & 3


def deliver(letter: Letter, moment: datetime) -> list[bytes]:
    """SMS-DELIVER TPDUs (§9.2.2.1), one or as many as the text needs. Raises PduError."""
    encoding = letter.encoding or ("gsm7" if fits(letter.text) else "ucs2")
    shift = bytes([_IE_SINGLE_SHIFT, 1, SPANISH]) if encoding == "gsm7-es" else b""
    units = _units(letter, encoding)
    bodies = _grouped(units, _room(len(shift) + 1 if shift else 0, encoding))
    if len(bodies) > 1:
        ie_length = 6 if letter.ref_bits == 16 else 5
        bodies = _grouped(units, _room(1 + ie_length + len(shift), encoding))
    total = len(bodies)
    if total > 255:
        raise PduError("a text of more than 255 parts")
    fixed = bytes([letter.pid, _coding(encoding, letter.sms_class)]) + timestamp(moment)
    sender = address(letter.sender)
    tpdus = []
    for seq, body in enumerate(bodies, 1):
        header = _concat(letter.ref, letter.ref_bits, total, seq) if total > 1 else b""
        first = 0x04 | (0x40 if header or shift else 0)
        data = _user_data(header + shift, body, encoding)
        tpdus.append(bytes([first]) + sender + fixed + data)
    return tpdus


def status_report(reference: int, number: str, moment: datetime, status: int = 0) -> bytes:
    """SMS-STATUS-REPORT (§9.2.2.3); status 0: received by the other phone."""
    when = timestamp(moment)
    return bytes([0x06, reference]) + address(number) + when + when + bytes([status])


# -- read back: SMS-SUBMIT, and SMS-DELIVER for text mode ------------------------------------------


@dataclass(frozen=True, slots=True)
class Body:
    """User data as it was sent. ``data`` are UTF-16 octets for UCS-2: join before decoding."""

    encoding: Encoding
    text: str
    data: bytes
    concat: tuple[int, int, int] | None
    """Reference, total, sequence."""
    sms_class: int | None


@dataclass(frozen=True, slots=True)
class Submit:
    number: str
    body: Body
    reference: int
    wants_report: bool


@dataclass(frozen=True, slots=True)
class Deliver:
    sender: str
    received: str
    body: Body
    first: int
    pid: int
    dcs: int


def alphabet_of(dcs: int) -> tuple[Encoding, int | None]:
    """The alphabet and the class in a data coding scheme (TS 23.038 §4)."""
    group = dcs >> 4
    kinds: tuple[Encoding, ...] = ("gsm7", "8bit", "ucs2", "gsm7")
    if group < 8:
        if dcs & 0x20:
            raise PduError("compressed text")
        return kinds[dcs >> 2 & 3], dcs & 3 if dcs & 0x10 else None
    if group == 0xF:
        return ("8bit" if dcs & 4 else "gsm7"), dcs & 3
    return ("ucs2" if group == 0xE else "gsm7"), None


def _elements(header: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at + 2 <= len(header):
        end = at + 2 + header[at + 1]
        if end > len(header):
            raise PduError("an information element longer than its header")
        found[header[at]] = header[at + 2 : end]
        at = end
    return found


def _concat_of(elements: dict[int, bytes]) -> tuple[int, int, int] | None:
    if len(wide := elements.get(_IE_CONCAT_16, b"")) == 4:
        return wide[0] << 8 | wide[1], wide[2], wide[3]
    if len(narrow := elements.get(_IE_CONCAT_8, b"")) == 3:
        return narrow[0], narrow[1], narrow[2]
    return None


def _body(data: bytes, at: int, dcs: int, has_header: bool) -> Body:
    if at >= len(data):
        raise PduError("no user data length")
    length, user_data = data[at], data[at + 1 :]
    header_end = 1 + user_data[0] if has_header and user_data else 0
    if header_end > len(user_data) or len(user_data) > USER_DATA_OCTETS:
        raise PduError("user data that does not fit")
    elements = _elements(user_data[1:header_end])
    encoding, sms_class = alphabet_of(dcs)
    concat = _concat_of(elements)
    if encoding == "gsm7":
        fill = -header_end * 8 % 7
        count = length - (header_end * 8 + fill) // 7
        if (length * 7 + 7) // 8 != len(user_data) or count < 0:
            raise PduError("user data of another length than it says")
        spanish = elements.get(_IE_SINGLE_SHIFT) == bytes([SPANISH])
        septets = unpack(user_data[header_end:], count, fill)
        text = text_of(septets, SPANISH_SHIFT if spanish else EXTENSION)
        return Body("gsm7-es" if spanish else "gsm7", text, bytes(septets), concat, sms_class)
    if length != len(user_data):
        raise PduError("user data of another length than it says")
    rest = user_data[header_end:]
    text = rest.decode("utf-16-be" if encoding == "ucs2" else "latin-1", "replace")
    return Body(encoding, text, rest, concat, sms_class)


_VALIDITY_OCTETS = (0, 7, 1, 7)
"""By the two bits of the validity period format: none, enhanced, relative, absolute (§9.2.3.3)."""


def read_submit(tpdu: bytes) -> Submit:
    """SMS-SUBMIT (§9.2.2.2). Raises PduError."""
    if len(tpdu) < 7 or tpdu[0] & 3 != 1:
        raise PduError("no SMS-SUBMIT")
    number, at = read_address(tpdu, 2)
    after_validity = at + 2 + _VALIDITY_OCTETS[tpdu[0] >> 3 & 3]
    if after_validity >= len(tpdu):
        raise PduError("an SMS-SUBMIT that ends too early")
    body = _body(tpdu, after_validity, tpdu[at + 1], bool(tpdu[0] & 0x40))
    return Submit(number, body, tpdu[1], bool(tpdu[0] & 0x20))


def read_deliver(tpdu: bytes) -> Deliver:
    """SMS-DELIVER (§9.2.2.1). Raises PduError."""
    if len(tpdu) < 12 or tpdu[0] & 3 != 0:
        raise PduError("no SMS-DELIVER")
    sender, at = read_address(tpdu, 1)
    if at + 9 >= len(tpdu):
        raise PduError("an SMS-DELIVER that ends too early")
    body = _body(tpdu, at + 9, tpdu[at + 1], bool(tpdu[0] & 0x40))
    return Deliver(sender, read_timestamp(tpdu[at + 2 :]), body, tpdu[0], tpdu[at], tpdu[at + 1])


def split_service_centre(pdu: bytes) -> tuple[bytes, bytes]:
    """The service centre's octets and the TPDU. Raises PduError where nothing follows."""
    if not pdu or pdu[0] > 11 or 1 + pdu[0] >= len(pdu):
        raise PduError("a PDU that ends before its TPDU")
    return pdu[: 1 + pdu[0]], pdu[1 + pdu[0] :]


def is_status_report(pdu: bytes) -> bool:
    try:
        return split_service_centre(pdu)[1][0] & 3 == 2
    except PduError:
        return False


def class_of(pdu: bytes) -> int | None:
    """The class of an SMS-DELIVER; ``None`` also where it cannot be read."""
    try:
        _, message = split_service_centre(pdu)
        _, at = read_address(message, 1)
        return alphabet_of(message[at + 1])[1]
    except (PduError, IndexError):
        return None
