"""Fixtures as they stand in many projects and guides. Each of them is a trap; README.md says why."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app.database import engine, get_session
from app.main import create_app, lifespan


@pytest.fixture(scope="session")
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Once the way to one loop for everything. pytest-asyncio 1.x knows no such fixture: it is dead code."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session_client() -> AsyncIterator[AsyncClient]:
    """One application for all tests, started on the loop of the session: not the one that tests run on."""
    app = create_app()
    async with lifespan(app), AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest_asyncio.fixture
async def one_connection() -> AsyncIterator[AsyncEngine]:
    """A pool of one, so that test and request work in the same transaction. Or wait for each other."""
    limited = create_async_engine(engine.url, pool_size=1, max_overflow=0)
    yield limited
    await limited.dispose()


@pytest_asyncio.fixture
async def session(one_connection: AsyncEngine) -> AsyncIterator[AsyncSession]:
    async with AsyncSession(one_connection) as session:
        yield session


@pytest.fixture
def session_of_test(one_connection: AsyncEngine) -> object:
    async def dependency() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(one_connection) as session:
            yield session

    return {get_session: dependency}
