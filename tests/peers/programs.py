"""The distribution's own programs, installed where they are missing and can be."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STOP_SECONDS = 20


def find(program: str, package: str) -> str:
    """The path of ``program``. AssertionError that says what to install."""
    if not shutil.which(program):
        install(package)
    found = shutil.which(program)
    assert found, f"{program} is missing: apt-get install {package} (needs root), then again"
    return found


def install(package: str) -> None:
    """By apt-get, as root; does nothing where that is not to be had."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    words = ["apt-get", "install", "-y", "--no-install-recommends", package]
    if subprocess.run(words, env=environment, capture_output=True).returncode:
        subprocess.run(["apt-get", "update"], check=True, capture_output=True)
        subprocess.run(words, env=environment, check=True, capture_output=True)


@contextmanager
def running(command: list[str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon in the foreground, its words in ``output``; asked to end at the end, then made."""
    with output.open("wb") as words:
        daemon = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True
        )
        try:
            yield daemon
        finally:
            daemon.terminate()
            try:
                daemon.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
