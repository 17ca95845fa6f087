"""What needs commits or another schema happens in a database of its own."""

import asyncio

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

import factories
import provision
from app.audit import Action, find, record
from app.db import make_engine, make_sessions
from app.main import create_app
from app.models import Base, User

pytestmark = pytest.mark.async_db


async def tables(engine: AsyncEngine) -> set[str]:
    def names(connection: Connection) -> set[str]:
        return set(inspect(connection).get_table_names())

    async with engine.connect() as connection:
        return await connection.run_sync(names)


async def test_its_commits_are_seen_by_other_connections(
    isolated_db_session: AsyncSession, isolated_engine: AsyncEngine
) -> None:
    user = factories.user()
    isolated_db_session.add(user)
    await isolated_db_session.commit()
    async with make_sessions(isolated_engine)() as other:
        assert await other.scalar(select(User.email)) == user.email


async def test_it_starts_empty_and_is_not_the_others_database(
    isolated_db_session: AsyncSession, isolated_database_url: str, database_url: str
) -> None:
    assert isolated_database_url != database_url
    assert (await isolated_db_session.scalars(select(User))).all() == []
    assert (await find(isolated_db_session))[1] == 0


async def test_an_audit_entry_survives_with_its_action(isolated_db_session: AsyncSession) -> None:
    await record(isolated_db_session, Action.user_registered, actor_id=None, target="ada@example.com")
    await isolated_db_session.commit()
    await isolated_db_session.rollback()
    rows, total = await find(isolated_db_session)
    assert (total, rows[0]["target"]) == (1, "ada@example.com")


async def test_migrations_go_down_to_nothing_and_up_again(
    isolated_database_url: str, isolated_engine: AsyncEngine
) -> None:
    provision.downgrade(isolated_database_url, "base")
    assert await tables(isolated_engine) == {"alembic_version"}
    provision.upgrade(isolated_database_url)
    assert await tables(isolated_engine) == {"alembic_version", "users", "api_keys", "notes", "audit_logs"}


async def test_only_the_second_migration_makes_the_audit_table(
    isolated_database_url: str, isolated_engine: AsyncEngine
) -> None:
    provision.downgrade(isolated_database_url, "0001")
    async with isolated_engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    assert "audit_logs" not in await tables(isolated_engine)


async def test_models_and_migrations_say_the_same(isolated_database_url: str) -> None:
    provision.check(isolated_database_url)


async def test_data_survives_a_step_back_and_forth(
    isolated_database_url: str, isolated_db_session: AsyncSession
) -> None:
    isolated_db_session.add(user := factories.user())
    await isolated_db_session.commit()
    provision.downgrade(isolated_database_url, "0001")
    provision.upgrade(isolated_database_url)
    assert await isolated_db_session.scalar(select(User.email)) == user.email


async def test_without_its_migrations_the_service_is_not_ready(isolated_database_url: str) -> None:
    provision.downgrade(isolated_database_url, "0001")
    app = create_app(factories.settings(database_url=isolated_database_url))
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://test") as client,
    ):
        response = await client.get("/api/v1/health/ready")
    assert (response.status_code, response.json()) == (503, {"detail": "the database is not ready"})


async def test_an_action_that_cannot_be_logged_does_not_happen(isolated_database_url: str) -> None:
    provision.downgrade(isolated_database_url, "0001")
    engine = make_engine(isolated_database_url)
    async with make_sessions(engine)() as session:
        session.add(factories.user())
        with pytest.raises(DBAPIError, match="audit_logs"):
            await record(session, Action.user_registered, actor_id=None)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM users"))).scalar_one() == 0
    await engine.dispose()


async def test_of_two_registrations_at_once_one_wins(isolated_database_url: str) -> None:
    app = create_app(factories.settings(database_url=isolated_database_url))
    body = {"email": factories.email(), "password": factories.PASSWORD}
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://test") as client,
    ):
        answers = await asyncio.gather(*(client.post("/api/v1/auth/register", json=body) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
