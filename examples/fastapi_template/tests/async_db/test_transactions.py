"""The ground that the other tests stand on: what is seen by whom, and what is left afterwards."""

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import event, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

import factories
from app.db import get_session, make_sessions
from app.main import create_app
from app.models import ApiKey, Note, User
from app.security import make_key

pytestmark = pytest.mark.async_db


async def count_users(engine: AsyncEngine, email: str) -> int:
    async with make_sessions(engine)() as session:
        return await session.scalar(select(func.count()).where(User.email == email)) or 0


async def test_what_a_test_commits_is_not_seen_from_outside(db_user: User, async_engine: AsyncEngine) -> None:
    assert await count_users(async_engine, db_user.email) == 0


async def test_requests_and_test_share_one_transaction(
    async_client: AsyncClient, async_session: AsyncSession, async_engine: AsyncEngine
) -> None:
    email = factories.email()
    body = {"email": email, "password": factories.PASSWORD}
    assert (await async_client.post("/api/v1/auth/register", json=body)).status_code == 201
    assert await async_session.scalar(select(User.email).where(User.email == email)) == email
    assert await count_users(async_engine, email) == 0


async def test_the_pool_of_one_has_no_second_connection(
    async_session: AsyncSession, one_connection_engine: AsyncEngine
) -> None:
    await async_session.scalar(select(1))
    with pytest.raises(PoolTimeoutError, match="QueuePool limit of size 1"):
        async with one_connection_engine.connect():
            pass


async def test_a_broken_constraint_leaves_the_test_s_transaction_usable(
    db_user: User, async_sessions: async_sessionmaker[AsyncSession]
) -> None:
    async with async_sessions() as session:
        session.add(factories.user(email=db_user.email))
        with pytest.raises(IntegrityError):
            await session.commit()
    async with async_sessions() as session:
        assert await session.get(User, db_user.id) is not None


async def test_the_database_itself_deletes_what_a_user_owned(async_session: AsyncSession, db_user: User) -> None:
    new = make_key()
    async_session.add(factories.note(db_user))
    async_session.add(ApiKey(user_id=db_user.id, name="ci", prefix=new.prefix, key_hash=new.digest))
    await async_session.commit()
    await async_session.delete(db_user)
    await async_session.commit()
    for owned in (Note.owner_id, ApiKey.user_id):
        assert await async_session.scalar(select(func.count()).where(owned == db_user.id)) == 0


async def test_the_override_is_the_test_s_own(app: FastAPI, async_client: AsyncClient) -> None:
    assert list(app.dependency_overrides) == [get_session]


async def test_a_started_application_is_ready_and_closes_its_engine(database_url: str) -> None:
    app = create_app(factories.settings(database_url=database_url))
    closed: list[object] = []
    async with app.router.lifespan_context(app):
        pool = app.state.sessions.kw["bind"].sync_engine.pool
        event.listen(pool, "close", lambda *connection: closed.append(connection))
        async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
            assert (await client.get("/api/v1/health/ready")).status_code == 200
        assert not closed
    assert len(closed) == 1
