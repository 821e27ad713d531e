"""For all tests."""

import gc
import shutil
import threading

import pytest

from tipline_gw import setup


def pytest_collection_finish(session):
    """Callers and modems of the tests live in this process. A collector that looks through
    thousands of collected tests stops them for a fifth of a second, and their keys are lost."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def spoken_once(tmp_path_factory):
    """Each gateway that a test sets up in this process finds its prompts spoken already, and builds
    what it finds missing or changed: nothing. That ``init`` speaks them all is seen where the
    command itself is run."""
    build, lock = setup.build, threading.Lock()
    folder = tmp_path_factory.mktemp("spoken")

    def at_hand(directory, languages, emergency):
        spoken = folder / "-".join((*languages, emergency))
        with lock:
            if not spoken.exists():
                build(spoken, languages, emergency)
        shutil.copytree(spoken, directory, dirs_exist_ok=True)
        return build(directory, languages, emergency)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setup, "build", at_hand)
        yield
