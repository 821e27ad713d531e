"""Whole command lines that a dialect answers in its own way, before any command is looked at.

Why it exists: vendors' commands, forms that a modem lacks, and what they do to the phone inside
stand in the dialect's file; this is the one place that looks there. Where the dialect says nothing
about a line it is answered as by every virtual modem.
"""

from __future__ import annotations

from tipline_gw.demo.at_command import CMS_NOT_SUPPORTED, CommandError
from tipline_gw.demo.at_device import Device
from tipline_gw.demo.virtual_dialect import VerbatimError

_HANG_UPS = ("ATH", "AT+CHUP")
_ACKNOWLEDGE = "AT+CNMA"


def answered(device: Device, line: str) -> list[str] | None:
    """The information lines; None where the dialect does not speak of this line. Raises
    CommandError where it is an error."""
    asked = line.strip().upper()
    given = device.dialect.at.answers.get(asked)
    if isinstance(given, str):
        raise VerbatimError(given)
    if given is not None:
        return [device.told(one) for one in given]
    for look in (_reset, _call, _acknowledgement):
        lines = look(device, asked)
        if lines is not None:
            return lines
    return None


def _reset(device: Device, asked: str) -> list[str] | None:
    reset = device.dialect.reset
    if asked not in (*reset.soft, *reset.power):
        return None
    device.restart_seconds = reset.seconds
    return []


def _call(device: Device, asked: str) -> list[str] | None:
    calls = device.dialect.calls
    if asked in calls.purge:
        device.purge(asked)
        return []
    if calls.refuse is None:
        return None
    if asked in calls.refuse:
        device.hang_up()
        return []
    if asked.startswith(_HANG_UPS) and not asked.endswith("=?"):
        raise device.dialect.unknown()
    return None


def _acknowledgement(device: Device, asked: str) -> list[str] | None:
    sms = device.dialect.sms
    if sms.cnma is None or not asked.startswith(_ACKNOWLEDGE):
        return None
    if not sms.cnma:
        raise device.dialect.unknown()
    if asked.endswith("=?"):
        return None
    if asked not in (*sms.cnma, *sms.cnma_refuse):
        raise CommandError("CMS", CMS_NOT_SUPPORTED)
    device.acknowledge(accepted=asked in sms.cnma)
    return []
