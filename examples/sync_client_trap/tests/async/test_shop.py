"""The same tests as coroutines: test, application and database on one loop, in one transaction."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from async_test_runner.kit import AsyncTestClient, override_dependency
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.database import get_session
from app.models import Item, Order

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def item(async_session: AsyncSession) -> Item:
    item = Item(name="pen", stock=3)
    async_session.add(item)
    await async_session.commit()
    return item


async def test_a_new_item(async_client: AsyncTestClient) -> None:
    response = await async_client.post("/items", json={"name": "pen", "stock": 3})
    assert response.status_code == 201
    assert (await async_client.get("/items")).json() == [response.json()]


async def test_an_item_of_the_test_is_listed(async_client: AsyncTestClient, async_session: AsyncSession) -> None:
    async_session.add(Item(name="nib", stock=1))
    await async_session.commit()
    assert [found["name"] for found in (await async_client.get("/items")).json()] == ["nib"]


async def test_an_order_is_placed(async_client: AsyncTestClient, item: Item, async_session: AsyncSession) -> None:
    response = await async_client.post("/orders", json={"item_id": item.id, "quantity": 2})
    assert response.status_code == 201
    await async_session.refresh(item)
    assert item.stock == 1
    assert await async_session.scalar(select(func.sum(Order.quantity))) == 2


async def test_an_order_of_too_many(async_client: AsyncTestClient, item: Item) -> None:
    response = await async_client.post("/orders", json={"item_id": item.id, "quantity": 4})
    assert (response.status_code, response.json()) == (409, {"detail": "3 left, 4 wanted"})


async def test_an_order_of_nothing_there_is(async_client: AsyncTestClient) -> None:
    assert (await async_client.post("/orders", json={"item_id": 42})).status_code == 404


async def test_orders_at_the_same_time_get_no_more_than_there_is(app: FastAPI, isolated_engine: AsyncEngine) -> None:
    """Requests at the same time need connections of their own, and so a database of the test's own."""

    async def session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(isolated_engine, expire_on_commit=False) as session:
            yield session

    with override_dependency(app, get_session, session):
        async with AsyncTestClient(app) as client:
            item = (await client.post("/items", json={"name": "pen", "stock": 3})).json()
            orders = (client.post("/orders", json={"item_id": item["id"]}) for _ in range(5))
            answers = await asyncio.gather(*orders)
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 409, 409]
