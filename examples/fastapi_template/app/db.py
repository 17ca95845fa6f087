"""Engines and sessions. Nothing here connects, or reads the environment, at import time."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from sqlalchemy import Connection, DateTime, Dialect, Engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.types import TypeDecorator

# backend -> (driver of the service, driver of the migrations)
DRIVERS = {"sqlite": ("aiosqlite", "pysqlite"), "postgresql": ("asyncpg", "psycopg")}


def _with_driver(url: str, position: int) -> str:
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend not in DRIVERS:
        raise ValueError(f"{backend!r} is not supported, use one of: {', '.join(DRIVERS)}")
    return parsed.set(drivername=f"{backend}+{DRIVERS[backend][position]}").render_as_string(hide_password=False)


def async_url(url: str) -> str:
    """The URL with the driver that the service uses; ``postgresql://…`` as hosters hand it out is welcome."""
    return _with_driver(url, 0)


def sync_url(url: str) -> str:
    """The same database for code without an event loop: migrations, and the tests' sync engine."""
    return _with_driver(url, 1)


def prepare_sqlite(engine: Engine) -> None:
    """Foreign keys, and transactions that begin where SQLAlchemy says so.

    The driver by itself begins a transaction before the first write only and knows nothing of SAVEPOINT
    ("Serializable isolation / Savepoints" in SQLAlchemy's SQLite dialect).
    """

    def on_connect(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def make_engine(url: str, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, **options)
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine.sync_engine)
    return engine


def make_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    # An expired attribute would be reloaded, hence awaited, while the response is built: keep what was loaded.
    return async_sessionmaker(engine, expire_on_commit=False)


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One session per request. What an endpoint does not commit is rolled back."""
    sessions: async_sessionmaker[AsyncSession] = request.app.state.sessions
    async with sessions() as session:
        yield session


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, on SQLite too, which stores no time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime has no place in the database: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def utcnow() -> datetime:
    return datetime.now(UTC)
