"""What every process of the gateway does to itself before it sees a number or hears a word."""

from __future__ import annotations

import ctypes
import os
import resource
from pathlib import Path

from tipline_gw.errors import ConfigError

_PR_SET_DUMPABLE = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14
DESCRIPTORS = 16384
"""Three for each of the most calls that can be configured, and what waits at two ports."""


def harden_process() -> None:
    """No core dumps, no attaching, and where it is allowed no swap: memory may hold a number for a
    moment, and speech."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise ConfigError("the kernel does not let core dumps be forbidden")
    if _may_lock_all():
        # Page by page as they come into use: the stacks of threads are mostly never used.
        libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT)


def _may_lock_all() -> bool:
    """Whether memory can be kept out of swap without a limit: with one, the kernel would refuse
    more memory as soon as it is reached."""
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    return unlimited or bool(_capabilities() >> _CAP_IPC_LOCK & 1)


def _capabilities() -> int:
    """The effective ones, as a set of bits (capabilities(7))."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return int(line.split()[1], 16)
    return 0


def allow_descriptors() -> None:
    """As many open files as the voice line can need, where the system allows it: the usual 1,024
    are over at 300 calls."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
