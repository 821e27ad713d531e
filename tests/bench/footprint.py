"""What a bank of 32 modems costs a machine: processor time a message, and memory."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tests.bench import load, processes

MODEMS = 32
EACH = 100
IDLE_SECONDS = 10.0


def thirty_two_modems() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="tipline-bench-") as folder,
        load.modems(Path(folder) / "modems", MODEMS) as plugged,
        load.gateway(Path(folder), plugged) as gateway,
    ):
        pids = processes.of(gateway)
        idle = processes.spent(pids, lambda: time.sleep(IDLE_SECONDS))
        memory = {name: processes.proportional_mebibytes(pid) for name, pid in pids.items()}

        def work() -> None:
            load.fill(plugged, EACH)
            load.emptied_together(plugged)

        busy = processes.spent(pids, work)
        for name, pid in pids.items():
            after = processes.proportional_mebibytes(pid)
            print(f"{MODEMS} modems, {name:<11}{busy[name] / MODEMS / EACH * 1e3:6.2f} ms of "
                  f"processor a message   idle {idle[name] / IDLE_SECONDS:6.2%}   "
                  f"{memory[name]:6.1f} MiB idle, {after:6.1f} after "
                  f"{MODEMS * EACH} messages")  # fmt: skip
