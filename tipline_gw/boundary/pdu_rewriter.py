"""PDU lines on their way through the boundary: addresses out, tokens in, and back.

What comes out of here is a valid PDU that any decoder reads: the service centre empty, the
originating address an alphanumeric one that spells the token. It refuses to pass on what it
cannot place with certainty: a PDU whose length differs from its header's, or whose parts do not
add up to it, becomes one that decodes to "undecodable" and holds only what lies beyond the
reach of any address, or nothing where the line is not as long as its header says: another PDU may
have run into it.
"""

from __future__ import annotations

import binascii
import hashlib
import secrets

from tipline_gw.boundary import address, submit, user_data
from tipline_gw.boundary.octets import hexed, unhex, wipe
from tipline_gw.boundary.pdu import (
    ADDRESS_REACH,
    HAS_HEADER,
    STAMP,
    STATUS_REPORT,
    SUBMIT,
    Layout,
    decode,
    locate,
)
from tipline_gw.boundary.vault import Vault
from tipline_gw.domain.sms import Part, ReplyToken, Undecodable, repliable
from tipline_gw.errors import BoundaryError, PduError

_NO_SMSC = b"\x00"
# SMS-DELIVER whose address claims 255 digits: no decoder finds an address in it.
_UNLOCATABLE = bytes((0x00, 0x00, 0xFF))
# To and about nobody: what the gateway itself sent has a case code in its text.
_STORED_SUBMIT = bytes((0x00, SUBMIT, 0x00, 0x00, 0x81))
_SOME_REPORT = bytes((0x00, STATUS_REPORT, 0x00, 0x00, 0x81))
_REPORT_TAIL = 2 * STAMP + 1
_PADDING = 1
_MISFIT = "misfit"
_FINGERPRINT = 16
_CTRL_Z = b"\x1a"

Octets = bytes | bytearray | memoryview


class PduRewriter:
    """Rewrites PDU lines by one vault. ``key``: of the fingerprints; drawn when not given."""

    def __init__(self, vault: Vault, key: bytes | None = None) -> None:
        self._vault = vault
        self._key = key or secrets.token_bytes(32)

    def fingerprint(self, line: str | bytes) -> bytes:
        """A digest of a rewritten PDU line, 16 octets: the same delivery has the same one."""
        raw = line.encode("ascii", "replace") if isinstance(line, str) else line
        plain = raw.strip().upper()
        return hashlib.blake2s(plain, key=self._key, digest_size=_FINGERPRINT).digest()

    def part(self, line: str) -> Part | Undecodable:
        """Decode a rewritten PDU line, with the token that stands in it and its fingerprint."""
        fingerprint = self.fingerprint(line)
        octets = _octets(line)
        if octets is None:
            return Undecodable(None, "not-hex", b"", fingerprint)
        return decode(octets, sender=_token(octets), fingerprint=fingerprint)

    def received(
        self, line: bytearray | memoryview | None, length: int | None
    ) -> tuple[bytes, int]:
        """A PDU line from the modem, rewritten, and the length of its TPDU.

        ``length``: of the TPDU in octets as its header line has it (3GPP TS 27.005 §3.1);
        ``None`` where that could not be read, and for ``line`` where none came.
        """
        if line is None:
            return self._unlocatable(secrets.token_bytes(_FINGERPRINT), b"")
        try:
            octets = unhex(line)
        except PduError:
            return self._unlocatable(line, b"")
        try:
            return self._rewritten(octets, length)
        except PduError as error:
            tail = b"" if error.what == _MISFIT else _beyond_reach(octets, length)
            return self._unlocatable(line, tail)
        finally:
            wipe(octets)

    def _unlocatable(self, line: Octets, tail: bytes) -> tuple[bytes, int]:
        """A PDU that decodes to "bad-address" with ``tail`` as its data.

        In the reach of the address stands a keyed digest of what came, or two different messages
        that cannot be read would look like one delivered twice.
        """
        digest = hashlib.blake2s(line, key=self._key, digest_size=_FINGERPRINT).digest()
        filler = digest.ljust(ADDRESS_REACH - len(_UNLOCATABLE), b"\x00")
        return _line(_UNLOCATABLE + filler + tail)

    def _rewritten(self, octets: bytearray, length: int | None) -> tuple[bytes, int]:
        layout = locate(octets, _tpdu_start(octets, length))
        if layout.kind == SUBMIT:
            return _line(_STORED_SUBMIT)
        if layout.kind == STATUS_REPORT:
            return _line(_report(octets, layout))
        field = octets[layout.address : layout.end]
        try:
            token = self._vault.token(field)
            tail = _tail(octets, layout)
            head = bytes(octets[layout.tpdu : layout.address])
            line, size = _line(_NO_SMSC + head + address.token_field(token) + bytes(tail))
            self._vault.remember(field, self.fingerprint(line), token)
        finally:
            wipe(field)
        return line, size

    def outgoing(self, line: bytes) -> tuple[bytearray, int]:
        """An SMS-SUBMIT to a token as hex with the real address and Ctrl-Z, and its TPDU length.

        The caller wipes what it gets. Raises PduError if it is no SMS-SUBMIT, BoundaryError if
        its destination is no token, one that is never answered, or one that is forgotten.
        """
        pdu = bytes(unhex(bytearray(line.strip())))
        token = submit.destination(pdu)
        if token is None or not repliable(token):
            raise BoundaryError("a message is not addressed to a reply token", "it was not sent")
        with self._vault.address(token) as field:
            address.set_fill(field)
            real, length = submit.readdress(pdu, field)
        digits = hexed(real)
        try:
            return bytearray().join((digits, _CTRL_Z)), length
        finally:
            wipe(real)
            wipe(digits)


