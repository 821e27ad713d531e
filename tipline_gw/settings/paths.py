"""Where the running gateway puts what is not configuration."""

from __future__ import annotations

import os
from pathlib import Path

from tipline_gw.errors import ConfigError

RUNTIME = Path("/run/tipline-gw")
"""The unit's RuntimeDirectory."""
SYSTEM = Path("/etc")

LONGEST = 107
"""Octets of a unix socket's path (unix(7): sun_path has 108, the last one is zero)."""


def control_socket(config: Path) -> Path:
    """Where the modem side listens for the engineer.

    A gateway of the system's has it under /run; any other, beside its configuration. Raises
    ConfigError where that path is longer than a socket's may be.
    """
    directory = config.absolute().parent
    resolved = directory.resolve()
    base = RUNTIME if resolved.is_relative_to(SYSTEM) else resolved
    path = base / "modems.sock"
    if len(os.fsencode(path)) > LONGEST:
        raise ConfigError(
            f"{path}: longer than the {LONGEST} octets that a socket's path may have",
            "move the configuration to a directory with a shorter path",
        )
    return path
