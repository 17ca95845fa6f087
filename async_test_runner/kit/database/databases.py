"""The databases of a declaration: the template, one for this process, and one for each test that wants its own."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import URL, Connection, inspect
from sqlalchemy.pool import NullPool

from ..errors import KitError
from . import dropping, engines, migrations, names, state
from .blocking import blocking
from .postgres import PostgresDatabases, Server
from .runs import Run, at_end_directory, worker
from .settings import DatabaseSettings
from .sqlite import SqliteFiles
from .state import State

T = TypeVar("T")

_TEMPLATE = "template"
_LOCK_MARGIN = 30.0  # seconds beyond migration_timeout that another process may hold the template


class Backend(Protocol):
    """What makes, copies and drops databases. They are named by their purpose."""

    def url(self, purpose: str) -> URL: ...
    def create(self, purpose: str) -> None: ...
    def seal(self, purpose: str) -> None: ...
    def clone(self, template: str, purpose: str) -> None: ...
    def drop(self, purpose: str) -> None: ...
    def sweep(self) -> None: ...


class Databases:
    """Everything that a declaration has in this run, seen from this process."""

    def __init__(self, settings: DatabaseSettings, run: Run) -> None:
        self.settings = settings
        self._run = run
        self._url = settings.parsed()
        self._declaration = settings.fingerprint()
        self._state = State(state.of_run(run) / self._declaration)
        self._backend: Backend | None = None
        self._trouble: KitError | None = None
        self._counter = itertools.count()
        self._dirty = False

    # ------------------------------------------------------------------------------------------------------ for tests

    def shared(self) -> URL:
        """The database of this process, with the schema in it. Its tests roll back; after a commit it is made anew."""
        backend = self._ready()
        purpose = worker()
        ready = f"{purpose}.ready"
        with self._state.locked(purpose, self._patience, "the database of this worker"):
            if self._dirty or self._state.read(ready) is None:
                self._state.remove(ready)
                self._once(lambda: backend.clone(_TEMPLATE, purpose))
                self._state.write(ready, {})
                self._dirty = False
        return backend.url(purpose)

    def spoil(self) -> None:
        """Something was committed to the shared database: the next test gets a new one."""
        self._dirty = True
        self._state.remove(f"{worker()}.ready")

    @contextmanager
    def own(self) -> Iterator[URL]:
        """A database that nobody else uses, dropped afterwards."""
        backend = self._ready()
        purpose = f"i{os.getpid():x}x{next(self._counter)}"
        self._once(lambda: backend.clone(_TEMPLATE, purpose))
        try:
            yield backend.url(purpose)
        finally:
            backend.drop(purpose)

    # --------------------------------------------------------------------------------------------------- the template

    @property
    def _patience(self) -> float:
        return self.settings.migration_timeout + _LOCK_MARGIN

    def _ready(self) -> Backend:
        """The backend, with the template made: by this process, or by another one of the run."""
        if self._backend is None:
            self._backend = self._once(self._prepare)
        return self._backend

    def _once(self, make: Callable[[], T]) -> T:
        """A trouble is told in full once; to the tests after that, that it is still the same."""
        if self._trouble is not None:
            raise _again(self._trouble.message)
        try:
            return make()
        except KitError as error:
            self._trouble = error
            raise

    def _prepare(self) -> Backend:
        backend = self._connect()
        with self._state.locked(_TEMPLATE, self._patience, "making the template of the test databases"):
            made = self._state.read(_TEMPLATE)
            if made is None:
                self._make(backend)
            elif made["trouble"]:
                raise _again(made["trouble"])
        return backend

    def _make(self, backend: Backend) -> None:
        self._leave_word()
        dropping.sweep(self._run)
        try:
            backend.sweep()
            backend.create(_TEMPLATE)
            self._make_schema(backend.url(_TEMPLATE))
            backend.seal(_TEMPLATE)
        except KitError as error:
            self._state.write(_TEMPLATE, {"trouble": error.message})
            raise
        self._state.write(_TEMPLATE, {"trouble": ""})

    def _connect(self) -> Backend:
        if self._url.get_backend_name() == "sqlite":
            return SqliteFiles(self._url, self._state.directory)
        settings = self.settings
        server = Server(self._url, settings.maintenance_database, settings.engine_options.get("connect_args", {}))
        return PostgresDatabases(
            server, self._url, lambda purpose: names.here(settings.prefix, self._run, self._declaration, purpose)
        )

    def _make_schema(self, url: URL) -> None:
        settings = self.settings
        if settings.alembic_ini is not None:
            migrations.upgrade(settings, url)
            self._check(self._on(url, lambda connection: set(inspect(connection).get_table_names())))
        elif settings.metadata is not None:
            self._on(url, settings.metadata.create_all)

    def _check(self, tables: set[str]) -> None:
        if not tables:
            raise KitError(
                "the migrations ran, and the test database has no table: alembic/env.py migrates another database",
                "let env.py read DATABASE_URL or sqlalchemy.url, or name what it reads: env={'…': '{url}'}",
            )
        if self.settings.metadata is None:
            return
        known = {table.name for table in self.settings.metadata.tables.values() if not table.schema}
        if known - tables:
            raise KitError(
                f"no migration makes these tables of the models: {', '.join(sorted(known - tables))}",
                "write it: alembic revision --autogenerate; or declare no metadata= beside alembic_ini=",
            )

    def _on(self, url: URL, work: Callable[[Connection], T]) -> T:
        async def connected() -> T:
            engine = engines.async_engine(self.settings, url, poolclass=NullPool)
            async with engine.begin() as connection:
                return await connection.run_sync(work)

        return blocking(connected)

    # ------------------------------------------------------------------------------------------------ after the tests

    def _leave_word(self) -> None:
        """Write down how to drop everything again: for the end of this run."""
        arguments = self.settings.engine_options.get("connect_args", {})
        try:
            json.dumps(arguments)
        except TypeError:
            arguments = {}
        self._state.write(
            "server",
            {
                "url": self._url.render_as_string(hide_password=False),
                "maintenance": self.settings.maintenance_database,
                "prefix": self.settings.prefix,
                "connect_args": arguments,
                "environment": {name: value for name, value in os.environ.items() if name.startswith("PG")},
            },
        )
        directory = at_end_directory()
        if directory is not None:
            package = str(Path(__file__).resolve().parents[3])
            known = os.environ.get("PYTHONPATH")
            path = os.pathsep.join([package, known]) if known else package
            command = [sys.executable, "-m", "async_test_runner.kit", "drop", self._run.mark]
            State(directory).write("kit.json", {"command": command, "environment": {"PYTHONPATH": path}})


def _again(message: str) -> KitError:
    """What the tests after the first one are told: the first line, which says what is wrong by itself."""
    reason = message.partition("\n")[0]
    return KitError(f"no test database, for the reason told at the first test of this run that wanted one: {reason}")
