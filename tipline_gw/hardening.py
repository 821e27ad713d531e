"""What every process of the gateway does to itself before it sees a number or hears a word."""

from __future__ import annotations

import ctypes
import os
import resource

from tipline_gw.errors import ConfigError

_PR_SET_DUMPABLE = 4


def harden_process() -> None:
    """No core dumps and no attaching: memory may hold a number for a moment, and speech."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise ConfigError("the kernel does not let core dumps be forbidden")
