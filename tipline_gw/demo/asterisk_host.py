"""Finds a real Asterisk for the demonstration and the tests, starts it, and ends it surely.

Either the machine's own, new enough, with SIPp beside it; or the root that
``tests/asterisk/prepare`` makes, which Asterisk and SIPp are started in by ``chroot``: it shares
the loopback with the host, and nothing else. An Asterisk started here knows only the
configuration it was given; one that is already running on this machine is not touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tipline_gw.asterisk_release import installed, parse
from tipline_gw.errors import VoiceError

STAMPS = ".tipline-ready-*"
BOOT_SECONDS = 30.0
STOP_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Host:
    """Where Asterisk and SIPp run: this machine (``root`` is ``/``), or a root within it."""

    root: Path

    def command(self, *words: str) -> list[str]:
        """``words`` as they are started from out here."""
        return list(words) if self.root == Path("/") else ["chroot", str(self.root), *words]

    def inside(self, path: Path) -> str:
        """The name of a file in there, of one named from out here."""
        return "/" + path.relative_to(self.root).as_posix()

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Path]:
        """A fresh directory under its ``/tmp``, named from out here; removed at the end."""
        path = Path(tempfile.mkdtemp(prefix="tipline-", dir=self.root / "tmp"))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def find_host() -> Host:
    """VoiceError, saying what to install, when there is none."""
    if shutil.which("asterisk") and shutil.which("sipp") and _new_enough():
        return Host(Path("/"))
    root = prepared_root()
    if any(root.glob(STAMPS)) and os.geteuid() == 0:
        return Host(root)
    raise VoiceError(
        "no usable Asterisk and SIPp on this machine",
        "install asterisk (22.4 or newer) and sip-tester, or run tests/asterisk/prepare as root "
        "and this as root too",
    )


def prepared_root() -> Path:
    """Where ``tests/asterisk/prepare`` puts its root, whether it is there or not."""
    if named := os.environ.get("TIPLINE_TEST_ROOT"):
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "tipline-gw" / "asterisk-root"


def _new_enough() -> bool:
    release = installed(Path("/"))
    return release is not None and release.passes_keys_on


class Asterisk:
    """One Asterisk in its own process group. As a context manager: booted, then gone."""

    def __init__(self, host: Host, directory: Path) -> None:
        self._host = host
        self._conf = f"{host.inside(directory)}/asterisk.conf"
        self._lines: list[str] = []
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> list[str]:
        """Every line it wrote to its console so far. In RAM: it may quote a number."""
        return list(self._lines)

    @property
    def complaints(self) -> list[str]:
        return [line for line in self._lines if re.search(r"\b(ERROR|WARNING)\b", line)]

    def __enter__(self) -> Asterisk:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when it is fully booted; VoiceError if that does not happen."""
        self._process = subprocess.Popen(
            self._host.command("asterisk", "-f", "-C", self._conf),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reader.start()
        try:
            self._await_boot(self._process)
        except VoiceError:
            self.stop()
            raise

    def console(self, command: str) -> str:
        """What a command of Asterisk's own console answers; VoiceError if there is no console."""
        answer = subprocess.run(
            self._host.command("asterisk", "-C", self._conf, "-rx", command),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=BOOT_SECONDS,
            check=False,
        )
        if answer.returncode != 0:
            raise VoiceError("Asterisk's console does not answer")
        return answer.stdout

    def kill(self) -> None:
        """As a crash would end it: at once. It may be started again."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it and all it started, first kindly. May be called again."""
        self._end(signal.SIGTERM, signal.SIGKILL)

    def _end(self, *signals: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for number in signals:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
                break
        if self._reader is not None:
            self._reader.join(STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._lines.append(line.rstrip())

    def _await_boot(self, process: subprocess.Popen[str]) -> None:
        until = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(VoiceError, subprocess.TimeoutExpired):
                # Its console is there before its commands are, and not all of them come at once.
                booted = "fully booted" in self.console("core waitfullybooted")
                if booted and parse(self.console("core show version")):
                    return
            time.sleep(0.1)
        raise VoiceError("Asterisk did not start", "its log says why; is another one on the port?")
