"""What every process of the gateway does to itself before it sees a number or hears a word."""

from __future__ import annotations

import ctypes
import os
import resource

from tipline_gw.errors import ConfigError

_PR_SET_DUMPABLE = 4
DESCRIPTORS = 16384
"""Three for each of the most calls that can be configured, and what waits at two ports."""


def harden_process() -> None:
    """No core dumps and no attaching: memory may hold a number for a moment, and speech."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise ConfigError("the kernel does not let core dumps be forbidden")


def allow_descriptors() -> None:
    """As many open files as the voice line can need, where the system allows it: the usual 1,024
    are over at 300 calls."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
