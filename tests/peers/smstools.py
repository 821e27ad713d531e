"""An unmodified smsd of the SMS Server Tools 3, in a directory of its own."""

from __future__ import annotations

import subprocess
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.peers import programs

FOLDERS = ("outgoing", "checked", "failed", "sent", "incoming", "report", "stats")
CONFIG = """\
devices = GSM
{folders}
logfile = {home}/smsd.log
loglevel = 4
infofile = {home}/smsd.working
pidfile = {home}/smsd.pid
delaytime = 1
errorsleeptime = 1
blocktime = 1
executable_check = no
incoming_utf8 = yes
decode_unicode_text = yes

[GSM]
device = {device}
incoming = yes
"""


@dataclass(frozen=True)
class Letter:
    """One file of its incoming folder. ``sender`` without the plus, as it writes it."""

    sender: str
    text: str


class Smstools:
    """``home`` is made. Every setting that is not in ``CONFIG`` is as it comes."""

    def __init__(self, home: Path, device: Path) -> None:
        self._home = home
        for name in FOLDERS:
            (home / name).mkdir(parents=True)
        folders = "\n".join(f"{name} = {home}/{name}" for name in FOLDERS)
        self._config = home / "smsd.conf"
        self._config.write_text(CONFIG.format(folders=folders, home=home, device=device))

    def running(self) -> AbstractContextManager[subprocess.Popen[bytes]]:
        smsd = programs.find("smsd", "smstools")
        return programs.running([smsd, "-t", "-c", str(self._config)], self._home / "output")

    def send(self, number: str, text: str) -> None:
        """Into its outgoing folder, whole from the first moment. ``number``: with the plus."""
        draft = self._home / "draft"
        draft.write_text(f"To: {number.removeprefix('+')}\nAlphabet: UTF-8\n\n{text}")
        draft.rename(self._home / "outgoing" / "letter")

    def received(self) -> list[Letter]:
        return [_letter(file) for file in sorted((self._home / "incoming").iterdir())]

    def complaints(self) -> str:
        """The end of its log, for whoever waits in vain."""
        return (self._home / "smsd.log").read_text(errors="replace")[-2000:]


def _letter(file: Path) -> Letter:
    """What it decoded as UCS-2 it writes in UTF-8 too (``decode_unicode_text``)."""
    head, _, text = file.read_text("utf-8").partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    return Letter(fields["From"], text)
