"""What is this project's own: its application, its users and their tokens. The rest is the kit's.

The kit makes the databases (by running the migrations), the sessions that are rolled back, and the clients whose
requests see the same transaction: `async_session`, `async_client`, `sync_session`, `sync_client`,
`isolated_db_session`… Nothing here, nor there, reads ``DATABASE_URL`` before a test asks for a database.
"""

from collections.abc import AsyncIterator, Callable

import pytest
from async_test_runner.kit import AsyncTestClient, DatabaseSettings, override_dependency
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

import factories
import provision
from app.db import get_session
from app.main import create_app
from app.models import User
from app.security import issue_token
from app.settings import Settings

pytest_plugins = ["async_test_runner.kit"]


@pytest.fixture(scope="session")
def database_settings() -> DatabaseSettings:
    """The schema is what the migrations make: the audit log's table is in no model."""
    return DatabaseSettings(alembic_ini=provision.ROOT / "alembic.ini")


@pytest.fixture(scope="session")
def settings() -> Settings:
    return factories.settings()


@pytest.fixture(scope="session")
def app(settings: Settings) -> FastAPI:
    """One application per process, as in production: with the rate limits' memory that belongs to it."""
    return create_app(settings)


@pytest.fixture
def session_dependency() -> Callable[..., AsyncIterator[AsyncSession]]:
    """Where the kit's clients put the sessions of the test."""
    return get_session


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[AsyncTestClient]:
    """A client without a database behind it: a request that gets as far as a query fails the test."""

    async def bound_to_nothing() -> AsyncIterator[AsyncSession]:
        async with AsyncSession() as session:
            yield session

    with override_dependency(app, get_session, bound_to_nothing):
        async with AsyncTestClient(app) as client:
            yield client


# ---------------------------------------------------------------------------------------------- users of sync tests


@pytest.fixture
def test_user(sync_session: Session) -> User:
    user = factories.user()
    sync_session.add(user)
    sync_session.commit()
    return user


@pytest.fixture
def test_user_token(test_user: User, settings: Settings) -> str:
    return issue_token(test_user.id, settings)


@pytest.fixture
def test_admin(sync_session: Session) -> User:
    admin = factories.user(is_admin=True)
    sync_session.add(admin)
    sync_session.commit()
    return admin


@pytest.fixture
def test_admin_token(test_admin: User, settings: Settings) -> str:
    return issue_token(test_admin.id, settings)


# ---------------------------------------------------------------------------------------------- users of async tests


@pytest.fixture
async def db_user(async_session: AsyncSession) -> User:
    user = factories.user()
    async_session.add(user)
    await async_session.commit()
    return user


@pytest.fixture
async def db_admin(async_session: AsyncSession) -> User:
    admin = factories.user(is_admin=True)
    async_session.add(admin)
    await async_session.commit()
    return admin


@pytest.fixture
def auth(settings: Settings) -> Callable[[User], dict[str, str]]:
    """The headers with which a user calls."""
    return lambda user: factories.bearer(issue_token(user.id, settings))
