"""Builders of PDUs and of AT traffic for tests, written from the specification.

An encoder of its own (3GPP TS 23.040 §9.2.2), so that the decoder is not checked against itself;
of the package it uses the alphabets alone, which golden vectors check.
"""

from __future__ import annotations

from collections.abc import Iterable

from tipline_gw.boundary import gsm7

NUMBER = "526561234567"
"""International, as a caller of the line has it; twelve digits."""
NATIONAL = "6561234567"
SMSC = "5291234500"
STAMP = "62301141030400"
"""2026-03-11 14:30:40 +00:00, nibbles swapped."""


def swapped(digits: str) -> str:
    """Semi-octets: pairs of digits the other way round, F behind an odd one."""
    padded = digits + "F" * (len(digits) % 2)
    return "".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2))


def address(number: str, toa: str = "91") -> str:
    return f"{len(number):02X}{toa}{swapped(number)}"


def alphanumeric(name: str) -> str:
    packed = pack([gsm7.DEFAULT.index(letter) for letter in name])
    return f"{(len(name) * 7 + 3) // 4:02X}D0{packed.hex().upper()}"


def smsc_field(number: str = SMSC) -> str:
    digits = swapped(number)
    return f"{1 + len(digits) // 2:02X}91{digits}"


def septets(text: str, locking: int = 0, single: int = 0) -> list[int]:
    """One code for a character of the main table, an escape and a code for one of the other."""
    table = gsm7.LOCKING.get(locking, gsm7.DEFAULT)
    shifted = {char: code for code, char in gsm7.SINGLE.get(single, gsm7.EXTENSION).items()}
    codes: list[int] = []
    for char in text:
        at = table.find(char)
        codes += [at] if at >= 0 and at != gsm7.ESCAPE else [gsm7.ESCAPE, shifted[char]]
    return codes


def pack(codes: Iterable[int], fill_bits: int = 0) -> bytes:
    """Bit by bit, as the figure in TS 23.038 §6.1.2.1.1 draws it."""
    bits = [0] * fill_bits
    for code in codes:
        bits += [code >> n & 1 for n in range(7)]
    bits += [0] * (-len(bits) % 8)
    return bytes(
        sum(bit << n for n, bit in enumerate(bits[i : i + 8])) for i in range(0, len(bits), 8)
    )


def element(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value))) + value


def concat(ref: int, total: int, seq: int, *, wide: bool = False) -> bytes:
    if wide:
        return element(0x08, ref.to_bytes(2, "big") + bytes((total, seq)))
    return element(0x00, bytes((ref, total, seq)))


def user_data(
    text: str | bytes,
    encoding: str = "gsm7",
    header: bytes = b"",
    locking: int = 0,
    single: int = 0,
) -> tuple[int, bytes]:
    """TP-UDL and TP-UD. ``header``: information elements, without their length octet."""
    head = bytes((len(header),)) + header if header else b""
    if encoding == "gsm7":
        assert isinstance(text, str)
        codes = septets(text, locking, single)
        fill = -len(head) * 8 % 7
        return (len(head) * 8 + fill) // 7 + len(codes), head + pack(codes, fill)
    if isinstance(text, str):
        text = text.encode("utf-16-be" if encoding == "ucs2" else "latin-1", "surrogatepass")
    return len(head) + len(text), head + text


def deliver(
    text: str | bytes = "hola",
    *,
    sender: str | None = None,
    encoding: str = "gsm7",
    dcs: int | None = None,
    header: bytes = b"",
    locking: int = 0,
    single: int = 0,
    stamp: str = STAMP,
    smsc: str | None = None,
    length: int | None = None,
    first: int = 0x04,
    pid: int = 0,
) -> str:
    """An SMS-DELIVER with its SMSC field, as hex."""
    if dcs is None:
        dcs = {"gsm7": 0x00, "8bit": 0x04, "ucs2": 0x08}[encoding]
    udl, data = user_data(text, encoding, header, locking, single)
    first |= 0x40 if header else 0
    field = address(NUMBER) if sender is None else sender
    smsc = smsc_field() if smsc is None else smsc
    udl = udl if length is None else length
    return f"{smsc}{first:02X}{field}{pid:02X}{dcs:02X}{stamp}{udl:02X}{data.hex().upper()}"


def status_report(number: str = NUMBER) -> str:
    return f"{smsc_field()}0617{address(number)}{STAMP}{STAMP}00"


def submit(text: str = "hola", number: str = NUMBER, smsc: str = "00", first: int = 0x21) -> str:
    udl, data = user_data(text)
    return f"{smsc}{first:02X}00{address(number)}0000{udl:02X}{data.hex().upper()}"


def tpdu_length(pdu: str) -> int:
    return len(pdu) // 2 - 1 - int(pdu[:2], 16)


def listed(index: int, pdu: str, name: str = "") -> bytes:
    """A +CMGL entry, header and PDU, as a modem says it."""
    return f'\r\n+CMGL: {index},0,"{name}",{tpdu_length(pdu)}\r\n{pdu}'.encode()


def read(pdu: str, name: str = "") -> bytes:
    """The answer to +CMGR."""
    return f'\r\n+CMGR: 0,"{name}",{tpdu_length(pdu)}\r\n{pdu}\r\n\r\nOK\r\n'.encode()


def traces(number: str = NUMBER) -> list[bytes]:
    """Every form in which ``number`` could be found: plain, nibbles swapped, UTF-16, as hex."""
    tail = number[-10:]
    bcd = [swapped(number), swapped(tail), swapped(tail[1:] + "F")[:8], swapped(tail[1:9])]
    wide = tail.encode("utf-16-be")
    found = [tail.encode(), wide, wide.hex().upper().encode(), wide.hex().encode()]
    for form in bcd:
        found += [form.encode(), form.lower().encode(), bytes.fromhex(form)]
    return found


def assert_no_trace(blob: bytes | str, number: str = NUMBER) -> None:
    raw = blob.encode("utf-8", "replace") if isinstance(blob, str) else blob
    for form in traces(number):
        assert form not in raw, f"the number is there as {form[:2]!r}…"
