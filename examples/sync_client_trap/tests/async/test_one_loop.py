"""Several tests on one loop, with one application: loop scopes instead of an `event_loop` fixture.

The fixture and the tests name the same scope. That is all that a fixture of one's own for the loop was ever for.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from async_test_runner.kit import AsyncTestClient, override_dependency
from sqlalchemy import StaticPool
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.database import get_session
from app.main import create_app
from app.models import Base

pytestmark = pytest.mark.asyncio(loop_scope="module")

loops: set[asyncio.AbstractEventLoop] = set()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[AsyncTestClient]:
    """One application for the tests of this module, on a database of its own."""
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)

    async def session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session

    app = create_app()
    with override_dependency(app, get_session, session):
        async with AsyncTestClient(app) as client:
            response = await client.post("/items", json={"name": "pen", "stock": 100})
            assert response.status_code == 201
            yield client
    await engine.dispose()


@pytest.mark.parametrize("quantity", [1, 2, 3])
async def test_the_clerk_works_on_the_loop_of_the_tests(shop: AsyncTestClient, quantity: int) -> None:
    loops.add(asyncio.get_running_loop())
    assert (await shop.post("/orders", json={"item_id": 1, "quantity": quantity})).status_code == 201
    assert len(loops) == 1
