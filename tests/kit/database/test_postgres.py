"""Templates, copies and troubles on a real PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text

from async_test_runner.kit import DatabaseSettings, KitError
from async_test_runner.kit.database import dropping, names, postgres, runs
from async_test_runner.kit.database.databases import Databases
from async_test_runner.kit.database.runs import Run
from tests.kit.alembic_project import AlembicProject

pytestmark = pytest.mark.services

METADATA = MetaData()
Table("users", METADATA, Column("id", Integer, primary_key=True), Column("name", Text))
# Of this process: other tests on the same server, and those of another Python at the same time, do not disturb it.
PREFIX = f"kit{os.getpid()}x"
ROLE = "kittest_without_rights"


@pytest.fixture(params=["asyncpg", "psycopg"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(driver: str) -> str:
    return f"postgresql+{driver}://postgres@127.0.0.1:5432/test"


@pytest.fixture
def server() -> Iterator[psycopg.Connection]:
    with psycopg.connect("host=127.0.0.1 user=postgres dbname=postgres", autocommit=True) as connection:
        yield connection


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: psycopg.Connection) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    yield
    for name in known(server):
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def known(server: psycopg.Connection) -> list[str]:
    rows = server.execute("SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY 1", [f"{PREFIX}%"])
    return [str(row[0]) for row in rows]


Open = Callable[..., Databases]


@pytest.fixture
def opened(url: str) -> Open:
    def of(run: Run | None = None, **said: Any) -> Databases:
        settings = DatabaseSettings(**{"url": url, "metadata": METADATA, "prefix": PREFIX, **said})
        return Databases(settings, run or Run.of(os.getpid()))

    return of


def dead_run() -> Run:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run = Run.of(child.pid)
    child.communicate()
    return run


def execute(url: Any, statement: str) -> list[Any]:
    with psycopg.connect(f"host=127.0.0.1 user=postgres dbname={url.database}", autocommit=True) as connection:
        found = connection.execute(statement.encode())
        return found.fetchall() if found.description else []


def test_copies_are_apart_and_go(opened: Open, server: psycopg.Connection) -> None:
    here = opened()
    with here.own() as one, here.own() as other:
        execute(one, "INSERT INTO users (name) VALUES ('ada')")
        assert execute(other, "SELECT * FROM users") == []
        assert len(known(server)) == 3  # with the template
    here.shared()
    assert len(known(server)) == 2
    assert dropping.drop(Run.of(os.getpid())) == 2
    assert known(server) == []


def test_after_a_commit_the_shared_database_is_a_new_one_of_the_same_name(opened: Open) -> None:
    here = opened()
    execute(here.shared(), "INSERT INTO users (name) VALUES ('ada')")
    before = here.shared()
    here.spoil()
    assert here.shared() == before
    assert execute(before, "SELECT * FROM users") == []


def test_copies_are_made_beside_a_running_event_loop_too(opened: Open) -> None:
    async def inside_a_coroutine() -> None:
        with opened().own() as url:
            assert execute(url, "SELECT * FROM users") == []

    asyncio.run(inside_a_coroutine())


@pytest.mark.parametrize("driver", ["asyncpg"], indirect=True)
class TestWhateverTheDriver:
    def test_migrations_make_the_schema(self, opened: Open, tmp_path: Path) -> None:
        project = AlembicProject(tmp_path).table("1", None, "users").table("2", "1", "audit_log")
        with opened(alembic_ini=project.ini).own() as url:
            assert execute(url, "SELECT * FROM audit_log") == []

    def test_the_next_run_drops_what_a_killed_one_has_left_and_nothing_else(
        self, opened: Open, server: psycopg.Connection
    ) -> None:
        killed, living = dead_run(), Run.of(os.getppid())
        others = {
            str(names.here(PREFIX, living, "abcdef", "gw0")),
            str(names.here(PREFIX, killed, "abcdef", "gw0")).replace(runs.machine(), "0" * 6),  # another machine's
            f"{PREFIX}_accounts",
        }
        left = str(names.here(PREFIX, killed, "abcdef", "gw0"))
        for name in (*others, left):
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
        opened().shared()
        assert left not in known(server)
        assert others < set(known(server))

    def test_what_a_process_that_was_killed_half_way_has_left_is_made_again(
        self, opened: Open, server: psycopg.Connection
    ) -> None:
        here = opened()
        name = here.shared().database
        here.spoil()  # the file that says "ready" is gone, the database is there
        with psycopg.connect(f"host=127.0.0.1 user=postgres dbname={name}"):  # and somebody is in it
            assert execute(here.shared(), "SELECT * FROM users") == []

    def test_no_maintenance_database(self, opened: Open) -> None:
        with opened(maintenance_database="no_such_database").own() as url:  # the one that the URL names will do
            assert execute(url, "SELECT * FROM users") == []

    def test_rights_that_are_missing_are_named_once(self, opened: Open, server: psycopg.Connection) -> None:
        server.execute(f"DROP ROLE IF EXISTS {ROLE}".encode())
        server.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
        try:
            here = opened(url=f"postgresql+asyncpg://{ROLE}@127.0.0.1:5432/test")
            with pytest.raises(KitError, match="permission denied to create database") as caught:
                here.shared()
            assert "CREATEDB" in caught.value.hint
            with pytest.raises(KitError, match="for the reason told at the first test"):
                here.shared()
        finally:
            server.execute(f"DROP ROLE {ROLE}".encode())

    def test_a_user_that_is_not_there(self, opened: Open) -> None:
        with pytest.raises(KitError, match=r"PostgreSQL on 127\.0\.0\.1:5432 refuses") as caught:
            opened(url="postgresql+asyncpg://kittest_nobody@127.0.0.1:5432/test").shared()
        assert "check user and password" in caught.value.hint

    def test_a_busy_template_is_waited_for_and_then_explained(
        self, opened: Open, server: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = opened()
        here.shared()
        (template,) = [name for name in known(server) if name.endswith("_template")]
        server.execute(f'ALTER DATABASE "{template}" ALLOW_CONNECTIONS true'.encode())
        monkeypatch.setattr(postgres, "_PATIENCE", 0.3)
        with psycopg.connect(f"host=127.0.0.1 user=postgres dbname={template}"):
            with pytest.raises(KitError, match="is being accessed by other users") as caught, here.own():
                pass
            assert "pg_stat_activity" in caught.value.hint

    def test_nobody_can_connect_to_the_template(self, opened: Open, server: psycopg.Connection) -> None:
        opened().shared()
        (template,) = [name for name in known(server) if name.endswith("_template")]
        with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
            psycopg.connect(f"host=127.0.0.1 user=postgres dbname={template}")

    def test_sweeping_by_hand_takes_what_is_over(self, opened: Open, server: psycopg.Connection, url: str) -> None:
        left = str(names.here(PREFIX, dead_run(), "abcdef", "gw0"))
        server.execute(f'CREATE DATABASE "{left}" TEMPLATE template0'.encode())
        opened().shared()
        server.execute(f'CREATE DATABASE "{left}" TEMPLATE template0'.encode()) if left not in known(server) else None
        assert dropping.sweep_server(url, PREFIX) == 1
        assert len(known(server)) == 2
