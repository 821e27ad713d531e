"""The short message commands of the virtual modem (3GPP TS 27.005).

Why it exists: listing, reading, deleting and sending are what a gateway lives on, so they answer
as real modems do, the faults asked for included. PDU mode whole; text mode as far as gateways
touch it. Part of the outside world: destination numbers are read here and told to the network.
"""

from __future__ import annotations

from functools import partial

from tipline_gw.demo import tpdu
from tipline_gw.demo.at_command import (
    CMS_INVALID_INDEX,
    CMS_INVALID_PDU,
    CMS_INVALID_TEXT,
    CMS_MEMORY_FULL,
    CMS_NO_NETWORK,
    CMS_NOT_ALLOWED,
    CMS_NOT_SUPPORTED,
    Command,
    CommandError,
)
from tipline_gw.demo.at_device import Device, Prompt, shown
from tipline_gw.demo.at_general import Handler, quoted, registers, unquoted
from tipline_gw.demo.virtual_sim import Message, Status, Storage
from tipline_gw.errors import PduError

TEXT_STATUS = ("REC UNREAD", "REC READ", "STO UNSENT", "STO SENT")
ALL = 4


# -- settings ------------------------------------------------------------------------------------


def _indications(device: Device, command: Command) -> list[str]:
    if command.form == "set":
        device.need_sim(messages=True)
        _check_direct(device, command)
    return registers(device, command)


def _check_direct(device: Device, command: Command) -> None:
    """Some give messages directly only to those who promised to acknowledge them."""
    target = [*command.numbers(), None, None][1]
    if device.dialect.sms.direct_needs_csms and target in (2, 3) and not device.register("+CSMS"):
        raise CommandError("CMS", CMS_NOT_ALLOWED)


def _service(device: Device, command: Command) -> list[str]:
    if command.form == "set":
        registers(device, command)
        return ["+CSMS: 1,1,1"]
    if command.form == "read":
        return [f"+CSMS: {device.register('+CSMS')},1,1,1"]
    return registers(device, command)


