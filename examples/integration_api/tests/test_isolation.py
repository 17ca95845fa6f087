"""What keeps these tests apart from each other and from production."""

from collections.abc import Awaitable, Callable

import pytest
from async_test_runner.kit import AsyncTestClient
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import get_session
from app.models import User

MakeUser = Callable[..., Awaitable[User]]


@pytest.mark.parametrize("time", ["first", "second"])
async def test_no_state_leaks_from_test_to_test(client: AsyncTestClient, session: AsyncSession, time: str) -> None:
    """Both find an empty database and leave a row with the same address, really committed, and with the same id."""
    assert await session.scalar(select(func.count(User.id))) == 0
    response = await client.post("/users/", json={"email": "ada@example.com", "name": time})
    assert (response.status_code, response.json()["id"]) == (201, 1)


async def test_requests_use_the_database_of_the_test(app: FastAPI, client: AsyncTestClient) -> None:
    assert get_session in app.dependency_overrides
    assert (await client.get("/users/")).status_code == 200


async def test_without_the_override_a_test_does_not_reach_production(app: FastAPI) -> None:
    async with AsyncTestClient(app) as client:
        with pytest.raises(AssertionError, match="database of production"):
            await client.get("/api/v1/users/")


async def test_applications_share_no_overrides(app: FastAPI) -> None:
    assert app.dependency_overrides == {}
