import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tipline_gw.demo.stage import free_port, running

TIPLINE = Path(sys.executable).with_name("tipline-gw")
BOUND = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""Before a command: permissions bind it, also where the tests are root's."""


def tipline(*args, config: Path | None = None, stdin: str | None = None, prefix=()):
    """The installed command, as a person calls it."""
    options = ["--config", str(config)] if config else []
    return subprocess.run(
        [*prefix, TIPLINE, *options, *map(str, args)],
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


@pytest.fixture
def daemon(gateway):
    with running(gateway) as made:
        yield made
