"""Which Asterisk it is, and what of it differs for this gateway.

Why it exists: releases 18, 20 and 22 load the same modules and read the same files as they are
written here, but only newer ones pass a caller's keys on through AudioSocket. With the others a
key does not end a recording; hanging up and the longest time do. The same change of Asterisk's (its
pull request 1138) ended a wait of no time, by which older ones are busy all the while.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

SERIES = (18, 20, 22)
"""The series with long-term support that the files are written for."""
_FIRST_WITH_KEYS = {20: 14, 22: 4}
_VERSION = re.compile(r"(?:Asterisk )?(?:certified[/-])?(\d{1,2})\.(\d{1,3})\b")
_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Release:
    series: int
    minor: int

    def __str__(self) -> str:
        return f"{self.series}.{self.minor}"

    @property
    def passes_keys_on(self) -> bool:
        """Whether its AudioSocket forwards a caller's keys (20.14, 22.4 and all later series)."""
        newest = max(_FIRST_WITH_KEYS)
        return self.series > newest or self.minor >= _FIRST_WITH_KEYS.get(
            self.series, self.minor + 1
        )

    @property
    def lacks(self) -> str:
        """What a caller misses with it, in words; empty when nothing."""
        if self.series < min(SERIES):
            return f"Asterisk {self} is too old: it has no AudioSocket application"
        if not self.passes_keys_on:
            return (
                f"Asterisk {self} does not pass keys on while a caller speaks (# does not end a "
                "recording, hanging up and voice.max_recording_seconds do), and each caller who "
                "speaks takes a whole processor"
            )
        return ""


NEWER = "take 22.4 or newer, or 20.14 or newer of its series"


def parse(text: str) -> Release | None:
    """Of ``asterisk -V``, of ``core show version``, or as a person writes it (``22.10``)."""
    found = _VERSION.match(text)
    return Release(int(found[1]), int(found[2])) if found else None


def installed(root: Path) -> Release | None:
    """Of the Asterisk in ``root``; None where there is none, or where it cannot be asked."""
    words = ["asterisk", "-V"]
    command = words if root == Path("/") else ["chroot", str(root), *words]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse(answer.stdout) if answer.returncode == 0 else None
