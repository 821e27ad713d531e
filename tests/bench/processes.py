"""The processes of a running gateway, and what they have used so far."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.system.misfortunes import modem_sides
from tipline_gw.demo.stage import Gateway

CALM = 0.08
"""Of one processor, by all of them together: no less with 32 modems to look after."""
CALM_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


def of(gateway: Gateway) -> dict[str, int]:
    """Process ids by name; there is no modem side where there is no modem."""
    sides = {"modem side": pid for pid in modem_sides(gateway.pid)}
    return {"core": gateway.pid, **sides}


def cpu_seconds(pid: int) -> float:
    """User and system time so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def spent(pids: dict[str, int], do: Callable[[], object]) -> dict[str, float]:
    """Processor seconds that each of them uses meanwhile."""
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    do()
    return {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}


def proportional_mebibytes(pid: int) -> float:
    """Resident memory, with what is shared divided by those who share it."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"(?m)^Pss:\s+(\d+) kB", rollup)
    assert found
    return int(found[1]) / 1024


def settled(gateway: Gateway) -> None:
    """Returns when its start is over: a few dozen case codes are drawn ahead, which takes the
    machine some seconds once, and none while messages come."""
    until = time.monotonic() + CALM_SECONDS
    while time.monotonic() < until:
        if sum(spent(of(gateway), lambda: time.sleep(1.0)).values()) < CALM:
            return
