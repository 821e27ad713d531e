"""Reads a password from its file, and refuses a file that others can read.

It goes from here into the one file of Asterisk's that needs it: never into an argument, a log, or
the text of an error.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

from tipline_gw.errors import ConfigError

LONGEST = 128


def read_secret(path: Path) -> str:
    """The one line of ``path``. ConfigError when it is not there, others can read it, or it holds
    what Asterisk's configuration cannot carry."""
    try:
        others = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        text = path.read_text(encoding="ascii").removesuffix("\n")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror})", "write the password into it, chmod 600"
        ) from None
    except UnicodeDecodeError:
        text, others = "", 0
    if others:
        raise ConfigError(f"{path}: others can read it", f"chmod 600 {path}")
    if not re.fullmatch(rf"[\x21-\x7e]{{1,{LONGEST}}}", text):
        raise ConfigError(
            f"{path}: is not one line of up to {LONGEST} ASCII characters without spaces",
            "have the provider set such a password",
        )
    return text
