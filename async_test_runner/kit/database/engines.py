"""Engines as tests need them: SQLite with transactions that SQLAlchemy controls, and the application's listeners."""

from __future__ import annotations

import importlib.util
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ..errors import missing, need
from .settings import DatabaseSettings

_SYNC_DRIVERS = {"sqlite": ("pysqlite",), "postgresql": ("psycopg", "psycopg2")}


def async_engine(settings: DatabaseSettings, url: URL, **options: Any) -> AsyncEngine:
    """An engine on a test database. It connects when it is used."""
    need("greenlet", "SQLAlchemy's asyncio")
    need(url.get_driver_name(), f"the URL {url.drivername}://…")
    engine = create_async_engine(url, **{**settings.engine_options, **options})
    _prepare(settings, engine.sync_engine)
    return engine


def sync_engine(settings: DatabaseSettings, url: URL, **options: Any) -> Engine:
    """The same database through a synchronous driver."""
    engine = create_engine(synchronous(url), **{**settings.engine_options, **options})
    _prepare(settings, engine)
    return engine


def synchronous(url: URL) -> URL:
    """The URL with a driver that needs no event loop."""
    backend = url.get_backend_name()
    drivers = _SYNC_DRIVERS[backend]
    if url.get_driver_name() in drivers:
        return url
    for driver in drivers:
        if backend == "sqlite" or importlib.util.find_spec(driver) is not None:
            return url.set(drivername=f"{backend}+{driver}")
    raise missing(drivers[0], "a synchronous session")


def _prepare(settings: DatabaseSettings, engine: Engine) -> None:
    if settings.configure is not None:
        settings.configure(engine)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, foreign_keys=settings.sqlite_foreign_keys)


def _prepare_sqlite(engine: Engine, *, foreign_keys: bool) -> None:
    """The driver begins a transaction before the first write only, and knows nothing of savepoints: see "Serializable
    isolation / Savepoints" in SQLAlchemy's SQLite dialect. What an application has set itself is left alone.
    """

    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        # A test database has nothing to lose in a power cut; waiting for the disk would be most of a test's time.
        cursor.execute("PRAGMA synchronous = OFF")
        if foreign_keys:
            cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    def on_begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
