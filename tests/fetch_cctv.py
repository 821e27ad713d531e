"""The C2SP CCTV vectors of the age format, fetched once from npm and kept outside the checkout.

The package is a JavaScript module that holds each vector as a base64 string; it is read here as
text, never run. Its version and digest are pinned: other vectors are a change someone makes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "cctv-age"
VERSION = "0.2.0"
DIGEST = "3b795b89c8500746cdb23abf7176511683d31b5a50129676267aab2346bf161c"
TOTAL = 143

_VECTOR = re.compile(r'^// \.\./testdata/(\S+)\nvar \S+ = __toBinary\("([^"]*)"\)', re.MULTILINE)


@dataclass(frozen=True)
class Vector:
    """One vector: what a reader must answer (``expect``) to ``file``, given ``identities``."""

    name: str
    expect: str
    identities: tuple[str, ...]
    passphrases: tuple[str, ...]
    armored: bool
    payload: str | None
    file_key: bytes
    file: bytes


def vectors() -> list[Vector]:
    """All of them, in the package's order."""
    found = _VECTOR.findall(_module().read_text("utf-8"))
    assert len(found) == TOTAL, f"{len(found)} vectors instead of {TOTAL} in {PACKAGE} {VERSION}"
    return [_vector(name, _decode(text)) for name, text in found]


def _module() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tipline-gw"
    module = cache / f"{PACKAGE}-{VERSION}.js"
    if not module.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            _fetch(Path(scratch)).replace(module)
    digest = hashlib.sha256(module.read_bytes()).hexdigest()
    assert digest == DIGEST, f"{module} is not {PACKAGE} {VERSION}: remove it and run again"
    return module


def _fetch(scratch: Path) -> Path:
    npm = shutil.which("npm")
    assert npm, "the age test vectors come from npm, which is not installed: apt-get install npm"
    packed = subprocess.run(
        [npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"],
        cwd=scratch,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert packed.returncode == 0, f"npm pack {PACKAGE}@{VERSION} failed:\n{packed.stderr}"
    with tarfile.open(scratch / packed.stdout.split()[-1]) as archive:
        member = archive.extractfile("package/index.js")
        assert member
        (scratch / "index.js").write_bytes(member.read())
    return scratch / "index.js"


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _vector(name: str, data: bytes) -> Vector:
    head, _, file = data.partition(b"\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.decode("utf-8").split("\n"):
        key, _, value = line.partition(": ")
        fields.setdefault(key, []).append(value)
    if fields.get("compressed") == ["zlib"]:
        file = zlib.decompress(file)
    return Vector(
        name=name,
        expect=fields["expect"][0],
        identities=tuple(fields.get("identity", ())),
        passphrases=tuple(fields.get("passphrase", ())),
        armored=fields.get("armored") == ["yes"],
        payload=fields.get("payload", [None])[0],
        file_key=bytes.fromhex(fields["file key"][0]),
        file=file,
    )
