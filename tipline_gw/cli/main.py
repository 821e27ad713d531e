"""The entry point: turns errors into one line and exit 1.

It imports next to nothing by itself: the program takes most of a second to import, and whoever
presses Ctrl-C in it is to see no traceback either.
"""

from __future__ import annotations

import contextlib
import errno
import sys

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
    except OSError as error:
        _say(_of_the_system(error))
        with contextlib.suppress(OSError, AttributeError):  # None where the shell closed it
            sys.stdout.close()  # what it still holds would fail once more as Python ends
        sys.exit(1)


def _say(line: str) -> None:
    sys.stderr.write(f"tipline-gw: {line}\n")


def _of_the_system(error: OSError) -> str:
    """What no part expected: which file, what the system says of it, and what to do."""
    place = f"{error.filename}: " if error.filename is not None else ""
    todo = _TODO.get(error.errno or 0, "see its owner and permissions" if place else "try again")
    return f"{place}{error.strerror or type(error).__name__}: {todo}"
