"""API keys: shown once, stored as a digest, revoked for good."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

import factories
from app.db import utcnow
from app.models import ApiKey, User
from app.security import digest_key, make_key

pytestmark = pytest.mark.async_db

Auth = Callable[[User], dict[str, str]]


async def stored_key(session: AsyncSession, user: User) -> ApiKey:
    return (await session.scalars(select(ApiKey).where(ApiKey.user_id == user.id))).one()


async def create(client: AsyncClient, headers: dict[str, str], name: str = "ci") -> str:
    response = await client.post("/api/v1/api-keys", json={"name": name}, headers=headers)
    assert response.status_code == 201, response.text
    return str(response.json()["key"])


async def test_a_key_opens_its_owner_s_account(async_client: AsyncClient, db_user: User, auth: Auth) -> None:
    key = await create(async_client, auth(db_user))
    me = await async_client.get("/api/v1/users/me", headers={"X-API-Key": key})
    assert me.json()["id"] == db_user.id


async def test_only_a_digest_is_stored(
    async_client: AsyncClient, db_user: User, auth: Auth, async_session: AsyncSession
) -> None:
    key = await create(async_client, auth(db_user))
    stored = await stored_key(async_session, db_user)
    assert stored.key_hash == digest_key(key)
    assert key.startswith(stored.prefix)


async def test_the_list_does_not_show_the_key_again(async_client: AsyncClient, db_user: User, auth: Auth) -> None:
    key = await create(async_client, auth(db_user))
    listed = await async_client.get("/api/v1/api-keys", headers=auth(db_user))
    assert [item["name"] for item in listed.json()] == ["ci"]
    assert key not in listed.text


async def test_a_name_is_used_once_per_user(
    async_client: AsyncClient, db_user: User, db_admin: User, auth: Auth
) -> None:
    await create(async_client, auth(db_user))
    again = await async_client.post("/api/v1/api-keys", json={"name": " ci "}, headers=auth(db_user))
    assert again.status_code == 409
    await create(async_client, auth(db_admin))


async def test_a_revoked_key_opens_nothing(
    async_client: AsyncClient, db_user: User, auth: Auth, async_session: AsyncSession
) -> None:
    key = await create(async_client, auth(db_user))
    key_id = (await stored_key(async_session, db_user)).id
    assert (await async_client.delete(f"/api/v1/api-keys/{key_id}", headers=auth(db_user))).status_code == 204
    assert (await async_client.get("/api/v1/users/me", headers={"X-API-Key": key})).status_code == 401


async def test_revoking_twice_keeps_the_first_time(
    async_client: AsyncClient, db_user: User, auth: Auth, async_session: AsyncSession
) -> None:
    await create(async_client, auth(db_user))
    stored = await stored_key(async_session, db_user)
    path = f"/api/v1/api-keys/{stored.id}"
    await async_client.delete(path, headers=auth(db_user))
    await async_session.refresh(stored)
    first = stored.revoked_at
    assert first is not None
    assert (await async_client.delete(path, headers=auth(db_user))).status_code == 204
    await async_session.refresh(stored)
    assert stored.revoked_at == first


async def test_nobody_revokes_another_s_key(
    async_client: AsyncClient, db_user: User, db_admin: User, auth: Auth, async_session: AsyncSession
) -> None:
    key = await create(async_client, auth(db_admin))
    key_id = (await stored_key(async_session, db_admin)).id
    assert (await async_client.delete(f"/api/v1/api-keys/{key_id}", headers=auth(db_user))).status_code == 404
    assert (await async_client.get("/api/v1/users/me", headers={"X-API-Key": key})).status_code == 200


async def test_a_key_with_a_known_prefix_and_another_secret_is_refused(
    async_client: AsyncClient, db_user: User, auth: Auth
) -> None:
    key = await create(async_client, auth(db_user))
    forged = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert (await async_client.get("/api/v1/users/me", headers={"X-API-Key": forged})).status_code == 401


async def test_a_key_remembers_when_it_was_used(
    async_client: AsyncClient, db_user: User, auth: Auth, async_session: AsyncSession
) -> None:
    key = await create(async_client, auth(db_user))
    before = utcnow()
    await async_client.get("/api/v1/users/me", headers={"X-API-Key": key})
    used = (await stored_key(async_session, db_user)).last_used_at
    assert used is not None
    assert before <= used <= utcnow()


@pytest.mark.parametrize(("ago", "written"), [(30, False), (90, True)], ids=["within a minute", "later"])
async def test_use_is_written_once_a_minute(
    ago: int, written: bool, async_client: AsyncClient, db_user: User, async_session: AsyncSession
) -> None:
    new, used = make_key(), utcnow() - timedelta(seconds=ago)
    stored = ApiKey(user_id=db_user.id, name="ci", prefix=new.prefix, key_hash=new.digest, last_used_at=used)
    async_session.add(stored)
    await async_session.commit()
    assert (await async_client.get("/api/v1/users/me", headers={"X-API-Key": new.secret})).status_code == 200
    await async_session.refresh(stored)
    assert (stored.last_used_at != used) is written


async def test_a_key_of_a_locked_user_opens_nothing(
    async_client: AsyncClient, db_user: User, auth: Auth, async_session: AsyncSession
) -> None:
    key = await create(async_client, auth(db_user))
    db_user.is_active = False
    await async_session.commit()
    assert (await async_client.get("/api/v1/users/me", headers={"X-API-Key": key})).status_code == 401


async def test_a_token_goes_before_a_key(async_client: AsyncClient, db_user: User, db_admin: User, auth: Auth) -> None:
    key = await create(async_client, auth(db_admin))
    me = await async_client.get("/api/v1/users/me", headers=auth(db_user) | {"X-API-Key": key})
    assert me.json()["id"] == db_user.id
    bad = await async_client.get("/api/v1/users/me", headers=factories.bearer("x") | {"X-API-Key": key})
    assert bad.status_code == 401
