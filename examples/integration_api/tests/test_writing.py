"""POST /users/ and PATCH /users/{id}"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from async_test_runner.kit import AsyncTestClient
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import User

MakeUser = Callable[..., Awaitable[User]]


async def test_a_new_user(client: AsyncTestClient, session: AsyncSession) -> None:
    response = await client.post("/users/", json={"email": " Ada@Example.com ", "name": "Ada"})
    assert response.status_code == 201
    created = response.json()
    assert response.headers["Location"] == f"/api/v1/users/{created['id']}"
    stored = await session.get_one(User, created["id"])
    assert (stored.email, stored.name, stored.is_active) == ("ada@example.com", "Ada", True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "Ada"}, "email"),
        ({"email": "ada@example.com"}, "name"),
        ({"email": "not an address", "name": "Ada"}, "email"),
        ({"email": "ada@example.com", "name": "  "}, "name"),
        ({"email": "ada@example.com", "name": "Ada", "is_admin": True}, "is_admin"),
    ],
    ids=["no address", "no name", "bad address", "blank name", "unknown field"],
)
async def test_what_is_wrong_with_a_new_user_is_named(
    client: AsyncTestClient, session: AsyncSession, body: dict[str, Any], field: str
) -> None:
    response = await client.post("/users/", json=body)
    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["detail"]] == [["body", field]]
    assert await session.scalar(select(func.count(User.id))) == 0


async def test_an_address_that_is_taken(client: AsyncTestClient, make_user: MakeUser) -> None:
    await make_user("ada@example.com")
    response = await client.post("/users/", json={"email": "ADA@example.com", "name": "Another Ada"})
    assert (response.status_code, response.json()) == (409, {"detail": "this address is taken"})


async def test_after_a_conflict_the_next_request_works(client: AsyncTestClient, make_user: MakeUser) -> None:
    await make_user("ada@example.com")
    await client.post("/users/", json={"email": "ada@example.com", "name": "Another Ada"})
    assert (await client.post("/users/", json={"email": "bob@example.com", "name": "Bob"})).status_code == 201


@pytest.mark.parametrize(
    "change", [{"name": "Ada L."}, {"email": "al@example.com"}, {"is_active": False}], ids=["name", "email", "active"]
)
async def test_a_change_leaves_the_rest_alone(
    client: AsyncTestClient, make_user: MakeUser, change: dict[str, Any]
) -> None:
    user = await make_user()
    before = (await client.get(f"/users/{user.id}")).json()
    response = await client.patch(f"/users/{user.id}", json=change)
    assert (response.status_code, response.json()) == (200, before | change)


async def test_a_change_is_in_the_database(client: AsyncTestClient, make_user: MakeUser, session: AsyncSession) -> None:
    user = await make_user()
    await client.patch(f"/users/{user.id}", json={"name": "Ada L."})
    await session.refresh(user)
    assert user.name == "Ada L."


@pytest.mark.parametrize("body", [{}, {"name": None}, {"email": "nowhere"}, {"id": 7}], ids=str)
async def test_a_change_that_cannot_be(client: AsyncTestClient, make_user: MakeUser, body: dict[str, Any]) -> None:
    user = await make_user()
    assert (await client.patch(f"/users/{user.id}", json=body)).status_code == 422


async def test_a_change_to_an_address_that_is_taken(client: AsyncTestClient, make_user: MakeUser) -> None:
    await make_user("ada@example.com")
    bob = await make_user("bob@example.com", "Bob")
    assert (await client.patch(f"/users/{bob.id}", json={"email": "ada@example.com"})).status_code == 409


async def test_a_change_of_nobody(client: AsyncTestClient) -> None:
    assert (await client.patch("/users/42", json={"name": "Nobody"})).status_code == 404
