import os

import pytest

from tests.store.conftest import postgresql

__all__ = ["postgresql", "root"]


@pytest.fixture
def root():
    """Reading another process's memory is root's."""
    if os.geteuid() != 0:
        pytest.fail("this test reads the memory of a process: run the tests as root")
