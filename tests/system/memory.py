"""Reads the memory of a live process, as a debugger of root's would."""

from collections.abc import Iterator
from pathlib import Path

from tipline_gw.demo.search import search_octets

PIECE = 1 << 24
OVERLAP = 64


def pieces(pid: int) -> Iterator[tuple[str, bytes]]:
    """Every readable private region, in overlapping pieces, with the line that describes it."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in lines:
            span, rights, *_ = line.split()
            if rights[0] != "r" or rights[3] != "p" or "[v" in line:
                continue
            start, end = (int(side, 16) for side in span.split("-"))
            for at in range(start, end, PIECE):
                yield line, _read(memory, at, min(end - at, PIECE + OVERLAP))


def _read(memory, at: int, size: int) -> bytes:
    try:
        memory.seek(at)
        return memory.read(size)
    except OSError:  # given back to the kernel since the map was read
        return b""


def residue(pid: int, numbers: list[str], shared: str) -> list[tuple[str, str]]:
    """The forms found and where. ``shared``: the digits that all ``numbers`` have in common after
    the country's; a piece of memory without them is not searched for each."""
    found = []
    for region, data in pieces(pid):
        if any(search_octets(data, [shared])):
            found += [(form, region) for form in search_octets(data, numbers)]
    return found
