"""The audit log: written with the action or not at all, read by administrators."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession

import factories
from app.audit import Action, find, record
from app.db import utcnow
from app.models import User

pytestmark = pytest.mark.async_db

Auth = Callable[[User], dict[str, str]]


async def entries(client: AsyncClient, headers: dict[str, str], **params: Any) -> list[dict[str, Any]]:
    response = await client.get("/api/v1/audit-logs", params=params, headers=headers)
    assert response.status_code == 200, response.text
    return list(response.json()["items"])


async def test_a_note_s_life_is_on_record(async_client: AsyncClient, db_user: User, db_admin: User, auth: Auth) -> None:
    note = (await async_client.post("/api/v1/notes", json={"title": "Milk"}, headers=auth(db_user))).json()
    path = f"/api/v1/notes/{note['id']}"
    await async_client.patch(path, json={"title": "Tea"}, headers=auth(db_user))
    await async_client.delete(path, headers=auth(db_user))
    logged = await entries(async_client, auth(db_admin), actor_id=db_user.id)
    assert [entry["action"] for entry in logged] == ["note.deleted", "note.updated", "note.created"]
    assert {entry["target"] for entry in logged} == {f"note:{note['id']}"}


async def test_an_entry_names_the_changed_fields(
    async_client: AsyncClient, db_user: User, db_admin: User, auth: Auth
) -> None:
    note = (await async_client.post("/api/v1/notes", json={"title": "Milk"}, headers=auth(db_user))).json()
    body = {"status": "published", "body": "x"}
    await async_client.patch(f"/api/v1/notes/{note['id']}", json=body, headers=auth(db_user))
    (entry,) = await entries(async_client, auth(db_admin), actor_id=db_user.id, action="note.updated")
    assert entry["detail"] == {"fields": ["body", "status"]}


async def test_the_actor_is_who_acted_not_who_was_acted_upon(
    async_client: AsyncClient, db_user: User, db_admin: User, auth: Auth
) -> None:
    await async_client.patch(f"/api/v1/users/{db_user.id}", json={"is_admin": True}, headers=auth(db_admin))
    (entry,) = await entries(async_client, auth(db_admin), actor_id=db_admin.id)
    assert (entry["target"], entry["detail"]) == (db_user.email, {"is_admin": True})


async def test_a_refused_action_is_not_on_record(
    async_client: AsyncClient, db_user: User, auth: Auth, async_session: AsyncSession
) -> None:
    await async_client.post("/api/v1/api-keys", json={"name": "ci"}, headers=auth(db_user))
    refused = await async_client.post("/api/v1/api-keys", json={"name": "ci"}, headers=auth(db_user))
    assert refused.status_code == 409
    _, total = await find(async_session, actor_id=db_user.id)
    assert total == 1


async def test_what_is_rolled_back_was_never_logged(async_session: AsyncSession, db_user: User) -> None:
    user_id = db_user.id  # a rollback expires every object of its session
    await record(async_session, Action.note_created, actor_id=user_id)
    await async_session.rollback()
    assert (await find(async_session, actor_id=user_id))[1] == 0


async def test_a_password_never_reaches_the_log(async_session: AsyncSession, db_user: User) -> None:
    await record(async_session, Action.user_updated, actor_id=db_user.id, new_password="hunter2-hunter2", name="Ada")
    rows, _ = await find(async_session, actor_id=db_user.id)
    assert rows[0]["detail"] == {"new_password": "***", "name": "Ada"}


async def test_old_entries_can_be_left_out(async_session: AsyncSession, db_user: User) -> None:
    await record(async_session, Action.note_created, actor_id=db_user.id)
    assert (await find(async_session, actor_id=db_user.id, since=utcnow() - timedelta(minutes=1)))[1] == 1
    assert (await find(async_session, actor_id=db_user.id, since=utcnow() + timedelta(minutes=1)))[1] == 0


async def test_pages_count_all_entries(async_session: AsyncSession, db_user: User) -> None:
    for number in range(5):
        await record(async_session, Action.note_created, actor_id=db_user.id, target=f"note:{number}")
    rows, total = await find(async_session, actor_id=db_user.id, limit=2, offset=1)
    assert (total, [row["target"] for row in rows]) == (5, ["note:3", "note:2"])


async def test_an_entry_outlives_its_actor(async_session: AsyncSession, db_user: User) -> None:
    await record(async_session, Action.user_registered, actor_id=db_user.id)
    await async_session.delete(db_user)
    await async_session.commit()
    assert (await find(async_session, actor_id=db_user.id))[1] == 1


async def test_the_log_is_for_administrators(async_client: AsyncClient, db_user: User, auth: Auth) -> None:
    assert (await async_client.get("/api/v1/audit-logs", headers=auth(db_user))).status_code == 403


async def test_a_failed_login_with_an_unknown_address_has_no_actor(
    async_client: AsyncClient, async_session: AsyncSession
) -> None:
    email = factories.email("nobody")
    await async_client.post("/api/v1/auth/login", data={"username": email, "password": "wrong-password-1"})
    rows, _ = await find(async_session, action=Action.login_failed, limit=1)
    assert (rows[0]["target"], rows[0]["actor_id"]) == (email, None)