def sender(line: str) -> ReplyToken | None:
    """The token in a rewritten PDU line; ``None`` where there is none."""
    octets = _octets(line)
    return None if octets is None else _token(octets)


def _octets(line: str) -> bytes | None:
    """Of a rewritten line, in which no address is left to be wiped; ``None`` if it is not hex."""
    try:
        return binascii.a2b_hex(line.strip())
    except ValueError:
        return None


def _token(octets: bytes) -> ReplyToken | None:
    try:
        layout = locate(octets)
    except PduError:
        return None
    return address.token_in(octets[layout.address : layout.end])


def _beyond_reach(octets: bytearray, length: int | None) -> bytes:
    """Where octets are missing or too many, another PDU may have run in, its address anywhere."""
    fits = length is not None and octets and len(octets) in (length, length + 1 + octets[0])
    return bytes(octets[ADDRESS_REACH:]) if fits else b""


def _line(octets: bytes) -> tuple[bytes, int]:
    return octets.hex().upper().encode("ascii"), len(octets) - 1


def _tpdu_start(octets: bytearray, length: int | None) -> int:
    """Where the TPDU begins: the header's length and the SMSC field must agree on it.

    Old modems give no SMSC field at all; then the header's length is the whole.
    """
    if length is None or not octets:
        raise PduError("truncated")
    start = len(octets) - length
    if start not in (0, 1 + octets[0]):
        raise PduError("bad-address")
    return start


def _report(octets: bytearray, layout: Layout) -> bytes:
    if len(octets) < layout.end + _REPORT_TAIL:
        raise PduError("truncated")
    return _SOME_REPORT


def _tail(octets: bytearray, layout: Layout) -> bytearray:
    """What follows the address, to the end of the user data and not an octet further.

    The user data must end where the PDU does, or the address was not where it seemed to be. One
    octet too many is the padding that some senders put behind a multiple of eight characters.
    Numbers that the user data may hold for programs are zeroed in ``octets``.
    """
    fixed = layout.end + 2 + STAMP + 1
    if fixed > len(octets):
        raise PduError("truncated")
    if octets[layout.tpdu] & HAS_HEADER:
        # In place and first of all: of what does not fit something may be kept, too.
        with memoryview(octets)[fixed:] as data:
            user_data.blank_numbers(data)
    end = fixed + user_data.size(octets[layout.end + 1], octets[fixed - 1])
    if not end <= len(octets) <= end + _PADDING:
        raise PduError(_MISFIT if end < len(octets) else "truncated")
    return octets[layout.end : end]
