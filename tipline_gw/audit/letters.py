"""The texts of an audit: every kind that a modem can be handed, whole and broken.

Each has a sender of its own. Part of the outside world, as all that writes PDUs with numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from tipline_gw.demo import tpdu

CENTRE: Final = tpdu.service_centre("+526560000000")
FIRST: Final = len(CENTRE)
"""Where the TPDU begins: its first octet, then the address's length, kind and digits."""
LONG: Final = (
    "Hace tres noches que llega una camioneta sin placas a la casa de la esquina, siempre después "
    "de las once. Bajan a gente con los ojos vendados y se oyen gritos; la puerta es azul."
)

Spoil = Callable[[bytearray], bytearray]

WRITTEN: Final[dict[str, dict[str, Any]]] = {
    "a text": {"text": "Plain: a white truck at the school"},
    "a text with a shift table": {"text": "¿Lo vio? Ahí metían", "encoding": "gsm7-es"},
    "a long text, its parts shuffled": {"text": LONG, "shuffle": True},
    "a text in UCS-2": {"text": "Кто-то стреляет 😀", "encoding": "ucs2"},
    "a text of octets": {"text": "eight bits", "encoding": "8bit"},
    "a text of class 0": {"text": "Flash", "sms_class": 0},
    "a text sent twice": {"text": "Otra vez", "twice": True},
    "a text that asks for help": {"text": "AYUDA"},
}  # fmt: skip


def _put(at: int, value: int) -> Spoil:
    def spoil(pdu: bytearray) -> bytearray:
        pdu[at] = value
        return pdu

    return spoil


def _with_reply_address(pdu: bytearray) -> bytearray:
    """A header element 0x22 with the sender's number (3GPP TS 23.040 §9.2.3.24.16)."""
    address = bytes(pdu[FIRST + 1 : FIRST + 9])
    pdu[FIRST] |= 0x40
    header = bytes([len(address) + 2, 0x22, len(address)]) + address
    fixed = FIRST + 9
    pdu[fixed + 1] = 0x04  # 8 bit, so that octets are octets
    pdu[fixed + 9 :] = bytes([len(header) + 4]) + header + b"hola"
    return pdu


def _as_submitted(pdu: bytearray) -> bytearray:
    """What a phone sends, as some store it: a reference before the address, no time."""
    kind, address, coding = bytes([0x01, 0x05]), pdu[FIRST + 1 : FIRST + 9], pdu[FIRST + 9 :]
    return pdu[:FIRST] + kind + address + coding[:2] + coding[9:]


SPOILED: Final[dict[str, Spoil]] = {
    "an address of 200 digits": _put(FIRST + 1, 200),
    "an address said to be shorter": _put(FIRST + 1, 2),
    "an address said to be empty": _put(FIRST + 1, 0),
    "an alphanumeric kind": _put(FIRST + 2, 0xD0),
    "a service centre too long": _put(0, 0xFF),
    "a service centre that reaches into the address": _put(0, 9),
    "cut behind the address": lambda pdu: pdu[: FIRST + 9],
    "cut in the address": lambda pdu: pdu[: FIRST + 6],
    "a header where there is text": _put(FIRST, 0x40),
    "compressed": _put(FIRST + 10, 0x20),
    "a reserved type": _put(FIRST, 0x03),
    "a number in its header": _with_reply_address,
    "as it was submitted": _as_submitted,
}
"""Malformed and truncated PDUs, by what is wrong with them."""


def spoiled(sender: str, spoil: Spoil) -> str:
    return spoil(bytearray(CENTRE + _deliver(sender, "Una bodega sin ventanas"))).hex()


def delivered(sender: str, text: str) -> tuple[int, str]:
    """Length of the TPDU in octets, as +CMT announces it, and the PDU in hex."""
    whole = _deliver(sender, text)
    return len(whole), (CENTRE + whole).hex().upper()


def _deliver(sender: str, text: str) -> bytes:
    letter = tpdu.Letter(sender=sender, text=text, encoding="gsm7")
    return tpdu.deliver(letter, datetime.now(UTC))[0]


def report(receiver: str, reference: int = 9) -> tuple[int, str]:
    """A status report that names who received what was sent."""
    whole = tpdu.status_report(reference, receiver, datetime.now(UTC))
    return len(whole), (CENTRE + whole).hex().upper()


def unasked(caller: str, sender: str) -> Iterator[str]:
    """Lines that no modem should say, because it was told not to; some do."""
    length, pdu = delivered(sender, "directo")
    report_length, report_pdu = report(sender)
    yield from ("RING", f'+CLIP: "{caller}",145,"",,"",0')
    yield from ("+CRING: VOICE", f'+CLCC: 1,1,4,0,0,"{caller}",145')
    yield f'+CCWA: "{caller}",145,1'
    yield from (f"+CMT: ,{length}", pdu)
    yield from (f"+CDS: {report_length}", report_pdu)
    yield from (f'+CUSD: 0,"Recarga de {sender}",15', f"^NUEVO:{caller}")
    yield f'+CPBR: 1,"{caller}",145,"Juan"'
    yield f'+CNUM: "","{sender}",145'
