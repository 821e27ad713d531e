from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import fetch_cctv
from tests.sealing import stock_age
from tipline_gw.sealing.identities import ClassicIdentity, HybridIdentity, Identity
from tipline_gw.sealing.recipients import Recipients


@pytest.fixture(scope="session")
def age() -> Iterator[stock_age.StockAge]:
    tool = stock_age.find()
    yield tool
    tool.close()


@pytest.fixture(scope="session")
def vectors() -> list[fetch_cctv.Vector]:
    return fetch_cctv.vectors()


@pytest.fixture(scope="session", params=[HybridIdentity, ClassicIdentity], ids=["hybrid", "x25519"])
def identity(request: pytest.FixtureRequest) -> Identity:
    return request.param.generate()


@pytest.fixture(scope="session")
def recipients(identity: Identity) -> Recipients:
    return Recipients((identity.recipient,))
