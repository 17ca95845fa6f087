"""Engines, connections and sessions as context managers; the fixtures do nothing but enter them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import AsyncAdaptedQueuePool

from . import engines
from .settings import DatabaseSettings

# Nobody has a reason to wait for a second connection of a pool of one: they are told soon.
_ONE = {"poolclass": AsyncAdaptedQueuePool, "pool_size": 1, "max_overflow": 0, "pool_timeout": 0.2}


@asynccontextmanager
async def async_engine(settings: DatabaseSettings, url: URL) -> AsyncIterator[AsyncEngine]:
    engine = engines.async_engine(settings, url)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def one_connection_engine(settings: DatabaseSettings, url: URL) -> AsyncIterator[AsyncEngine]:
    engine = engines.async_engine(settings, url, **_ONE)
    try:
        yield engine
    finally:
        await engine.dispose()


@contextmanager
def sync_engine(settings: DatabaseSettings, url: URL) -> Iterator[Engine]:
    engine = engines.sync_engine(settings, url)
    try:
        yield engine
    finally:
        engine.dispose()


@asynccontextmanager
async def async_connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection in a transaction that is rolled back."""
    async with engine.connect() as connection:
        transaction = await connection.begin()
        try:
            yield connection
        finally:
            await transaction.rollback()


@contextmanager
def sync_connection(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that is rolled back."""
    with engine.connect() as connection:
        transaction = connection.begin()
        try:
            yield connection
        finally:
            transaction.rollback()


def async_sessions(connection: AsyncConnection) -> async_sessionmaker[AsyncSession]:
    """Sessions in one transaction, in which a commit ends a savepoint."""
    return async_sessionmaker(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)


def sync_sessions(connection: Connection) -> sessionmaker[Session]:
    """Sessions in one transaction, in which a commit ends a savepoint."""
    return sessionmaker(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)


@asynccontextmanager
async def async_session(make: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
    async with make() as session:
        yield session


def own_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Ordinary sessions: their commits are real."""
    return async_sessionmaker(engine, expire_on_commit=False)


def on_commit(engine: Engine, told: Callable[[], None]) -> None:
    """Call ``told`` when a transaction of this engine is committed."""
    event.listen(engine, "commit", lambda _connection: told())
