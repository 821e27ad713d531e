"""Finds a gateway that is in service, and what belongs to it: by the port it listens on, because
that is what its configuration says of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tipline_gw.audit import database, places
from tipline_gw.audit.audit import System
from tipline_gw.errors import TiplineError
from tipline_gw.settings import Settings
from tipline_gw.settings.store_url import sqlite_file

RUNTIME = Path("/run/tipline-gw")
ASTERISK = tuple(
    Path(folder)
    for folder in ("/etc/asterisk", "/var/lib/asterisk", "/var/spool/asterisk", "/var/log/asterisk",
                   "/var/cache/asterisk", "/run/asterisk")
)  # fmt: skip
_LISTENING = "0A"


def find(config: Path, settings: Settings, asterisk: Path | None, since: float) -> System:
    """The gateway with this configuration. TiplineError if none runs, or who asks
    is not root."""
    if os.geteuid() != 0:
        raise TiplineError("only root can search the memory of others", "run it with sudo")
    core = _listener(settings.metrics.listen)
    if core is None:
        raise TiplineError(
            f"no gateway listens on {settings.metrics.listen}", "start it, or name its --config"
        )
    pids = {"core": core} | {f"modem side {pid}": pid for pid in _children(core)}
    its_asterisk = _asterisk_pid(asterisk)
    folders = [config.parent, *_store_folder(settings), RUNTIME, *_of_asterisk(asterisk)]
    return System(
        folders=tuple(folder for folder in dict.fromkeys(folders) if folder.is_dir()),
        temporary=places.TEMPORARY,
        pids=pids,
        since=since,
        asterisk=its_asterisk,
        server=_store_server(settings),
        notes=tuple(_not_searched(settings, its_asterisk)),
    )


def _not_searched(settings: Settings, asterisk: int | None) -> Iterator[str]:
    if _store_server(settings):
        yield database.BESIDE
    if asterisk is None:
        yield "no Asterisk was found running (see --asterisk): its memory was not searched"


def _store_folder(settings: Settings) -> list[Path]:
    url = settings.store.url
    file = sqlite_file(url)
    return [file.parent] if file else []


def _store_server(settings: Settings) -> str | None:
    return None if _store_folder(settings) else settings.store.url


def _of_asterisk(directory: Path | None) -> list[Path]:
    return [directory] if directory else list(ASTERISK)


def _asterisk_pid(directory: Path | None) -> int | None:
    file = directory / "run" / "asterisk.pid" if directory else ASTERISK[-1] / "asterisk.pid"
    try:
        pid = int(file.read_text())
    except (OSError, ValueError):
        return None
    return pid if Path(f"/proc/{pid}").exists() else None


def _listener(listen: str) -> int | None:
    """The process that listens on HOST:PORT."""
    port = f":{int(listen.rpartition(':')[2]):04X}"
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for folder in Path("/proc").glob("[0-9]*/fd"):
        if any(target in sockets for target in _targets(folder)):
            return int(folder.parent.name)
    return None


def _listening(port: str) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(port) and fields[3] == _LISTENING:
                yield fields[9]


def _targets(folder: Path) -> Iterator[str]:
    try:
        links = list(folder.iterdir())
    except OSError:
        return
    for link in links:
        try:
            yield str(link.readlink())
        except OSError:
            continue


def _children(pid: int) -> list[int]:
    told = (path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for child in re.findall(r"\d+", " ".join(told))]
