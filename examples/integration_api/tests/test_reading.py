"""GET /users/ and /users/{id}"""

from collections.abc import Awaitable, Callable

import pytest
from async_test_runner.kit import AsyncTestClient

from app.models import User

MakeUser = Callable[..., Awaitable[User]]


async def test_without_users_the_list_is_empty(client: AsyncTestClient) -> None:
    response = await client.get("/users/")
    assert (response.status_code, response.json()) == (200, [])


async def test_a_user_is_read_by_id(client: AsyncTestClient, make_user: MakeUser) -> None:
    user = await make_user()
    response = await client.get(f"/users/{user.id}")
    assert response.status_code == 200
    assert response.json() == {"id": user.id, "email": "ada@example.com", "name": "Ada", "is_active": True}


async def test_users_come_in_the_order_of_their_ids(client: AsyncTestClient, make_user: MakeUser) -> None:
    for name in ("zoe", "ada", "mia"):
        await make_user(f"{name}@example.com", name)
    assert [user["name"] for user in (await client.get("/users/")).json()] == ["zoe", "ada", "mia"]


@pytest.mark.parametrize(
    ("query", "names"),
    [({"limit": 2}, ["u0", "u1"]), ({"offset": 3}, ["u3", "u4"]), ({"limit": 1, "offset": 2}, ["u2"])],
    ids=["limit", "offset", "both"],
)
async def test_a_page_of_users(
    client: AsyncTestClient, make_user: MakeUser, query: dict[str, int], names: list[str]
) -> None:
    for number in range(5):
        await make_user(f"u{number}@example.com", f"u{number}")
    response = await client.get("/users/", params=query)
    assert [user["name"] for user in response.json()] == names


async def test_only_active_users(client: AsyncTestClient, make_user: MakeUser) -> None:
    await make_user("ada@example.com", "Ada")
    await make_user("bob@example.com", "Bob", is_active=False)
    assert [user["name"] for user in (await client.get("/users/", params={"active": True})).json()] == ["Ada"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"offset": -1}], ids=str)
async def test_a_page_that_cannot_be(client: AsyncTestClient, query: dict[str, int]) -> None:
    assert (await client.get("/users/", params=query)).status_code == 422


async def test_a_user_that_is_not_there(client: AsyncTestClient) -> None:
    response = await client.get("/users/42")
    assert (response.status_code, response.json()) == (404, {"detail": "there is no user 42"})


async def test_an_id_that_is_no_number(client: AsyncTestClient) -> None:
    assert (await client.get("/users/ada")).status_code == 422
