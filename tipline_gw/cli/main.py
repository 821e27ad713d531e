"""The entry point: turns errors into one line and exit 1.

It imports next to nothing by itself: the program takes most of a second to import, and whoever
presses Ctrl-C in it is to see no traceback either.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from io import TextIOWrapper

from tipline_gw.errors import TiplineError

_TODO = {
    errno.ENOSPC: "free space",
    errno.EDQUOT: "free space",
    errno.EROFS: "name a place that can be written to",
    errno.ENOENT: "see whether it is there",
}


def run() -> None:
    """0 done, 1 failed with one line of what and what to do, 2 wrong usage, 130 interrupted."""
    try:
        _ready_streams()
        from tipline_gw.cli.commands import app

        app()
    except TiplineError as error:
        for line in str(error).splitlines():
            _say(line)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except UnicodeEncodeError:
        _say("a name has octets that are not UTF-8: name another")
        sys.exit(1)
    except OSError as error:
        _say(_of_the_system(error))
        with contextlib.suppress(OSError):
            sys.stdout.close()  # what it still holds would fail once more as Python ends
        sys.exit(1)


def _ready_streams() -> None:
    """What the shell closed is None for Python, and whoever asks it something would fail. What is
    not of the terminal's encoding is read, or shown, escaped."""
    # In this order they take the descriptors 0, 1 and 2, which no other file is to get.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(line: str) -> None:
    sys.stderr.write(f"tipline-gw: {line}\n")


def _of_the_system(error: OSError) -> str:
    """What no part expected: which file, what the system says of it, and what to do."""
    place = f"{error.filename}: " if error.filename is not None else ""
    todo = _TODO.get(error.errno or 0, "see its owner and permissions" if place else "try again")
    return f"{place}{error.strerror or type(error).__name__}: {todo}"
