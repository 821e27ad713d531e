"""A real Asterisk for this room: prepared once, kept outside the checkout."""

from __future__ import annotations

import math
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tipline_gw.demo.asterisk_host import Host, prepared_root

PREPARE = Path(__file__).parents[1] / "asterisk" / "prepare"


@pytest.fixture(scope="session")
def host() -> Host:
    """The prepared root with Asterisk, SIPp and espeak-ng; made if it is not there yet."""
    made = subprocess.run([PREPARE], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.fail(f"no Asterisk to test with: {made.stderr.strip()[-400:]}", pytrace=False)
    assert made.stdout.strip() == str(prepared_root())
    return Host(prepared_root())


@pytest.fixture
def workspace(host: Host) -> Iterator[Path]:
    with host.workspace() as path:
        yield path


def tone(hertz: float, seconds: float) -> bytes:
    """Signed linear, 16 bit, 8 kHz."""
    return b"".join(
        struct.pack("<h", int(8000 * math.sin(2 * math.pi * hertz * n / 8000)))
        for n in range(int(8000 * seconds))
    )


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A tone of its own pitch for each name and language."""
    lengths = {"menu": 3.0, "tone": 0.3, "thanks": 1.0, "cannot-take-now": 1.0}
    for base, language in ((400, "es"), (900, "en")):
        folder = tmp_path / "prompts" / language
        folder.mkdir(parents=True)
        for number, (name, seconds) in enumerate(lengths.items()):
            (folder / f"{name}.sln").write_bytes(tone(base + 100 * number, seconds))
    return tmp_path / "prompts"
