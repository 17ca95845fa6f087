"""From registration to token, on the asyncio driver."""

from collections.abc import Callable

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

import factories
from app.audit import Action, find
from app.models import User
from app.security import read_token
from app.settings import Settings

pytestmark = pytest.mark.async_db

Auth = Callable[[User], dict[str, str]]


async def login(client: AsyncClient, email: str, password: str = factories.PASSWORD) -> Response:
    return await client.post("/api/v1/auth/login", data={"username": email, "password": password})


async def test_a_registered_user_logs_in_and_sees_the_own_account(async_client: AsyncClient) -> None:
    email = factories.email("ada")
    body = {"email": email, "password": factories.PASSWORD, "full_name": "Ada Lovelace"}
    assert (await async_client.post("/api/v1/auth/register", json=body)).status_code == 201
    token = (await login(async_client, email)).json()["access_token"]
    me = await async_client.get("/api/v1/users/me", headers=factories.bearer(token))
    assert (me.json()["email"], me.json()["full_name"]) == (email, "Ada Lovelace")


async def test_a_login_returns_a_token_of_that_user(
    async_client: AsyncClient, db_user: User, settings: Settings
) -> None:
    response = await login(async_client, db_user.email)
    assert response.status_code == 200, response.text
    assert read_token(response.json()["access_token"], settings) == db_user.id


async def test_the_address_may_be_typed_in_capitals(async_client: AsyncClient, db_user: User) -> None:
    assert (await login(async_client, f" {db_user.email.upper()} ")).status_code == 200


async def test_a_wrong_password_is_refused(async_client: AsyncClient, db_user: User) -> None:
    response = await login(async_client, db_user.email, "wrong-password-1")
    assert (response.status_code, response.json()) == (401, {"detail": "wrong e-mail address or password"})


async def test_an_unknown_address_is_refused(async_client: AsyncClient) -> None:
    assert (await login(async_client, factories.email("nobody"))).status_code == 401


async def test_a_locked_user_does_not_log_in(
    async_client: AsyncClient, db_user: User, async_session: AsyncSession
) -> None:
    db_user.is_active = False
    await async_session.commit()
    assert (await login(async_client, db_user.email)).status_code == 401


async def test_a_failed_login_is_on_record(
    async_client: AsyncClient, db_user: User, async_session: AsyncSession
) -> None:
    await login(async_client, db_user.email, "wrong-password-1")
    rows, total = await find(async_session, actor_id=db_user.id)
    assert (total, rows[0]["action"], rows[0]["target"]) == (1, Action.login_failed, db_user.email)


async def test_a_changed_password_logs_in_and_the_old_one_does_not(
    async_client: AsyncClient, db_user: User, auth: Auth
) -> None:
    body = {"current": factories.PASSWORD, "new": "another-horse-2"}
    changed = await async_client.post("/api/v1/users/me/password", json=body, headers=auth(db_user))
    assert changed.status_code == 204
    assert (await login(async_client, db_user.email)).status_code == 401
    assert (await login(async_client, db_user.email, "another-horse-2")).status_code == 200


async def test_five_wrong_passwords_lock_the_address_out_for_a_while(async_client: AsyncClient, db_user: User) -> None:
    for _ in range(5):
        assert (await login(async_client, db_user.email, "wrong-password-1")).status_code == 401
    assert (await login(async_client, db_user.email)).status_code == 429


async def test_a_second_registration_of_an_address_is_refused(
    async_client: AsyncClient, db_user: User, async_session: AsyncSession
) -> None:
    body = {"email": db_user.email, "password": factories.PASSWORD}
    assert (await async_client.post("/api/v1/auth/register", json=body)).status_code == 409
    assert len((await async_session.scalars(select(User).where(User.email == db_user.email))).all()) == 1


async def test_an_administrator_locks_a_user_out_at_once(
    async_client: AsyncClient, db_user: User, db_admin: User, auth: Auth
) -> None:
    path = f"/api/v1/users/{db_user.id}"
    await async_client.patch(path, json={"is_active": False}, headers=auth(db_admin))
    assert (await async_client.get("/api/v1/users/me", headers=auth(db_user))).status_code == 401
