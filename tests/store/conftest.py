import pytest

from tipline_gw.store import engine as engines
from tipline_gw.store.writer import Writer


@pytest.fixture
def engine(tmp_path):
    made = engines.open_engine(f"sqlite:///{tmp_path / 'tips.db'}")
    engines.migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def writer(engine):
    made = Writer(engine)
    yield made
    made.close()
