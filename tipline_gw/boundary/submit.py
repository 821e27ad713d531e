"""A reply on its way out: the token in an SMS-SUBMIT gives way to the address it stands for.

3GPP TS 23.040 §9.2.2.2. The modem library encodes texts; this touches the destination address,
and clears the request for a status report, which the library always sets: a report would bring
the number back and leave it on the SIM. It refuses to send to anything but a token.
"""

from __future__ import annotations

from tipline_gw.boundary import address
from tipline_gw.boundary.pdu import SUBMIT, Layout, locate
from tipline_gw.domain.sms import ReplyToken
from tipline_gw.errors import PduError

_STATUS_REPORT_REQUEST = 0x20


def destination(pdu: bytes | bytearray) -> ReplyToken | None:
    """The token that an SMS-SUBMIT (SMSC field included) is addressed to, if it is one."""
    layout = _submit(pdu)
    return address.token_in(pdu[layout.address : layout.end])


def readdress(pdu: bytes | bytearray, field: bytearray) -> tuple[bytearray, int]:
    """The PDU for the address ``field``, and the length of its TPDU for ``AT+CMGS``.

    The caller wipes what it gets. Raises PduError if ``pdu`` is no SMS-SUBMIT.
    """
    layout = _submit(pdu)
    # Sized at once: a bytearray that grows may leave a copy behind.
    sized = bytearray(layout.address + len(field) + len(pdu) - layout.end)
    after = layout.address + len(field)
    sized[: layout.address] = pdu[: layout.address]
    sized[layout.address : after] = field
    sized[after:] = pdu[layout.end :]
    sized[layout.tpdu] &= ~_STATUS_REPORT_REQUEST & 0xFF
    return sized, len(sized) - layout.tpdu


def _submit(pdu: bytes | bytearray) -> Layout:
    layout = locate(pdu)
    if layout.kind != SUBMIT:
        raise PduError("not-a-submit")
    return layout
