"""A database per test, and a client whose requests use it."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import pytest
from async_test_runner.kit import AsyncTestClient, DatabaseSettings, override_dependency
from fastapi import FastAPI
from sqlalchemy import StaticPool, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.database import get_session
from app.main import create_app
from app.models import Base, User

pytest_plugins = ["async_test_runner.kit"]

MakeUser = Callable[..., Awaitable[User]]


def refuse_to_connect(*_args: Any) -> NoReturn:
    raise AssertionError("a test would have connected to the database of production")


@pytest.fixture
def app() -> FastAPI:
    """The application as in production, but for one thing: its own engine must never connect."""
    app = create_app("postgresql+asyncpg://users@db.production.invalid/users")
    event.listen(app.state.engine.sync_engine, "do_connect", refuse_to_connect)
    return app


# ------------------------------------------------------------------------------------------------------------ database


@pytest.fixture(scope="session")
def database_settings() -> DatabaseSettings:
    return DatabaseSettings(metadata=Base.metadata)


@pytest.fixture
async def memory_engine() -> AsyncIterator[AsyncEngine]:
    """SQLite in memory lives as long as its connection: StaticPool keeps exactly one, and all sessions share it.

    They share its transaction too. A test commits what it sets up before it sends a request.
    """
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> AsyncEngine:
    """The test's own database: in memory, or on the server that DATABASE_URL names (the kit's ``isolated_engine``)."""
    found = request.getfixturevalue("isolated_engine" if os.environ.get("DATABASE_URL") else "memory_engine")
    assert isinstance(found, AsyncEngine)
    return found


@pytest.fixture
def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine, expire_on_commit=False)


@pytest.fixture
async def session(sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
    """For what must be there before a request, and for a look at what it left."""
    async with sessions() as session:
        yield session


@pytest.fixture
def make_user(session: AsyncSession) -> MakeUser:
    async def make(email: str = "ada@example.com", name: str = "Ada", *, is_active: bool = True) -> User:
        user = User(email=email, name=name, is_active=is_active)
        session.add(user)
        await session.commit()
        return user

    return make


# -------------------------------------------------------------------------------------------------------------- client


@pytest.fixture
async def client(app: FastAPI, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncTestClient]:
    async def session_of_test() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    with override_dependency(app, get_session, session_of_test):
        async with AsyncTestClient(app, base_url="http://test/api/v1") as client:
            yield client
