"""Where a number could have come to rest, each place as something to be read in pieces.

Files by name and content, files that are deleted and still open, live memory with what of it lies
in tmpfs, the journal with all of its fields, core dumps. What cannot be read is said, not passed
over: a search that did not look is no proof.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

PIECE = 1 << 24
OVERLAP = 128
"""Octets that follow a piece again at the head of the next: no form of a number is longer."""
CORE_DUMPS = (Path("/var/lib/systemd/coredump"), Path("/var/crash"))
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 # nosec B108 - it is searched, not written
TEMPORARY = (Path("/tmp"), Path("/var/tmp"), SHARED_MEMORY)  # noqa: S108 # nosec B108

Pieces = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Place:
    """``what`` kind of place, ``where`` it is; not ``judged``: what is found there is told, and
    does not make the audit fail."""

    what: str
    where: str
    pieces: Pieces
    judged: bool = True


def files(folders: Iterable[Path], *, since: float = 0.0) -> Iterator[Place]:
    """Every regular file below ``folders`` that was changed ``since``, its name included."""
    for folder in folders:
        for at, _, names in os.walk(folder):
            for name in names:
                path = Path(at, name)
                if _regular(path) and path.stat().st_mtime >= since:
                    yield Place(_kind_of(path), str(path), partial(_content, path))


def _regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


_KINDS = {
    "cdr": "CDR",
    "cel": "CEL",
    "astdb": "AstDB",
    "tips.db": "store",
    "core": "core dump",
}
"""By how a file, or a folder above it, begins."""


def _kind_of(path: Path) -> str:
    if path.is_relative_to(SHARED_MEMORY):
        return "tmpfs"
    for part in reversed(path.parts[-3:]):
        for beginning, kind in _KINDS.items():
            if part.lower().startswith(beginning):
                return kind
    return "log" if path.suffix == ".log" or path.parent.name == "log" else "file"


def _content(path: Path) -> Iterator[bytes]:
    yield os.fsencode(path.name)
    try:
        with path.open("rb") as file:
            yield from _pieces(file.read)
    except FileNotFoundError:
        return  # it was a passing one


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    tail = b""
    while data := read(PIECE):
        yield tail + data
        tail = data[-OVERLAP:]


def deleted_files(pid: int) -> Iterator[Place]:
    """Files that have no name any more and are still open: nobody else can see them."""
    for link in _links(Path(f"/proc/{pid}/fd")):
        target = str(link.readlink())
        if target.endswith(" (deleted)") and link.is_file():
            yield Place("deleted file", f"{target} of process {pid}", partial(_content, link))


def _links(folder: Path) -> list[Path]:
    try:
        return [link for link in folder.iterdir() if link.is_symlink()]
    except OSError:
        return []


def memory(pid: int, name: str, *, judged: bool = True) -> Iterator[Place]:
    """Every private region of a live process that can be read, and the anonymous shared ones."""
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        span, rights, _, _, inode, *path = line.split(maxsplit=5)
        shown = path[0] if path else "anonymous"
        mapped_file = (
            rights[3] == "s" and inode != "0" and not shown.startswith(("/dev/", "/memfd"))
        )
        if rights[0] != "r" or shown.startswith("[v") or mapped_file:
            continue
        start, end = (int(side, 16) for side in span.split("-"))
        yield Place(
            "memory" if judged else f"memory of {name}", f"{name}, {_region(shown)}",
            partial(_region_pieces, pid, start, end), judged,
        )  # fmt: skip


def _region(shown: str) -> str:
    return shown if shown.startswith("[") else Path(shown).name


def _region_pieces(pid: int, start: int, end: int) -> Iterator[bytes]:
    try:
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory_file:
            for at in range(start, end, PIECE):
                memory_file.seek(at)
                yield memory_file.read(min(end - at, PIECE + OVERLAP))
    except OSError:  # given back to the kernel since the map was read
        return


def journal(since: float) -> Iterator[Place]:
    """All that systemd's journal took in since, with every field of it."""
    if shutil.which("journalctl"):
        words = ["journalctl", "--since", f"@{int(since)}", "--output", "export", "--no-pager"]
        yield Place("journal", "every unit, every field", lambda: _printed(words))


def _printed(words: Sequence[str]) -> Iterator[bytes]:
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        yield from _pieces(process.stdout.read)


def core_dumps(pids: Iterable[int], since: float) -> Iterator[Place]:
    """Where the kernel's pattern, systemd and Ubuntu put them, and the working directories."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    folders = {*CORE_DUMPS, *([Path(pattern).parent] if pattern.startswith("/") else [])}
    folders |= {folder for pid in pids if (folder := _working_directory(pid)) != Path("/")}
    for folder in folders:
        for path in folder.glob("core*") if folder not in CORE_DUMPS else folder.glob("*"):
            if _regular(path) and path.stat().st_mtime >= since:
                yield Place("core dump", str(path), partial(_content, path))


def _working_directory(pid: int) -> Path:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return Path("/")


def swapped_kib(pid: int) -> int:
    """KiB of a process that lie in swap, where nobody can search them."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmSwap:"):
            return int(line.split()[1])
    return 0
