"""At the pace of a real serial line: how much of what the line allows is used.

Two measures. The share of the time in which the wire carried octets, both ways added up, for a
reader that waits for each answer cannot pass 1. And the messages a second of the leanest reader
on the same virtual modem: what this machine and this modem allow at all.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench import load
from tipline_gw.demo.modem_control import VirtualModem

BAUD = 115_200
EACH = 400
SLOTS = 20
PACED = ("--baud", str(BAUD), "--storages", f"SM={SLOTS},ME=20")


def one_modem() -> None:
    _compared("one modem", 1)


def sixteen_modems() -> None:
    _compared("16 modems", 16)


def _compared(label: str, count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tipline-bench-") as folder:
        home = Path(folder)
        bare = _bare(home / "bare", count)
        ours = _ours(home / "ours", count)
    _told(f"{label}, bare loop", bare)
    _told(f"{label}, ours", ours)
    ratio = sum(one.a_second for one in ours) / sum(one.a_second for one in bare)
    print(f"{label:<20}ours over the bare loop {ratio:.3f}")


def _bare(folder: Path, count: int) -> list[load.Rate]:
    with load.modems(folder, count, *PACED) as plugged:
        load.fill(plugged, EACH)
        with readers(plugged, SLOTS):
            return load.emptied_together(plugged)


def _ours(folder: Path, count: int) -> list[load.Rate]:
    with load.modems(folder, count, *PACED) as plugged, load.gateway(folder, plugged):
        load.fill(plugged, EACH)
        return load.emptied_together(plugged)


def _told(label: str, rates: Sequence[load.Rate]) -> None:
    busy = sum(one.busy(BAUD) for one in rates) / len(rates)
    octets = sum(one.octets for one in rates) / sum(one.messages for one in rates)
    total = sum(one.a_second for one in rates)
    print(f"{label:<20}{total:7.1f} messages a second at {BAUD} baud   wire busy {busy:6.1%}   "
          f"{octets:.0f} octets a message")  # fmt: skip


@contextmanager
def readers(plugged: Sequence[VirtualModem], slots: int) -> Iterator[None]:
    """A bare loop, in a process of its own, at each; ``slots`` are full."""
    command = [sys.executable, "-m", "tests.bench.bare"]
    words = [[*command, str(modem.link), str(slots)] for modem in plugged]
    started = [subprocess.Popen(one) for one in words]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()
