"""GSM sticks that Asterisk drives by chan_dongle or chan_quectel.

Both drivers come from outside Asterisk, in several forks. A key that a fork does not know it
passes over, so what forks call differently stands here under each of its names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tipline_gw.settings.trunks import DongleTrunk, QuectelTrunk, Stick, Trunk
from tipline_gw.voice.dialplan import context

_GENERAL = """\
[general]
interval = 15
; Parts of messages are kept with their senders: never in a file.
smsdb = :memory:
"""
_CLOSED = """\
[defaults]
context = from-line
group = 0
usecallingpres = no
callwaiting = no
multiparty = no
; Texts are not taken here: who sent them would be in the driver's log and its variables.
disablesms = yes
autodeletesms = yes
"""


def dongle(sticks: Sequence[DongleTrunk]) -> str:
    closed = _CLOSED + "resetdongle = yes\nu2diag = -1\ndtmf = relax\n"
    return "\n".join([_GENERAL, closed, *map(_stick, sticks)])


def quectel(sticks: Sequence[QuectelTrunk]) -> str:
    closed = _CLOSED + "resetquectel = yes\nresetmodem = yes\nmoh = no\n"
    return "\n".join([_GENERAL, closed, *map(_stick, sticks)])


def modules(trunks: Sequence[Trunk]) -> Iterator[str]:
    for kind, driver in ((DongleTrunk, "chan_dongle"), (QuectelTrunk, "chan_quectel")):
        if any(isinstance(trunk, kind) for trunk in trunks):
            yield driver


def _stick(stick: Stick) -> str:
    lines = [f"[{stick.name}]", f"context = {context(stick.name)}"]
    # Taken where the SIM does not know its own number.
    lines.append("exten = s")
    for key in ("imei", "data", "audio"):
        if value := getattr(stick, key):
            lines.append(f"{key} = {value}")
    if isinstance(stick, QuectelTrunk) and stick.alsa:
        lines += ["uac = on", "quec_uac = 1", f"alsadev = {stick.alsa}"]
    return "".join(f"{line}\n" for line in lines)
