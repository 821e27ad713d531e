"""Where a number could have come to rest, each place as something to be read in pieces.

Files by name and content, files that are deleted and still open, live memory with what of it lies
in tmpfs, the journal with all of its fields, core dumps. What cannot be read is said, not passed
over: a search that did not look is no proof.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

PIECE = 1 << 24
PAGE = 4096
OVERLAP = 128
"""Octets that follow a piece again at the head of the next: no form of a number is longer."""
CORE_DUMPS = (Path("/var/lib/systemd/coredump"), Path("/var/crash"))
COMPRESSED = frozenset((".zst", ".xz", ".lz4", ".gz", ".crash"))
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 # nosec B108 # it is searched, not written
TEMPORARY = (Path("/tmp"), Path("/var/tmp"), SHARED_MEMORY)  # noqa: S108 # nosec B108
VIEWS = frozenset(("proc", "sysfs"))
"""File systems that show the kernel: nothing comes to rest there, and some of it never ends."""
SHARED_ANONYMOUS = ("/dev/zero", "/SYSV")
"""The kernel's names for files that nobody made: memory, and searched as that."""

Pieces = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Place:
    """``what`` kind of place, ``where`` it is; not ``judged``: what is found there is told, and
    does not make the audit fail. ``pieces`` raises OSError for what cannot be read, which makes it
    fail if it is ``needed``."""

    what: str
    where: str
    pieces: Pieces
    judged: bool = True
    needed: bool = True


def refused(what: str, where: str, error: OSError, *, needed: bool = True) -> Place:
    """One that cannot be read."""

    def pieces() -> Iterable[bytes]:
        raise error

    return Place(what, where, pieces, needed=needed)


def files(folders: Iterable[Path], *, since: float = 0.0) -> Iterator[Place]:
    """Every regular file below ``folders`` that was changed ``since``, its name included. With
    ``since`` they are folders that others use too: what only those can read need not be, and what
    they compressed is not told."""
    views = _views()
    for folder in folders:
        closed: list[OSError] = []
        for at, below, names in os.walk(folder, onerror=closed.append):
            below[:] = [each for each in below if Path(at, each) not in views]
            for name in names:
                path = Path(at, name)
                if _changed(path, since):
                    packed = path.suffix in COMPRESSED and not since
                    content = partial(_dump if packed else _content, path)
                    needed = not (packed or since)
                    yield Place(_kind_of(path), str(path), content, needed=needed)
        for error in closed:
            if not isinstance(error, FileNotFoundError):
                yield refused("file", str(error.filename), error, needed=not since)


def _views() -> set[Path]:
    """Where one of ``VIEWS`` is mounted: in a chroot's ``/proc``, say."""
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return {Path(place) for _, place, kind, *_ in mounts if kind in VIEWS}


