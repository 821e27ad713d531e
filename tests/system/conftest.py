"""The real thing or nothing: these tests need root and an Asterisk, and say how to get them."""

import gc
import os

import pytest

from tipline_gw.demo.asterisk_host import find_host
from tipline_gw.errors import TiplineError


@pytest.fixture(scope="module", autouse=True)
def collector():
    """What earlier modules left is not looked through while callers speak."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def host():
    """Where Asterisk, SIPp and age run."""
    try:
        return find_host()
    except TiplineError as error:
        pytest.fail(f"{error}")


@pytest.fixture(scope="session")
def root():
    """Mounting, and reading another process's memory, are root's."""
    if os.geteuid() != 0:
        pytest.fail("this test mounts a small disk and reads memory: run the tests as root")
