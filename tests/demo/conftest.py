"""A virtual modem for a test, and the independent program that it is put to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.demo.terminal import Terminal
from tests.peers.programs import find
from tipline_gw.demo.virtual_modem import VirtualModem

Plug = Callable[..., VirtualModem]


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Plug]:
    """Start virtual modems with options of the command line; all are stopped after the test."""
    with ExitStack() as stack:

        def start(*options: str, name: str = "gsm") -> VirtualModem:
            modem = VirtualModem(tmp_path / name, tmp_path / f"{name}.control", *options)
            return stack.enter_context(modem)

        yield start


@pytest.fixture
def modem(plug: Plug) -> VirtualModem:
    return plug()


@pytest.fixture
def terminal(modem: VirtualModem) -> Iterator[Terminal]:
    with Terminal(modem.link) as open_terminal:
        yield open_terminal


@pytest.fixture(scope="session")
def gammu_smsd() -> str:
    """The distribution's gammu-smsd, installed where it is missing and can be."""
    return find("gammu-smsd", "gammu-smsd")
