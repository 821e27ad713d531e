"""USSD at the virtual modem (3GPP TS 27.007 §7.15): one answer to every code, in its dialect.

Why it exists: the standard leaves the form of the string to the modem, and modems have taken three:
text, hex of packed GSM-7, hex of UCS-2. It refuses a code that did not come in its own.
"""

from __future__ import annotations

import re

from tipline_gw.demo import tpdu
from tipline_gw.demo.at_command import BAD_CHARACTERS, Command, CommandError
from tipline_gw.demo.at_device import Device
from tipline_gw.demo.at_general import Handler, quoted, registers
from tipline_gw.errors import PduError

_CR = "\r"
_CODE = re.compile(r"[0-9*#]+")


def _ussd(device: Device, command: Command) -> list[str]:
    if command.form != "set":
        return registers(device, command)
    values = command.values()
    registers(device, Command("+CUSD", "set", values[0]))
    if len(values) < 2 or not values[1]:
        return []
    device.need_sim()
    answer = _answer(device, values[1])
    if device.dialect.ussd.before_ok:
        return [answer]
    device.announce(answer)
    return []


def _answer(device: Device, code: str) -> str:
    dialect, said = device.dialect.ussd.dialect, device.modes.ussd
    if dialect is None:
        return f"+CUSD: 0,{quoted(device, said)},15"
    try:
        if not _CODE.fullmatch(_read(code, dialect)):
            raise CommandError("CME", BAD_CHARACTERS)
    except (ValueError, PduError):
        raise CommandError("CME", BAD_CHARACTERS) from None
    return _told(said, dialect)


def _read(code: str, dialect: str) -> str:
    if dialect == "plain":
        return code
    octets = bytes.fromhex(code)
    if dialect == "ucs2":
        return octets.decode("utf-16-be")
    return tpdu.text_of(tpdu.unpack(octets, len(octets) * 8 // 7)).rstrip(_CR)


def _told(said: str, dialect: str) -> str:
    if dialect == "plain":
        return f'+CUSD: 0,"{said}",15'
    if dialect == "ucs2":
        return f'+CUSD: 0,"{said.encode("utf-16-be").hex().upper()}",72'
    septets = tpdu.septets(said)
    # Seven spare bits would read as an @ (TS 23.038 §6.1.2.3.1).
    padded = [*septets, ord(_CR)] if len(septets) % 8 == 7 else septets
    return f'+CUSD: 0,"{tpdu.pack(padded).hex().upper()}",15'


USSD: dict[str, Handler] = {"+CUSD": _ussd}
