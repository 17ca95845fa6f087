"""Engines, sessions and clients of the suite.

Three engines, because three kinds of tests must not share connections:

- `sync_test_engine`: a synchronous driver. Sync tests never touch an event loop of their own.
- `test_session_engine`: asyncio, a pool of one. A test and the requests that it sends share *one* connection and one
  transaction, which is rolled back. A second, hidden connection would not see the test's rows: here it would wait, and
  fail, instead of quietly reading something else.
- `test_engine`: asyncio, no pool. The view from outside: what did really reach the database?

Nothing reads ``DATABASE_URL`` before a test asks for a database: tests without one neither migrate nor connect, and a
runner may set the variable as late as in the process that runs the test.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import ASGITransport, AsyncClient
from sqlalchemy import (
    AsyncAdaptedQueuePool,
    Connection,
    Engine,
    Executable,
    NullPool,
    Result,
    ScalarResult,
    create_engine,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

import factories
import provision
from app.db import async_url, get_session, make_engine, make_sessions, prepare_sqlite, sync_url
from app.main import create_app
from app.models import Base, User
from app.security import issue_token
from app.settings import Settings

# ---------------------------------------------------------------------------------------------- application


@pytest.fixture(scope="session")
def settings() -> Settings:
    return factories.settings()


@pytest.fixture(scope="session")
def app(settings: Settings) -> FastAPI:
    """One application per process, as in production: with the rate limits' memory that belongs to it."""
    return create_app(settings)


@asynccontextmanager
async def _serve(app: FastAPI, sessions: Callable[[], AsyncSession]) -> AsyncIterator[AsyncClient]:
    """A client of `app`, whose requests get their sessions from `sessions`; ASGITransport runs no lifespan."""

    async def session_of_test() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    app.dependency_overrides[get_session] = session_of_test
    try:
        async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
            yield client
    finally:
        app.dependency_overrides.clear()


@pytest.fixture
async def api(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """An HTTP client without a database behind it: a request that gets as far as a query fails the test."""
    async with _serve(app, AsyncSession) as client:
        yield client


# ---------------------------------------------------------------------------------------------- engines


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The database of this process, at the newest migration: ``DATABASE_URL``, or a file of its own."""
    default = tmp_path_factory.getbasetemp() / "database" / "app.db"
    url = async_url(os.environ.get("DATABASE_URL") or f"sqlite:///{default}")
    provision.ensure(url)
    provision.upgrade(url)
    return url


@pytest.fixture(scope="session")
def sync_test_engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(sync_url(database_url))
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def test_engine(database_url: str) -> AsyncEngine:
    return make_engine(database_url, poolclass=NullPool)


@pytest.fixture(scope="session")
def test_session_engine(database_url: str) -> AsyncEngine:
    return make_engine(
        database_url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=0.2,  # nobody has a reason to wait for a second connection: tell them soon
    )


# ---------------------------------------------------------------------------------------------- sync tests


@pytest.fixture
def sync_connection(sync_test_engine: Engine) -> Iterator[Connection]:
    with sync_test_engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def sync_sessions(sync_connection: Connection) -> sessionmaker[Session]:
    """Sessions in the test's one transaction, in which a commit ends a savepoint."""
    return sessionmaker(sync_connection, join_transaction_mode="create_savepoint", expire_on_commit=False)


@pytest.fixture
def sync_db_session(sync_sessions: sessionmaker[Session]) -> Iterator[Session]:
    """What it commits is seen by `client`, and gone after the test."""
    with sync_sessions() as session:
        yield session


class AwaitableSession:
    """What endpoints use of an AsyncSession, on a synchronous one: their code, in the transaction of a sync test."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.add = session.add

    async def execute(self, statement: Executable) -> Result[Any]:
        return self._session.execute(statement)

    async def scalar(self, statement: Executable) -> Any:
        return self._session.scalar(statement)

    async def scalars(self, statement: Executable) -> ScalarResult[Any]:
        return self._session.scalars(statement)

    async def get(self, entity: type[Base], key: Any) -> Base | None:
        return self._session.get(entity, key)

    async def delete(self, instance: Base) -> None:
        self._session.delete(instance)

    async def flush(self) -> None:
        self._session.flush()

    async def commit(self) -> None:
        self._session.commit()

    async def rollback(self) -> None:
        self._session.rollback()


@pytest.fixture
def client(settings: Settings, sync_sessions: sessionmaker[Session]) -> Iterator[TestClient]:
    """A synchronous client that sees the rows of `sync_db_session`.

    The application is the test's own: TestClient runs its lifespan, and an application does not start twice.
    """

    async def session_of_test() -> AsyncIterator[AwaitableSession]:
        with sync_sessions() as session:
            yield AwaitableSession(session)

    app = create_app(settings)
    app.dependency_overrides[get_session] = session_of_test
    with TestClient(app) as client:
        yield client


@pytest.fixture
def test_user(sync_db_session: Session) -> User:
    user = factories.user()
    sync_db_session.add(user)
    sync_db_session.commit()
    return user


@pytest.fixture
def test_user_token(test_user: User, settings: Settings) -> str:
    return issue_token(test_user.id, settings)


@pytest.fixture
def test_admin(sync_db_session: Session) -> User:
    admin = factories.user(is_admin=True)
    sync_db_session.add(admin)
    sync_db_session.commit()
    return admin


@pytest.fixture
def test_admin_token(test_admin: User, settings: Settings) -> str:
    return issue_token(test_admin.id, settings)


# ---------------------------------------------------------------------------------------------- async_db tests


@pytest.fixture
async def db_connection(test_session_engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with test_session_engine.connect() as connection, connection.begin() as transaction:
        yield connection
        await transaction.rollback()
    # A pooled connection belongs to the event loop that opened it, and this loop ends with the test.
    await test_session_engine.dispose()


@pytest.fixture
def db_sessions(db_connection: AsyncConnection) -> async_sessionmaker[AsyncSession]:
    """Sessions in the test's one transaction: for the test, and one more per request."""
    return async_sessionmaker(db_connection, join_transaction_mode="create_savepoint", expire_on_commit=False)


@pytest.fixture
async def db_session(db_sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
    async with db_sessions() as session:
        yield session


@pytest.fixture
async def async_client(app: FastAPI, db_sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncClient]:
    """An HTTP client whose requests see the rows of `db_session`."""
    async with _serve(app, db_sessions) as client:
        yield client


@pytest.fixture
async def db_user(db_session: AsyncSession) -> User:
    user = factories.user()
    db_session.add(user)
    await db_session.commit()
    return user


@pytest.fixture
async def db_admin(db_session: AsyncSession) -> User:
    admin = factories.user(is_admin=True)
    db_session.add(admin)
    await db_session.commit()
    return admin


@pytest.fixture
def auth(settings: Settings) -> Callable[[User], dict[str, str]]:
    """The headers with which a user calls."""
    return lambda user: factories.bearer(issue_token(user.id, settings))


@pytest.fixture
def isolated_database_url(database_url: str) -> Iterator[str]:
    """A migrated database of the test's own. What happens there may be committed, or torn down."""
    url = provision.beside(database_url, "isolated")
    provision.drop(url)
    provision.ensure(url)
    provision.upgrade(url)
    yield url
    provision.drop(url)


@pytest.fixture
async def isolated_engine(isolated_database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(isolated_database_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def isolated_db_session(isolated_engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Own engine, own database: its commits are real."""
    async with make_sessions(isolated_engine)() as session:
        yield session
