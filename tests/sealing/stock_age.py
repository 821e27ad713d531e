"""The stock ``age`` and ``age-keygen``, 1.3 or newer: of this host, or of the tests' own root.

The root sees nothing outside itself, so files are placed in a directory of its own in its /tmp.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

PREPARE = Path(__file__).parents[1] / "asterisk" / "prepare"
NEEDED = (1, 3)


class StockAge:
    """``age("-d", "-i", path)`` runs it; ``place`` puts a file where it sees it."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        parent = root / "tmp" if root else None
        self._folder = Path(tempfile.mkdtemp(prefix="age-", dir=parent))

    def __call__(self, *arguments: str, tool: str = "age", stdin: bytes = b"") -> bytes:
        """Its standard output. AssertionError with its words if it fails."""
        done = self.attempt(*arguments, tool=tool, stdin=stdin)
        assert done.returncode == 0, f"{tool} failed: {done.stderr.decode()}"
        return done.stdout

    def attempt(
        self, *arguments: str, tool: str = "age", stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        inside = ["chroot", str(self._root)] if self._root else []
        return subprocess.run(
            [*inside, tool, *arguments], input=stdin, capture_output=True, timeout=60
        )

    def place(self, name: str, data: bytes | str) -> str:
        """The path as age sees it."""
        path = self._folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        path.chmod(0o600)
        return f"/{path.relative_to(self._root)}" if self._root else str(path)

    def close(self) -> None:
        shutil.rmtree(self._folder)


def find() -> StockAge:
    """Raises AssertionError that says what to run, if there is none."""
    if _recent(["age", "--version"]):
        return StockAge(None)
    root = Path(subprocess.check_output([PREPARE, "--path"], text=True).strip())
    assert _recent(["chroot", str(root), "age", "--version"]), (
        f"there is no stock age {NEEDED[0]}.{NEEDED[1]} or newer on this machine, nor in {root}: "
        "run tests/asterisk/prepare as root (Debian or Ubuntu), and these tests as root"
    )
    return StockAge(root)


def _recent(command: list[str]) -> bool:
    if not shutil.which(command[0]):
        return False
    told = subprocess.run(command, capture_output=True, text=True).stdout
    version = re.match(r"v?(\d+)\.(\d+)", told)
    return version is not None and tuple(map(int, version.groups())) >= NEEDED
