import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from orders import store
from orders.supplier import Supplier


@pytest.fixture(scope="session")
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:  # BAD: pytest-asyncio 1.x never calls it
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def db() -> Session:
    return store.open_session()  # BAD: nobody closes it


@pytest.fixture
def client() -> Supplier:
    return Supplier()  # BAD: nobody closes it
