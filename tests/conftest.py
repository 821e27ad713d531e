"""For all tests."""

import gc


def pytest_collection_finish(session):
    """Callers and modems of the tests live in this process. A collector that looks through
    thousands of collected tests stops them for a fifth of a second, and their keys are lost."""
    gc.collect()
    gc.freeze()
