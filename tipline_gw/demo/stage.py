"""Sets the stage: a gateway in a directory of its own, as an operator sets one up.

The daemon runs in a process of its own at log level debug, because that is when most is said.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tipline_gw.errors import ConfigError, TiplineError
from tipline_gw.setup import prepare

READY_SECONDS = 60.0
STOP_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def set_up(directory: Path, modems: dict[str, Path]) -> Path:
    """``init --demo-keys`` into ``directory``, on free ports, with ``modems`` (name: port).
    Gives the configuration file."""
    for _ in prepare(directory, demo_keys=True):
        pass
    config = directory / "tipline.toml"
    text = config.read_text()
    for key in ("agi_listen", "audio_listen", "listen"):
        text = re.sub(rf'(?m)^{key} = "[^"]*"', f'{key} = "127.0.0.1:{free_port()}"', text)
    for name, port in modems.items():
        text += f'\n[[modem]]\nname = "{name}"\nport = "{port}"\nprofile = "auto"\n'
    config.write_text(text)
    return config


def tipline(config: Path, *words: str | Path) -> str:
    """Any command of ``tipline-gw``, in a process of its own; what it printed."""
    done = subprocess.run(
        [*_command(config), *map(str, words)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise TiplineError(f"tipline-gw {words[0]} failed", (done.stderr or done.stdout).strip())
    return done.stdout


def _command(config: Path) -> list[str]:
    return [sys.executable, "-m", "tipline_gw", "--config", str(config)]


class Gateway:
    """The daemon, from ready to stopped. ``log``: all it printed."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self.log = config.parent / "daemon.log"
        text = config.read_text()
        listens = re.findall(r'(?m)^(\w*listen) = "([^"]*)"', text)
        self._metrics = dict(listens)["listen"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_command(self.config), "--log-level", "debug", "run"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._await_ready()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """The core, and the modem side while there is one."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [self.pid, *(int(pid) for task in tasks for pid in task.read_text().split())]

    def page(self, path: str) -> tuple[int, str]:
        """/readyz, /healthz or /metrics: status and text; 0 while nothing answers."""
        with contextlib.closing(http.client.HTTPConnection(self._metrics, timeout=5)) as asked:
            try:
                asked.request("GET", path)
                answer = asked.getresponse()
                return answer.status, answer.read().decode()
            except (OSError, http.client.HTTPException):
                return 0, ""

    def count(self, metric: str) -> float:
        """The sum of a metric over its labels."""
        found = re.findall(
            rf"(?m)^tipline_{metric}(?:\{{[^}}]*\}})? (\S+)$", self.page("/metrics")[1]
        )
        return sum(map(float, found))

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _await_ready(self) -> None:
        assert self._process is not None
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            if self.page("/readyz")[0] == 200 and self._modems_up():
                return
            time.sleep(0.05)
        raise ConfigError("the daemon did not get ready", f"see {self.log}")

    def _modems_up(self) -> bool:
        wanted = self.config.read_text().count("\n[[modem]]")
        return self.count("modem_up") == wanted


@contextlib.contextmanager
def running(config: Path) -> Iterator[Gateway]:
    """A daemon that is gone at the end, however that comes."""
    gateway = Gateway(config)
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.kill()


def until(holds: object, seconds: float) -> bool:
    """Wait until ``holds()``; whether it came to that."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return bool(holds())


def opened(files: Sequence[Path], key: Path, age: Sequence[str]) -> dict[str, bytes]:
    """Every file decrypted by the stock ``age`` (the words that start it); by file name."""
    plain = {}
    for file in files:
        done = subprocess.run(
            [*age, "-d", "-i", str(key), str(file)], capture_output=True, check=False
        )
        if done.returncode == 0:
            plain[file.name] = done.stdout
    return plain