def _changed(path: Path, since: float) -> bool:
    """Whether it is a regular file that was: also one whose own time was set back, as copies and
    exports do, since the time of that is kept apart."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and max(found.st_mtime, found.st_ctime) >= since


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


def open_files(pid: int) -> Iterator[Place]:
    """What a process writes to, wherever it lies: its log, say, where that goes into a file."""
    try:
        links = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return  # deleted_files says so
    for link in links:
        with contextlib.suppress(OSError):
            path = link.readlink()
            if path.is_file() and _is_written(pid, link.name):
                yield Place(_kind_of(path), str(path), partial(_content, path))


def _is_written(pid: int, descriptor: str) -> bool:
    for line in Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return False


def deleted_files(pid: int) -> Iterator[Place]:
    """Files that have no name any more and are still open or mapped: nobody else can see them."""
    seen: set[tuple[int, int]] = set()
    for kind in ("fd", "map_files"):
        try:
            links = list(Path(f"/proc/{pid}/{kind}").iterdir())
        except (FileNotFoundError, ProcessLookupError):
            return
        except OSError as error:
            yield refused("deleted file", f"of process {pid}", error)
            return
        for link in links:
            yield from _deleted(pid, link, seen)


def _deleted(pid: int, link: Path, seen: set[tuple[int, int]]) -> Iterator[Place]:
    """The file behind the link, if it is one and was not ``seen``. What is mapped of it is memory
    and searched there too: where the kernel lets nobody follow a mapping, as in many containers,
    only the rest of the file is left out, and that is said."""
    mapped, target = link.parent.name == "map_files", ""
    try:
        target = str(link.readlink())
        anonymous = mapped and target.startswith(SHARED_ANONYMOUS)
        if anonymous or not _is_deleted(target) or not stat.S_ISREG((found := link.stat()).st_mode):
            return
    except (FileNotFoundError, ProcessLookupError):
        return
    except OSError as error:
        rest = ", what is not mapped of it" if mapped else ""
        where = f"{target or link} of process {pid}{rest}"
        yield refused("deleted file", where, error, needed=not mapped)
        return
    if (file := (found.st_dev, found.st_ino)) not in seen:
        seen.add(file)
        where = f"{target}, inode {found.st_ino}, of process {pid}"
        yield Place("deleted file", where, partial(_content, link))


def _is_deleted(shown: str) -> bool:
    return shown.endswith(" (deleted)")


def memory(pid: int, name: str, *, judged: bool = True) -> Iterator[Place]:
    """Every region of a live process that can be read, but for shared ones of files that have a
    name: those are files. One that ended before all was read was not searched."""
    try:
        yield from _regions(pid, name, _maps(pid), judged)
        _maps(pid)
    except OSError as error:
        yield refused("memory", f"of {name}", error, needed=judged)


def _maps(pid: int) -> list[str]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        if maps := Path(f"/proc/{pid}/maps").read_text().splitlines():
            return maps
    raise OSError(0, "the process has ended")


def _regions(pid: int, name: str, maps: list[str], judged: bool) -> Iterator[Place]:
    for line in maps:
        span, rights, _, _, inode, *path = line.split(maxsplit=5)
        shown = path[0] if path else "anonymous"
        if rights[0] != "r" or shown.startswith("[v"):
            continue
        if rights[3] == "s" and inode != "0" and _has_a_name(shown):
            continue
        start, end = (int(side, 16) for side in span.split("-"))
        yield Place(
            "memory" if judged else f"memory of {name}", f"{name}, {_region(shown)}",
            partial(_region_pieces, pid, start, end), judged, judged,
        )  # fmt: skip


def _has_a_name(shown: str) -> bool:
    """Whether the file of a mapping can be found in a folder."""
    return not shown.startswith(("/dev/", "/memfd")) and not _is_deleted(shown)


def _region(shown: str) -> str:
    return shown if shown.startswith("[") else Path(shown).name


def _region_pieces(pid: int, start: int, end: int) -> Iterator[bytes]:
    with (
        contextlib.suppress(FileNotFoundError, ProcessLookupError),
        Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory_file,
    ):
        for at in range(start, end, PIECE):
            yield from _readable(memory_file, at, min(end, at + PIECE + OVERLAP))


def _readable(memory_file: BinaryIO, at: int, end: int) -> Iterator[bytes]:
    """Past what was given back to the kernel since the map was read."""
    while at < end:
        try:
            memory_file.seek(at)
            data = memory_file.read(end - at)
        except OSError:
            data = b""
        yield data
        at += len(data) or PAGE


def journal(since: float) -> Iterator[Place]:
    """All that systemd's journal took in since, with every field of it."""
    if shutil.which("journalctl"):
        words = ["journalctl", "--since", f"@{int(since)}", "--output", "export", "--no-pager"]
        yield Place("journal", "every unit, every field", lambda: _printed(words))


def _printed(words: Sequence[str]) -> Iterator[bytes]:
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        yield from _pieces(process.stdout.read)
    if process.returncode:
        raise OSError(process.returncode, f"{words[0]} ended with {process.returncode}")


def core_dumps(pids: Iterable[int], since: float) -> Iterator[Place]:
    """Where the kernel's pattern, systemd and Ubuntu put them, and the working directories. One
    that is compressed, as the last two do it, cannot be searched."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    sought = {(folder, "*") for folder in CORE_DUMPS}
    sought |= {(_working_directory(pid), "core*") for pid in pids}
    if pattern.startswith("/"):
        sought.add((Path(pattern).parent, Path(pattern).name.partition("%")[0] + "*"))
    for folder, named in sought:
        for path in folder.glob(named):
            if _changed(path, since):
                yield Place("core dump", str(path), partial(_dump, path))


def _dump(path: Path) -> Iterator[bytes]:
    yield from _content(path)
    if path.suffix in COMPRESSED:
        raise OSError(0, "it is compressed: unpack it, and search that")


def _working_directory(pid: int) -> Path:
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return Path("/")


def swapped_kib(pid: int) -> int:
    """KiB of a process that lie in swap, where nobody can search them."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmSwap:"):
                return int(line.split()[1])
    return 0
