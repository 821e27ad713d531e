"""Which tty of a stick speaks AT: what sysfs says of a port, beside what the profiles know.

Why it exists: a stick has three to five ttys, all but one or two of them dumb, and a wrong one is
as silent as a broken modem. It opens nothing, and refuses to guess for a stick that no profile
knows.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from tipline_gw.modems import profiles

SYSFS = Path("/sys")


@dataclass(frozen=True, slots=True)
class UsbTty:
    """``id``: vendor and product; ``others``: the ttys of the same device, by interface."""

    id: str
    interface: int
    others: dict[int, str]


def tty_at(port: str, sysfs: Path = SYSFS) -> UsbTty | None:
    """The USB device behind a tty, or behind a link to one; None where there is none, or where it
    is being unplugged."""
    with contextlib.suppress(OSError):
        return _tty_at(port, sysfs)
    return None


def _tty_at(port: str, sysfs: Path) -> UsbTty | None:
    tty = Path(os.path.realpath(port)).name
    here = (sysfs / "class" / "tty" / tty / "device").resolve()
    for place in (here, *here.parents):
        if (place / "bInterfaceNumber").exists():
            device = place.parent
            vendor, product = (_said(device / f"id{what}") for what in ("Vendor", "Product"))
            return UsbTty(f"{vendor}:{product}", _interface(place), _ttys(device))
    return None


def advice(port: str, sysfs: Path = SYSFS) -> str | None:
    """That another tty of the stick is the one that speaks AT; None where this is, or where no
    profile knows. Raises ConfigError for a broken profile."""
    here = tty_at(port, sysfs)
    if here is None:
        return None
    known = {
        usb.at_interface: profile.name
        for profile in profiles.known()
        for usb in profile.usb
        if usb.id == here.id
    }
    if not known or here.interface in known:
        return None
    return (
        " or ".join(
            f"{name} speaks AT at interface {interface}{_at(here.others.get(interface))}"
            for interface, name in sorted(known.items())
        )
        + f", and this is interface {here.interface}"
    )


def _at(tty: str | None) -> str:
    return f", which is /dev/{tty} now" if tty else ""


def _ttys(device: Path) -> dict[int, str]:
    """ttyUSB* lies in the interface, ttyACM* in a folder of its own there."""
    return {
        _interface(number.parent): tty.name
        for number in device.glob("*/bInterfaceNumber")
        for tty in (*number.parent.glob("tty[A-Z]*"), *number.parent.glob("tty/tty[A-Z]*"))
    }


def _interface(place: Path) -> int:
    return int(_said(place / "bInterfaceNumber"), 16)


def _said(path: Path) -> str:
    return path.read_text().strip().lower()
