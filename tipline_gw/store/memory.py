"""How much memory there is for a moment's work, so that it is not the daemon that goes without.

What the kernel holds available, and what the control groups of this process leave of it (cgroup
v2: proc_pid_status(5), the kernel's admin-guide/cgroup-v2). Swap is not counted: what lies in
memory here should not get there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")


def available() -> int:
    """Octets; 0 where the system does not tell."""
    return max(0, min([_of_the_machine(), *_of_the_groups()]))


def _of_the_machine() -> int:
    with contextlib.suppress(OSError, ValueError):
        return _figures(PROC / "meminfo").get("MemAvailable:", 0) * 1024
    return 0


def _of_the_groups() -> Iterator[int]:
    """What each leaves that limits this process: its own, and those around it."""
    own = GROUPS / _own_group()
    for group in (own, *own.parents):
        with contextlib.suppress(OSError, ValueError):  # no such controller, or "max": no limit
            limit, used = (
                int((group / f"memory.{name}").read_text()) for name in ("max", "current")
            )
            yield limit - used + _figures(group / "memory.stat").get("inactive_file", 0)


def _own_group() -> str:
    with contextlib.suppress(OSError):
        for line in (PROC / "self/cgroup").read_text().splitlines():
            if line.startswith("0::/"):
                return line.removeprefix("0::/")
    return ""


def _figures(path: Path) -> dict[str, int]:
    """Names with their figures, one a line."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {name: int(figure) for name, figure, *_unit in lines}
