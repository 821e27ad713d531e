"""What the virtual modem answers to everything that is not a message (V.250, 3GPP TS 27.007).

Why it exists: a gateway asks a modem a hundred questions before the first message. One small
function a command, a table at the end. What is not in the table is answered with ERROR, as a
modem does. Part of the outside world: the SIM's own number and those of callers are told here.
"""

from __future__ import annotations

from collections.abc import Callable

from tipline_gw.demo import tpdu
from tipline_gw.demo.at_command import (
    BAD_CHARACTERS,
    CMS_NOT_ALLOWED,
    INVALID_INDEX,
    NOT_ALLOWED,
    OUT_OF_RANGE,
    WRONG_PASSWORD,
    Command,
    CommandError,
)
from tipline_gw.demo.at_device import REGISTERS, Device
from tipline_gw.demo.virtual_network import now
from tipline_gw.demo.virtual_sim import Lock

Handler = Callable[[Device, Command], list[str]]

CHARSETS = ("GSM", "IRA", "UCS2", "HEX", "8859-1", "UTF-8")
PHONEBOOKS = ("SM", "ON", "RC", "MC", "LD")
OPERATOR = ("Red Virtual", "Virtual", "33403")
CELL = "0123", "00004567"
"""Location area and cell that +CREG: 2 reports."""


# -- shared by all rooms of the dialect ----------------------------------------------------------


def quoted(device: Device, text: str) -> str:
    """A string as +CSCS asks for it."""
    if device.charset == "UCS2":
        return f'"{text.encode("utf-16-be").hex().upper()}"'
    if device.charset == "HEX":
        return f'"{text.encode().hex().upper()}"'
    return f'"{text}"'


def unquoted(device: Device, value: str) -> str:
    """A string as the other side wrote it under +CSCS."""
    if device.charset not in ("UCS2", "HEX"):
        return value
    try:
        raw = bytes.fromhex(value)
        return raw.decode("utf-16-be" if device.charset == "UCS2" else "ascii")
    except ValueError:
        raise CommandError("CME", BAD_CHARACTERS) from None


def registers(device: Device, command: Command) -> list[str]:
    """Parameters that are only remembered: set, read and test, from one table of limits."""
    spec = REGISTERS[command.name]
    present = device.registers[command.name]
    if command.form == "test":
        return [f"{command.name}: " + ",".join(_offered(device, command.name))]
    if command.form == "read":
        return [f"{command.name}: " + ",".join(map(str, present))]
    wanted = command.numbers()
    if len(wanted) > len(spec):
        raise CommandError("CME", OUT_OF_RANGE)
    for (low, high, _), value in zip(spec, wanted, strict=False):
        if value is not None and not low <= value <= high:
            raise CommandError("CME", OUT_OF_RANGE)
    for offered, value in zip(_limits(device, command.name), wanted, strict=False):
        if value is not None and value not in offered:
            raise CommandError("CMS", CMS_NOT_ALLOWED)
    for at, value in enumerate(wanted):
        if value is not None:
            present[at] = value
    return []


def _limits(device: Device, name: str) -> tuple[list[int], ...]:
    """What the dialect allows of each field of a register; nothing where it has no say."""
    sms = device.dialect.sms
    return {"+CNMI": sms.indications, "+CSMS": (sms.csms,)}.get(name, ())


def _offered(device: Device, name: str) -> list[str]:
    if limits := _limits(device, name):
        return [f"({','.join(map(str, values))})" for values in limits]
    return [_span(low, high) for low, high, _ in REGISTERS[name]]


def _span(low: int, high: int) -> str:
    return f"({low},{high})" if high == low + 1 else f"({low}-{high})"


def basic_register(device: Device, command: Command) -> list[str]:
    """ATE, ATV, ATQ: no digit means 0 (V.250 §5.3.1)."""
    return registers(device, Command(command.name, "set", command.args or "0"))


def accept(_device: Device, _command: Command) -> list[str]:
    """Commands without any effect here: flow control, speaker, DTR and their like."""
    return []


def reset(device: Device, _command: Command) -> list[str]:
    device.reset()
    return []


# -- identity ------------------------------------------------------------------------------------


