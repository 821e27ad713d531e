"""An AT dialogue to attach to a bug report: what was said and when, without what it says.

Why it exists: a modem that misbehaves is far away, and what helps is its dialogue. What is told
here has passed the boundary and has tokens where numbers were; on top of that messages and USSD
answers are replaced by their shape, and so is every unnamed line that is not known to be harmless.
It refuses to write a run of digits that could name a person, a device or a SIM card, a PIN, a
time of day, the cell that the gateway is in, or anything that is not printable ASCII.

A line: milliseconds since the recording began, ``>>`` (to the modem) or ``<<``, what was said.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from tipline_gw.boundary import address, user_data
from tipline_gw.boundary.address import ALPHABET
from tipline_gw.boundary.octets import unhex
from tipline_gw.boundary.pdu import HAS_HEADER, STAMP, STATUS_REPORT, SUBMIT, Layout, locate
from tipline_gw.domain.sms import TOKEN_LENGTH, Notice, Part, Pushed, Stored, Undecodable
from tipline_gw.errors import PduError

MAX_OCTETS: Final = 10 * 1024 * 1024
MAX_LINE: Final = 200
HEADING: Final = "# AT dialogue, scrubbed. Time in ms, >> to the modem, << from it.\n"

_CTRL_Z: Final = b"\x1a"
_LAST: Final = "<the recording ends here: it is 10 MB long>"
_CUT: Final = "<cut>"
_FINAL: Final = re.compile(r"OK|ERROR|COMMAND NOT SUPPORT|\+CM[ES] ERROR: \d{1,4}|>")
_HEADER: Final = re.compile(r"(\+CMG[RL])\s*:\s*(.*)")
_PDU_MODE: Final = re.compile(r"\d{1,5}(?:,\d?){0,2},\d{1,3}")
_USSD: Final = re.compile(r'\+CUSD\s*:\s*(?:(\d)\s*,\s*"(.*)"\s*(?:(,\s*\d{1,3})\s*)?)?')
_USSD_SETTING: Final = re.compile(r"\+CUSD: ?[(]?[0-9](?:[-,][0-9]){0,2}[)]?")
_NAMED: Final = re.compile(r"[+^%$*#&!][A-Z][A-Z0-9]*\s*:")
_NAME: Final = re.compile(r"[+^%$*#&!][A-Z]{2,12}")
_UNSPOKEN: Final = re.compile(r"[^A-Za-z]*")
_IDENTIFIES: Final = re.compile(r"AT(?:I[0-9]*|\+C?G(?:MI|MM|MR|OI)|\+CLAC|\+GCAP)")
"""Commands whose answers have no name, and are about the modem."""

_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){4,}")
_PDU: Final = re.compile(rb"(?:[0-9A-Fa-f]{2}){5,}")
_TOKEN: Final = re.compile(
    rf"(?<![A-Za-z0-9])[TA][{ALPHABET}]{{{TOKEN_LENGTH - 1}}}(?![A-Za-z0-9])"
)
_DIGIT: Final = re.compile(r"[0-9]")
_REST: Final = r"(?!\s*\?)[^;]*"
_CODES: Final = re.compile(r"(\+CUSD\s*=\s*[0-9]\s*,\s*)(?:\"([^\"]*)\"?|([^,]*))")
_SECRET: Final = re.compile(
    rf"([+^%$*#!&](?=[A-Z]*(?:PIN|PUK|PWD|LCK|LOCK))[A-Z0-9]*\s*=){_REST}", re.IGNORECASE
)
_DIALLED: Final = re.compile(r"^(AT\s*D).+", re.IGNORECASE)
_CELL: Final = re.compile(r'(\+C(?:G|E|5G)?REG\s*:[^"]*).*')
_TIME: Final = re.compile(r"(?:[0-9]{2,4}[/-]){2}[0-9]{2}\s*(?:,\s*)?[0-9]{1,2}:[0-9]{2}[0-9:+\-]*")
_LONG_QUOTED: Final = re.compile(r'"([^"]{25,})(?:"|$)')
_SPOKEN_QUOTED: Final = re.compile(r'"([^"]*[a-z ][^"]*)(?:"|$)')
_HEX_RUN: Final = re.compile(r"[0-9A-Fa-f]{12,}")
_NUMBER: Final = re.compile(r"[0-9](?:[ \-?*#/_]{0,2}[0-9]){6,}")

# Elements of a user data header that are told; what else there is may have been made up.
_ELEMENTS: Final = frozenset((0x00, 0x01, 0x04, 0x05, 0x08, 0x23, 0x24, 0x25))
_VALIDITY: Final = (0, 7, 1, 7)
"""Octets of the validity period by its format (3GPP TS 23.040 §9.2.3.3)."""


class Recorder:
    """Told by a port, by one thread at a time. ``keep`` takes a line with its end; where it fails
    with OSError or ValueError, as a full disk or a closed file does, the recording is over."""

    def __init__(
        self, keep: Callable[[str], object], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._keep = keep
        self._now = now
        self._began = now()
        self._octets = 0
        self._over = False
        self._command = ""
        # What the lines of the answer are: "" (information), "message" or "ussd".
        self._inside = ""

    def said(self, data: bytes) -> None:
        """What the library wrote: a command line, a message with Ctrl-Z, an escape."""
        if data.endswith(_CTRL_Z):
            self._write(">>", _message(data[:-1]))
            return
        text = _ascii(data.strip(b"\r\n\x1b "))
        self._command = re.sub(r"\s", "", text).upper()
        self._inside = ""
        self._write(">>", _command(text) if text else "<escape>")

    def heard(self, line: bytes) -> None:
        """A line, or the prompt, that the library gets."""
        self._write("<<", self._shown(line.rstrip(b"\r\n ")))

    def dropped(self, why: str, name: bytes) -> None:
        """A line that the library does not get. ``name``: as in +CREG, empty if it has none."""
        plain = _ascii(name)
        named = f" {plain}" if _NAME.fullmatch(plain) else ""
        self._write("<<", f"<dropped{named}, {why}>")

    def noticed(self, notice: Notice) -> None:
        """An indication that became a notice."""
        self._write("<<", f"<notice, {_notice(notice)}>")

    def _shown(self, line: bytes) -> str:
        text = _ascii(line)
        if _FINAL.fullmatch(text):
            self._inside = ""
            return text
        if header := _HEADER.match(text):
            self._inside = "message"
            name, fields = header.groups()
            return f"{name}: {fields if _PDU_MODE.fullmatch(fields) else '<not in PDU mode>'}"
        if text.startswith("+CUSD"):
            self._inside = "ussd" if text.count('"') % 2 else ""
            return _ussd(text)
        if self._inside == "message":
            return _message(line)
        if self._inside == "ussd":
            self._inside = "" if text.count('"') % 2 else "ussd"
            return _text(text)
        return self._information(text)

    def _information(self, text: str) -> str:
        known = _NAMED.match(text) or _UNSPOKEN.fullmatch(text)
        if known or _IDENTIFIES.fullmatch(self._command):
            return _scrubbed(text)
        return _text(text)

    def _write(self, way: str, text: str) -> None:
        if self._over:
            return
        ms = int((self._now() - self._began) * 1000)
        line = f"{ms:>9} {way} {text if len(text) <= MAX_LINE else text[:MAX_LINE] + _CUT}\n"
        if self._octets == 0:
            line = HEADING + line
        self._octets += len(line)
        if self._octets > MAX_OCTETS - MAX_LINE:
            self._over = True
            line = f"{ms:>9} {_LAST}\n"
        try:
            self._keep(line)
        except (OSError, ValueError):
            self._over = True


def _ascii(data: bytes) -> str:
    """Up to the first octet that is not printable ASCII."""
    for index, octet in enumerate(data):
        if not 0x20 <= octet <= 0x7E:
            return data[:index].decode("ascii") + _CUT
    return data.decode("ascii")


def _text(text: str) -> str:
    if _HEX.fullmatch(text):
        return f"<hex, {len(text)} digits>"
    return f"<text, {len(text)} characters>"


def _masked(match: re.Match[str]) -> str:
    return _DIGIT.sub("#", match[0])


def _scrubbed(text: str) -> str:
    """Without tokens, times, the cell, long texts, and any run of digits or hex."""
    text = _TOKEN.sub(lambda m: "<subscriber>" if m[0][0] == "T" else "<sender>", text)
    text = _LONG_QUOTED.sub(lambda m: f'"{_text(m[1])}"', text)
    text = _CELL.sub(r"\1<cell>", text) if '"' in text else text
    text = _TIME.sub("<time>", text)
    text = _HEX_RUN.sub(lambda m: "#" * len(m[0]), text)
    return _NUMBER.sub(_masked, text)


def _command(text: str) -> str:
    """A command line, which an engineer may have typed: without PINs, codes and names, too."""
    text = _DIALLED.sub(r"\1<number>", text)
    text = _SECRET.sub(r"\1<secret>", text)
    text = _CODES.sub(lambda m: m[1] + _text(m[2] or m[3] or ""), text)
    return _scrubbed(_SPOKEN_QUOTED.sub(lambda m: f'"{_text(m[1])}"', text))


def _ussd(text: str) -> str:
    if _USSD_SETTING.fullmatch(text):
        return text
    match = _USSD.fullmatch(text)
    if match is None or match[1] is None:
        return f"+CUSD: {_text(text)}"
    return f"+CUSD: {match[1]},{_text(match[2])}{match[3] or ''}"


def _notice(notice: Notice) -> str:
    if isinstance(notice, Stored):
        return f"stored {_scrubbed(_ascii(notice.slot.storage.encode()))} {notice.slot.index}"
    if not isinstance(notice, Pushed):
        return "ringing"
    part = notice.part
    if isinstance(part, Undecodable):
        return f"direct, undecodable, {len(part.data)} octets"
    return f"direct, {part.encoding}{_place(part)}, {len(part.text)} characters"


def _place(content: Part | user_data.Content) -> str:
    return f", part {content.concat.seq}/{content.concat.total}" if content.concat else ""


# -- messages --------------------------------------------------------------------------------------


def _message(line: bytes) -> str:
    """What of a PDU line may be told: kind, sizes, coding, the elements of its header."""
    digits = line.strip()
    if not _PDU.fullmatch(digits):
        return _text(_ascii(digits))
    pdu = unhex(bytearray(digits))
    try:
        return _described(pdu, locate(pdu))
    except (PduError, IndexError):
        return f"<undecodable, {len(pdu)} octets>"


def _described(pdu: bytearray, layout: Layout) -> str:
    size = f"{len(pdu) - layout.tpdu} octets"
    if layout.kind == STATUS_REPORT:
        return f"<status report, {size}>"
    first, scheme = pdu[layout.tpdu], pdu[layout.end + 1]
    submit = layout.kind == SUBMIT
    at = layout.end + 2 + (_VALIDITY[first >> 3 & 3] if submit else STAMP)
    data, has_header = pdu[at + 1 :], bool(first & HAS_HEADER)
    content = user_data.read(scheme, pdu[at], data, has_header=has_header)
    kind = "submit to" if submit else "deliver from"
    elements = f", udh {_elements(data)}" if has_header else ""
    return (
        f"<{kind} {_who(pdu, layout)}, {size}, dcs {scheme:02x}{elements}"
        f"{_place(content)}, {len(content.text)} characters>"
    )


def _who(pdu: bytearray, layout: Layout) -> str:
    token = address.token_in(pdu[layout.address : layout.end])
    if token is None:
        return "nobody"
    return "<subscriber>" if token.startswith(address.SUBSCRIBER) else "<sender>"


def _elements(data: bytearray) -> str:
    """Identifiers of the header's elements (TS 23.040 §9.2.3.24), those that are known."""
    names, at, end = [], 1, data[0]
    while at < end:
        names.append(f"{data[at]:02x}" if data[at] in _ELEMENTS else "??")
        at += 2 + data[at + 1]
    return " ".join(names)
