import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

TIPLINE = Path(sys.executable).with_name("tipline-gw")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def tipline(*args, config: Path | None = None, stdin: str | None = None):
    """The installed command, as a person calls it."""
    options = ["--config", str(config)] if config else []
    return subprocess.run(
        [TIPLINE, *options, *map(str, args)],
        input=stdin, capture_output=True, text=True, timeout=120,
        env={k: v for k, v in os.environ.items() if not k.startswith("TIPLINE_")},
    )  # fmt: skip


@pytest.fixture(scope="session")
def initialised(tmp_path_factory) -> Path:
    """A directory as init leaves it; copy it, do not change it."""
    directory = tmp_path_factory.mktemp("init") / "gw"
    done = tipline("init", directory, "--demo-keys")
    assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture
def gateway(initialised, tmp_path) -> Path:
    """The configuration file of a gateway of the test's own, on free ports."""
    directory = tmp_path / "gw"
    shutil.copytree(initialised, directory)
    config = directory / "tipline.toml"
    text = config.read_text().replace(str(initialised), str(directory))
    for key in ("agi_listen", "audio_listen", "listen"):
        text = re.sub(rf'(?m)^{key} = "[^"]*"', f'{key} = "127.0.0.1:{free_port()}"', text)
    config.write_text(text)
    return config


class Running:
    """``run`` in a process of its own, its log in a file."""

    def __init__(self, config: Path) -> None:
        self.log = config.parent / "log"
        self.listen = re.search(r'(?m)^listen = "([^"]*)"', config.read_text())[1]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [TIPLINE, "--config", str(config), "--log-level", "debug", "run"],
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def get(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()

    def wait_ready(self) -> None:
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail(f"the daemon did not get ready: {self.log.read_text()[-2000:]}")

    def terminate(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


@pytest.fixture
def running(gateway):
    daemon = Running(gateway)
    try:
        daemon.wait_ready()
        yield daemon
    finally:
        daemon.process.kill()
        daemon.process.wait()
