"""An installed wheel works without the checkout: profiles, dialplans, catalogues travel in it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    words = ["-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, CHECKOUT]
    subprocess.run([sys.executable, *words], check=True, timeout=300)
    (built,) = folder.glob("tipline_gw-*.whl")
    return built


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """Runs the wheel's own code, far from the checkout."""
    target = tmp_path_factory.mktemp("site")
    words = ["-m", "pip", "install", "-q", "--no-deps", "--target", target, wheel]
    subprocess.run([sys.executable, *words], check=True, timeout=300)
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def run_(*words: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, words)], cwd=target, env=environment,
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert str(target) in run_("-c", "import tipline_gw; print(tipline_gw.__file__)")
    return run_


def test_the_data_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in (
        "tipline_gw/_data/modem_profiles/generic/generic.toml",
        "tipline_gw/_data/dialplans/asterisk/extensions.conf",
        "tipline_gw/_data/config/tipline.toml",
        "tipline_gw/_data/systemd/tipline-gw.service",
        "tipline_gw/catalogues/es.po",
        "tipline_gw/catalogues/en.po",
        "tipline_gw/store/migrations/script.py.mako",
        "tipline_gw/store/migrations/versions/0001_first_tables.py",
        "tipline_gw/py.typed",
    ):
        assert name in names
    assert not [name for name in names if name.startswith("tests")]


def test_it_sets_up_checks_and_configures(run, tmp_path):
    gateway = tmp_path / "gw"
    run("-m", "tipline_gw", "init", gateway, "--demo-keys")
    options = ("-m", "tipline_gw", "--config", gateway / "tipline.toml")
    assert "0 to mend" in run(*options, "check")
    run(*options, "asterisk-config", tmp_path / "asterisk")
    assert (tmp_path / "asterisk" / "extensions.conf").is_file()
    assert run(*options, "tips", "list", "--json").strip() == "[]"