def _service_centre(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return []
    device.need_sim(messages=True)
    if command.form == "read":
        kind = 145 if device.service_centre.startswith("+") else 129
        return [f"+CSCA: {quoted(device, device.service_centre)},{kind}"]
    device.service_centre = unquoted(device, command.values()[0])
    return []


def _memories(device: Device, command: Command) -> list[str]:
    """+CPMS. SR holds reports only: it is read from, never written to or received into."""
    names = list(device.sim.storages)
    if command.form == "test":
        every = ",".join(f'"{name}"' for name in names)
        for_messages = ",".join(f'"{name}"' for name in names if name != "SR")
        return [f"+CPMS: ({every}),({for_messages}),({for_messages})"]
    device.need_sim(messages=True)
    if command.form == "read":
        fills = [f'"{name}",{_fill(device.sim.storages[name])}' for name in device.memories]
        return ["+CPMS: " + ",".join(fills)]
    wanted = [value or device.memories[at] for at, value in enumerate(command.values()[:3])]
    if any(name not in names for name in wanted) or "SR" in wanted[1:]:
        raise CommandError("CMS", CMS_NOT_SUPPORTED)
    device.memories[: len(wanted)] = wanted
    return ["+CPMS: " + ",".join(_fill(device.storage(which)) for which in range(3))]


def _fill(storage: Storage) -> str:
    return f"{storage.used},{storage.total}"


# -- listing, reading, deleting ------------------------------------------------------------------


def _wanted_status(device: Device, command: Command) -> int:
    value = command.values()[0] if command.form == "set" else ""
    if device.text_mode:
        words = (*TEXT_STATUS, "ALL")
        if value and value not in words:
            raise CommandError("CMS", CMS_INVALID_TEXT)
        return words.index(value) if value else Status.UNREAD
    if value not in ("", "0", "1", "2", "3", "4"):
        raise CommandError("CMS", CMS_INVALID_PDU)
    return int(value or 0)


def _list(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        words = ",".join(f'"{word}"' for word in (*TEXT_STATUS, "ALL"))
        return [f"+CMGL: ({words})" if device.text_mode else "+CMGL: (0-4)"]
    device.need_sim(messages=True)
    wanted = _wanted_status(device, command)
    lines: list[str] = []
    for index, message in device.storage(0).items():
        if wanted in (ALL, message.status):
            lines += _told(device, message, f"+CMGL: {index},", index)
    return lines


def _read(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return []
    device.need_sim(messages=True)
    (index,) = (command.numbers() or [None])[:1]
    return _told(device, device.stored(index), "+CMGR: ")


def _told(device: Device, message: Message, head: str, index: int | None = None) -> list[str]:
    """Header and body of one message, which is read from now on."""
    status = message.status
    if status is Status.UNREAD:
        message.status = Status.READ
    if device.text_mode:
        try:
            return _told_as_text(device, message, status, head)
        except PduError:
            raise CommandError("CMS", CMS_NOT_SUPPORTED) from None
    sms = device.dialect.sms
    header = sms.read_header if index is None else sms.list_header
    length, pdu = device.shown_pdu(message.pdu)
    return [header.format(index=index, stat=int(status), length=length), pdu]


def _told_as_text(device: Device, message: Message, status: Status, head: str) -> list[str]:
    _, body = tpdu.split_service_centre(message.pdu)
    if body[0] & 3 != 0:
        return [f'{head}"{TEXT_STATUS[status]}","",,', ""]
    read = tpdu.read_deliver(body)
    more = ""
    if device.register("+CSDH"):
        more = f",145,{read.first},{read.pid},{read.dcs},,145,{len(read.body.data)}"
    sender = quoted(device, read.sender)
    first = f'{head}"{TEXT_STATUS[status]}",{sender},,"{read.received}"{more}'
    return [first, *shown(read.body, device.charset)]


def _delete(device: Device, command: Command) -> list[str]:
    storage = device.storage(0)
    if command.form == "test":
        taken = ",".join(str(index) for index, _ in storage.items())
        return [f"+CMGD: ({taken}),(0-4)"]
    device.need_sim(messages=True)
    if device.modes.fail_cmgd:
        raise CommandError("CMS", device.modes.fail_cmgd.pop(0))
    index, flag = [*command.numbers(), None][:2]
    if flag:
        _delete_many(device, storage, flag)
        return []
    if index is None or not storage.holds(index):
        raise CommandError("CMS", CMS_INVALID_INDEX)
    device.counts.deleted += storage.delete(index)
    return []


_DELETED_BY_FLAG = {
    1: {Status.READ},
    2: {Status.READ, Status.SENT},
    3: {Status.READ, Status.SENT, Status.UNSENT},
    4: set(Status),
}


def _delete_many(device: Device, storage: Storage, flag: int) -> None:
    if flag not in _DELETED_BY_FLAG:
        raise CommandError("CMS", CMS_INVALID_PDU)
    for index, message in list(storage.items()):
        if message.status in _DELETED_BY_FLAG[flag]:
            device.counts.deleted += storage.delete(index)


# -- sending -------------------------------------------------------------------------------------


def _send(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return []
    device.need_sim(messages=True)
    if command.form != "set":
        raise CommandError("CMS", CMS_INVALID_PDU)
    if device.text_mode:
        number = unquoted(device, command.values()[0])
        device.prompt = Prompt(partial(_take_text, device, number))
    else:
        device.prompt = Prompt(partial(_take_pdu, device, _length(command)))
    return []


def _length(command: Command) -> int:
    length = command.values()[0]
    if not (length.isascii() and length.isdigit() and 0 < int(length[:4]) <= 200):
        raise CommandError("CMS", CMS_INVALID_PDU)
    return int(length)


def _pdu_of(typed: bytes, length: int) -> bytes:
    """The PDU that was typed, if it is as long as was said before (TS 27.005 §4.3)."""
    try:
        pdu = bytes.fromhex(typed.decode("ascii"))
        if len(tpdu.split_service_centre(pdu)[1]) == length:
            return pdu
    except (ValueError, PduError):
        pass
    raise CommandError("CMS", CMS_INVALID_PDU)


def _reach_network(device: Device) -> None:
    if device.modes.no_credit:
        raise CommandError("CMS", device.modes.no_credit)
    if device.modes.fail_cmgs:
        raise CommandError("CMS", device.modes.fail_cmgs.pop(0))
    if not device.on_air:
        raise CommandError("CMS", CMS_NO_NETWORK)


def _take_pdu(device: Device, length: int, typed: bytes) -> list[str]:
    return _submit(device, _pdu_of(typed, length), "+CMGS")


def _submit(device: Device, pdu: bytes, name: str) -> list[str]:
    _reach_network(device)
    _, body = tpdu.split_service_centre(pdu)
    try:
        return [f"{name}: {device.network.submit(body, _report_at(device))}"]
    except PduError:
        raise CommandError("CMS", CMS_INVALID_PDU) from None


def _take_text(device: Device, number: str, typed: bytes) -> list[str]:
    _reach_network(device)
    text = typed.decode("utf-8", "replace").replace("\r", "\n")
    if device.charset in ("UCS2", "HEX"):
        text = unquoted(device, text.strip())
    body = tpdu.Body(
        "gsm7" if tpdu.fits(text) else "ucs2", text, text.encode("utf-16-be"), None, None
    )
    report_at = _report_at(device) if device.register("+CSMP") & 0x20 else None
    return [f"+CMGS: {device.network.take(number, body, report_at)}"]


def _report_at(device: Device) -> float:
    return device.clock() + device.modes.report_seconds


def _write(device: Device, command: Command) -> list[str]:
    """+CMGW, PDU mode only."""
    if command.form == "test":
        return []
    device.need_sim(messages=True)
    if device.text_mode or command.form != "set":
        raise CommandError("CMS", CMS_NOT_SUPPORTED)
    device.prompt = Prompt(partial(_keep_pdu, device, _length(command)))
    return []


def _keep_pdu(device: Device, length: int, typed: bytes) -> list[str]:
    storage = device.storage(1)
    pdu = _pdu_of(typed, length)
    if storage.full:
        raise CommandError("CMS", CMS_MEMORY_FULL)
    return [f"+CMGW: {storage.put(Message(pdu, Status.UNSENT))}"]


def _send_stored(device: Device, command: Command) -> list[str]:
    if command.form == "test":
        return []
    device.need_sim(messages=True)
    index = command.numbers()[0] if command.form == "set" else None
    message = device.storage(1).get(index) if index is not None else None
    if message is None:
        raise CommandError("CMS", CMS_INVALID_INDEX)
    answer = _submit(device, message.pdu, "+CMSS")
    message.status = Status.SENT
    return answer


def _acknowledge(device: Device, command: Command) -> list[str]:
    """+CNMA: none or 0, 1: taken; 2: refused (TS 27.005 §4.7)."""
    if command.form == "test":
        return ["+CNMA: (0-2)"]
    wanted = command.numbers()[0] if command.form == "set" else 0
    if wanted not in (None, 0, 1, 2):
        raise CommandError("CMS", CMS_INVALID_PDU)
    device.acknowledge(accepted=wanted != 2)
    return []


MESSAGES: dict[str, Handler] = {
    "+CMGF": registers,
    "+CSMP": registers,
    "+CNMI": _indications,
    "+CSMS": _service,
    "+CSCA": _service_centre,
    "+CPMS": _memories,
    "+CMGL": _list,
    "+CMGR": _read,
    "+CMGD": _delete,
    "+CMGS": _send,
    "+CMGW": _write,
    "+CMSS": _send_stored,
    "+CNMA": _acknowledge,
}
