"""PostgreSQL: a template database, and ``CREATE DATABASE … TEMPLATE`` for a clone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import URL, NullPool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from ..errors import KitError, need
from . import names
from .blocking import blocking
from .names import Name
from .runs import Run, machine

_BUSY = "55006"  # object_in_use: somebody is connected to the template
_GONE = "3D000"  # invalid_catalog_name
_PATIENCE = 10.0  # seconds to wait for a busy template
_PAUSE = 0.1


class Server:
    """A server of PostgreSQL, by way of a database on it that is nobody's."""

    def __init__(self, url: URL, maintenance: str, connect_args: Mapping[str, Any]) -> None:
        need("greenlet", "SQLAlchemy's asyncio")
        need(url.get_driver_name(), f"the URL {url.drivername}://…")
        self._url = url
        self._named = url.database
        self._args = dict(connect_args)
        self._engine = self._engine_on(maintenance)
        self._maintenance = maintenance

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements, each by itself; the rows of the last one."""
        try:
            return blocking(lambda: self._execute(statements))
        except Exception as error:
            if sqlstate(error) == _GONE and self._named not in (None, self._maintenance) and self._is_missing(error):
                self._maintenance, self._engine = str(self._named), self._engine_on(str(self._named))
                return self.execute(*statements)
            raise

    def databases(self) -> list[str]:
        """The names of all databases."""
        return [row[0] for row in self.execute("SELECT datname FROM pg_database")]

    def drop(self, *databases: str) -> None:
        """Drop, with whatever connections a killed test has left."""
        self.execute(*(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in databases))

    def explained(self, error: Exception, doing: str) -> KitError:
        """What an error of the server means to whoever runs the tests."""
        return _explained(error, doing, self._url)

    def _is_missing(self, error: Exception) -> bool:
        return self._maintenance in str(error)

    def _engine_on(self, database: str) -> AsyncEngine:
        # No pool, so no connection outlives a call, and every call may come with another event loop.
        return create_async_engine(
            self._url.set(database=database),
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            connect_args=self._args,
        )

    async def _execute(self, statements: Sequence[str]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        async with self._engine.connect() as connection:
            for statement in statements:
                result = await connection.exec_driver_sql(statement)
                rows = [tuple(row) for row in result.fetchall()] if result.returns_rows else []
        return rows


class PostgresDatabases:
    """The databases of a declaration, by purpose."""

    def __init__(self, server: Server, url: URL, name: Callable[[str], Name]) -> None:
        self._server = server
        self._url = url
        self._name = name

    def url(self, purpose: str) -> URL:
        return self._url.set(database=str(self._name(purpose)))

    def create(self, purpose: str) -> None:
        """An empty one, in the place of whatever was there."""
        name = str(self._name(purpose))
        # template0, because nobody is ever connected to it.
        self._run("making a test database", _drop(name), f'CREATE DATABASE "{name}" TEMPLATE template0')

    def seal(self, purpose: str) -> None:
        """Nobody may connect from now on: a connection to a template keeps everybody from copying it."""
        name = str(self._name(purpose))
        self._run("closing the template", f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')

    def clone(self, template: str, purpose: str) -> None:
        source, name = str(self._name(template)), str(self._name(purpose))
        end = time.monotonic() + _PATIENCE
        statements = [f'CREATE DATABASE "{name}" TEMPLATE "{source}"']
        while True:
            try:
                self._server.execute(*statements)
            except Exception as error:
                if sqlstate(error) == "42P04" and len(statements) == 1:  # left by a process that was killed half-way
                    statements.insert(0, _drop(name))
                elif sqlstate(error) == _BUSY and time.monotonic() < end:
                    time.sleep(_PAUSE)
                else:
                    raise self._server.explained(error, "copying the template") from error
            else:
                return

    def drop(self, purpose: str) -> None:
        self._run("dropping a test database", _drop(str(self._name(purpose))))

    def sweep(self) -> None:
        """Drop what runs of this machine have left that are over."""
        prefix = self._name("x").prefix
        try:
            drop_where(self._server, prefix, lambda name: name.is_left_behind)
        except Exception as error:
            raise self._server.explained(error, "looking for databases of earlier runs") from error

    def _run(self, doing: str, *statements: str) -> None:
        try:
            self._server.execute(*statements)
        except Exception as error:
            raise self._server.explained(error, doing) from error


def drop_run(server: Server, prefix: str, run: Run) -> int:
    """Drop all databases of a run; returns how many there were."""
    here = machine()
    return drop_where(server, prefix, lambda name: (name.machine, name.run) == (here, run))


def drop_where(server: Server, prefix: str, condition: Callable[[Name], bool]) -> int:
    parsed = ((text, names.parse(prefix, text)) for text in server.databases())
    found = [text for text, name in parsed if name is not None and condition(name)]
    if found:
        server.drop(*found)
    return len(found)


def _drop(name: str) -> str:
    return f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'


def sqlstate(error: BaseException) -> str:
    """The five characters by which PostgreSQL names an error; "" for one that is not the server's."""
    for place in (error, getattr(error, "orig", None)):
        code = getattr(place, "sqlstate", None)
        if isinstance(code, str):
            return code
    return ""


_HINTS = {
    "42501": "let that user make databases: ALTER ROLE <user> CREATEDB",
    "28": "check user and password of the URL, and pg_hba.conf of the server",
    "3D000": "name a database that is there: maintenance_database=…",
    _BUSY: "see who is connected: SELECT pid, datname, application_name FROM pg_stat_activity",
    "53300": "tests leave connections open, or the server's max_connections is too small for so many workers",
    "53100": "the server's disk is full; what killed runs have left goes by: python -m async_test_runner.kit sweep URL",
}


def _explained(error: Exception, doing: str, url: URL) -> KitError:
    code = sqlstate(error)
    where = f"{url.host or 'the local socket'}:{url.port or 5432}"
    said = str(getattr(error, "orig", None) or error).strip().splitlines()
    detail = said[0] if said else type(error).__name__
    if not code or code.startswith("08"):
        return KitError(
            f"{doing}: no answer from PostgreSQL on {where}: {detail}",
            "start the server, or correct the URL of the test database",
        )
    hint = _HINTS.get(code) or _HINTS.get(code[:2], "")
    return KitError(f"{doing}: PostgreSQL on {where} refuses: {detail}", hint)