def _identity(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return []
    who = device.identity
    told = {"MI": who.manufacturer, "MM": who.model, "MR": who.revision, "SN": who.imei}
    return [told[command.name[-2:]]]


def _information(device: Device, _command: Command) -> list[str]:
    who = device.identity
    if device.dialect.identity.information:
        return [device.told(line) for line in device.dialect.identity.information]
    return [
        f"Manufacturer: {who.manufacturer}",
        f"Model: {who.model}",
        f"Revision: {who.revision}",
    ]


def _imsi(device: Device, command: Command) -> list[str]:
    device.need_sim()
    return [] if command.form == "test" else [device.identity.imsi]


def _iccid(device: Device, command: Command) -> list[str]:
    return [] if command.form == "test" else [f"{command.name}: {device.identity.iccid}"]


def _own_number(device: Device, command: Command) -> list[str]:
    device.need_sim()
    if command.form == "test" or not device.identity.number:
        return []
    return [f"+CNUM: {quoted(device, '')},{quoted(device, device.identity.number)},145"]


# -- SIM and network -----------------------------------------------------------------------------


def _pin(device: Device, command: Command) -> list[str]:
    sim = device.sim
    if command.form == "test":
        return []
    if device.modes.sim_missing:
        device.need_sim()
    if command.form == "read":
        return [f"+CPIN: {sim.lock}"]
    values = command.values()
    if sim.lock is Lock.READY or command.form != "set":
        raise CommandError("CME", NOT_ALLOWED)
    if sim.lock is Lock.PUK and len(values) != 2:
        device.need_sim()
    right = sim.unblock(*values) if sim.lock is Lock.PUK else sim.unlock(values[0])
    if not right:
        raise CommandError("CME", WRONG_PASSWORD)
    return []


def _facility_lock(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return ['+CLCK: ("SC")']
    if command.values()[:2] != ["SC", "2"]:
        raise CommandError("CME", NOT_ALLOWED)
    return [f"+CLCK: {int(device.sim.pin_set)}"]


def _functionality(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return ["+CFUN: (0,1,4),(0,1)"]
    if command.form == "read":
        return [f"+CFUN: {device.functional}"]
    wanted = command.numbers()
    if wanted[0] not in (0, 1, 4):
        raise CommandError("CME", OUT_OF_RANGE)
    if wanted[1:] == [1]:
        device.power_on()
    device.functional = wanted[0]
    return []


def _registration(device: Device, command: Command) -> list[str]:
    if command.form != "read":
        return registers(device, command)
    shown = device.register(command.name)
    usable = device.sim.lock is Lock.READY and not device.modes.sim_missing
    stat = device.modes.registration if usable else 0
    place = ',"{}","{}"'.format(*CELL) if shown == 2 and device.on_air else ""
    return [f"{command.name}: {shown},{stat if device.functional == 1 else 0}{place}"]


def _operator(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        names = ",".join(quoted(device, name) for name in OPERATOR)
        return [f"+COPS: (2,{names}),,(0-4),(0-2)"]
    if command.form == "read":
        if not device.on_air:
            return ["+COPS: 0"]
        name = OPERATOR[device.operator_format]
        return [f"+COPS: 0,{device.operator_format},{quoted(device, name)}"]
    values = command.values()
    if values[0] == "3" and len(values) > 1 and values[1] in ("0", "1", "2"):
        device.operator_format = int(values[1])
    return []


def _signal(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return ["+CSQ: (0-31,99),(99)"]
    return [f"+CSQ: {device.modes.signal if device.functional == 1 else 99},99"]


def _attached(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return ["+CGATT: (0,1)"]
    return [f"+CGATT: {int(device.on_air)}"] if command.form == "read" else []


def _battery(_device: Device, command: Command) -> list[str]:
    return ["+CBC: (0-2),(1-100)"] if command.form == "test" else ["+CBC: 0,100"]


def _clock(_device: Device, command: Command) -> list[str]:
    if command.form != "read":
        return []
    return [f'+CCLK: "{tpdu.read_timestamp(tpdu.timestamp(now()))}"']


def _charset(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return ["+CSCS: (" + ",".join(f'"{name}"' for name in CHARSETS) + ")"]
    if command.form == "read":
        return [f'+CSCS: "{device.charset}"']
    wanted = command.values()[0]
    if wanted not in CHARSETS:
        raise CommandError("CME", OUT_OF_RANGE)
    device.charset = wanted
    return []


# -- calls, call lists ---------------------------------------------------------------------


def _clip(device: Device, command: Command) -> list[str]:
    if command.form == "read":
        return [f"+CLIP: {device.register('+CLIP')},1"]
    return registers(device, command)


def _hang_up(device: Device, _command: Command) -> list[str]:
    device.hang_up()
    return []


def _answer(device: Device, _command: Command) -> list[str]:
    if device.call is None:
        raise CommandError("CME", NOT_ALLOWED)
    device.call.answered = True
    return []


def _dial(device: Device, _command: Command) -> list[str]:
    """No call goes out of this network."""
    device.need_sim()
    raise CommandError("CME", NOT_ALLOWED)


def _calls(device: Device, _command: Command) -> list[str]:
    call = device.call
    if call is None:
        return []
    kind = 145 if call.number.startswith("+") else 129
    return [f'+CLCC: 1,1,{0 if call.answered else 4},0,0,"{call.number}",{kind}']


def _phonebook(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return ["+CPBS: (" + ",".join(f'"{name}"' for name in PHONEBOOKS) + ")"]
    if command.form == "read":
        used = len(_entries(device))
        return [f'+CPBS: "{device.phonebook}",{used},{max(used, 50)}']
    wanted = command.values()[0]
    device.need_sim()
    if wanted not in PHONEBOOKS:
        raise CommandError("CME", OUT_OF_RANGE)
    device.phonebook = wanted
    return []


def _entries(device: Device) -> list[str]:
    if device.phonebook == "MC":
        return device.missed
    return [device.identity.number] if device.phonebook == "ON" and device.identity.number else []


def _read_phonebook(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return ["+CPBR: (1-50),40,16"]
    device.need_sim()
    wanted = [number or 0 for number in command.numbers()]
    entries = _entries(device)
    last = wanted[-1] if len(wanted) > 1 else wanted[0]
    return [
        f"+CPBR: {at},{quoted(device, entries[at - 1])},145,{quoted(device, '')}"
        for at in range(max(wanted[0], 1), min(last, len(entries)) + 1)
    ]


def _purge_calls(device: Device, command: Command) -> list[str]:
    """AT^SPBD, as Cinterion modems empty a call list."""
    if command.form == "test":
        return ['^SPBD: ("LD","MC","RC")']
    wanted = command.values()[0]
    if wanted not in ("LD", "MC", "RC"):
        raise CommandError("CME", INVALID_INDEX)
    if wanted == "MC":
        device.missed.clear()
    return []


GENERAL: dict[str, Handler] = {
    "Z": reset,
    "&F": reset,
    "I": _information,
    "H": _hang_up,
    "A": _answer,
    "D": _dial,
    "E": basic_register,
    "V": basic_register,
    "Q": basic_register,
    "+CGMI": _identity,
    "+CGMM": _identity,
    "+CGMR": _identity,
    "+CGSN": _identity,
    "+GMI": _identity,
    "+GMM": _identity,
    "+GMR": _identity,
    "+GSN": _identity,
    "+CIMI": _imsi,
    "+CCID": _iccid,
    "^ICCID": _iccid,
    "+CNUM": _own_number,
    "+CPIN": _pin,
    "+CLCK": _facility_lock,
    "+CFUN": _functionality,
    "+CREG": _registration,
    "+CGREG": _registration,
    "+CEREG": _registration,
    "+CGATT": _attached,
    "+COPS": _operator,
    "+CSQ": _signal,
    "+CBC": _battery,
    "+CCLK": _clock,
    "+CSCS": _charset,
    "+CLIP": _clip,
    "+CHUP": _hang_up,
    "+CLCC": _calls,
    "+CPBS": _phonebook,
    "+CPBR": _read_phonebook,
    "^SPBD": _purge_calls,
    **dict.fromkeys(("X", "M", "L", "T", "P", "&C", "&D", "&K", "&S", "&W", "\\Q"), accept),
    **dict.fromkeys(("+CMEE", "+CRC", "+CVHU", "+CSDH", "+CMMS", "+CCWA", "+COLP"), registers),
}
