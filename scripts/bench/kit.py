"""Measures the kit's databases: a copy of the template against migrating, isolation per test, and 500 tests at once.

    python scripts/bench/kit.py                          SQLite, and PostgreSQL where DATABASE_URL names one
    python scripts/bench/kit.py --only clone             one of: clone, session, many
    python scripts/bench/kit.py --rounds 20 --tests 500

``clone``: 20 migrations, in process (which spares the peer the start of Alembic's process), on an empty database each
time, against a copy of the database that they made once. ``session``: what ``isolated_db_session`` adds to a test,
set-up to tear-down; on PostgreSQL also the server's own share of it: the same two statements over a connection that is
open already. ``many``: tests with isolated databases under the runner, two workers; conflicts, leftover databases and
connections.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, make_url, text

from async_test_runner.kit import DatabaseSettings
from async_test_runner.kit.database import dropping, sessions
from async_test_runner.kit.database.databases import Databases
from async_test_runner.kit.database.postgres import Server
from async_test_runner.kit.database.runs import Run

MIGRATIONS = 20
ENV = """
from alembic import context
from sqlalchemy import create_engine, make_url, pool
url = make_url(context.config.attributes["url"])
drivers = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
engine = create_engine(url.set(drivername=drivers[url.get_backend_name()]), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
TESTS = """
import pytest
from sqlalchemy import text

@pytest.mark.asyncio
@pytest.mark.parametrize("number", range({count}))
async def test_commits(isolated_db_session, number):
    count = text("SELECT count(*) FROM table_1")
    assert await isolated_db_session.scalar(count) == 0
    await isolated_db_session.execute(text("INSERT INTO table_1 (name) VALUES ('ada')"))
    await isolated_db_session.commit()
    assert await isolated_db_session.scalar(count) == 1
"""
CONFTEST = """
import pytest
from async_test_runner.kit import DatabaseSettings
pytest_plugins = ["async_test_runner.kit"]

@pytest.fixture(scope="session")
def database_settings():
    return DatabaseSettings(alembic_ini="alembic.ini")
"""


def project(root: Path) -> Path:
    """20 migrations, each with a table and an index. Returns ``alembic.ini``."""
    versions = root / "alembic" / "versions"
    versions.mkdir(parents=True)
    (root / "alembic" / "env.py").write_text(ENV)
    for number in range(1, MIGRATIONS + 1):
        after = repr(str(number - 1)) if number > 1 else "None"
        (versions / f"{number:02}.py").write_text(
            f"import sqlalchemy as sa\nfrom alembic import op\nrevision = '{number}'\ndown_revision = {after}\n"
            f"def upgrade():\n    op.create_table('table_{number}', sa.Column('id', sa.Integer, primary_key=True), "
            f"sa.Column('name', sa.Text))\n    op.create_index('index_{number}', 'table_{number}', ['name'])\n"
        )
    ini = root / "alembic.ini"
    ini.write_text(f"[alembic]\nscript_location = {root}/alembic\n")
    return ini


def timed(work: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each round, after one that is not counted."""
    took = []
    for turn in range(rounds + 1):
        began = time.perf_counter()
        work()
        if turn:
            took.append((time.perf_counter() - began) * 1000)
    return took


def shown(label: str, took: list[float]) -> float:
    median = statistics.median(took)
    print(f"{label:<66} {median:8.1f} ms   ({min(took):.1f} – {max(took):.1f}, n = {len(took)})")
    return median


def clone(here: Databases, ini: Path, url: URL, rounds: int) -> None:
    backend = here._ready()

    def migrate() -> None:
        backend.create("bench")
        config = Config(str(ini))
        config.attributes["url"] = backend.url("bench").render_as_string(hide_password=False)
        command.upgrade(config, "head")

    migrated = shown(f"an empty database and {MIGRATIONS} migrations", timed(migrate, rounds))
    backend.drop("bench")

    def copy() -> None:
        with here.own():
            pass

    copied = shown("a copy of the template, made and dropped", timed(copy, rounds))
    wanted = {"sqlite": 20, "postgresql": 5}[url.get_backend_name()]
    print(f"{f'ratio (at least {wanted})':<66} {migrated / copied:8.1f} ×\n")


def session(here: Databases, url: URL, rounds: int) -> None:
    async def use(own: URL) -> None:
        async with (
            sessions.async_engine(here.settings, own) as engine,
            sessions.async_session(sessions.own_sessions(engine)) as opened,
        ):
            await opened.execute(text("SELECT 1"))

    def once() -> None:
        with here.own() as own:
            asyncio.run(use(own))

    wanted = {"sqlite": 10, "postgresql": 120}[url.get_backend_name()]
    shown(f"isolated_db_session, with its first query (at most {wanted} ms)", timed(once, rounds))
    if url.get_backend_name() == "postgresql":
        with contextlib.ExitStack() as stack:
            create, drop = servers_share(here, url, stack)
            whole = timed(lambda: (create(), drop()), rounds)
        shown("  of that the server's own: CREATE DATABASE and DROP DATABASE", whole)
    print()


def servers_share(
    here: Databases, url: URL, stack: contextlib.ExitStack
) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import psycopg

    plain = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    connection = stack.enter_context(psycopg.connect(plain, autocommit=True))
    template = here._ready().url("template").database
    name = here._ready().url("bench").database
    create = f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode()
    drop = f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode()
    return lambda: connection.execute(create), lambda: connection.execute(drop)


def many(directory: Path, url: URL, count: int) -> None:
    """Tests with databases of their own under the runner."""
    (directory / "tests").mkdir()
    (directory / "tests" / "test_many.py").write_text(TESTS.format(count=count))
    (directory / "tests" / "conftest.py").write_text(CONFTEST)
    (directory / "pytest.ini").write_text(
        "[pytest]\ntestpaths = tests\naddopts = -p no:cacheprovider\nfilterwarnings = error\n"
        "asyncio_default_fixture_loop_scope = function\n"
    )
    (directory / "runner.yaml").write_text("version: 1\nphases: [{name: all, isolation: test, workers: 2}]\n")
    temporary = directory / "tmp"
    temporary.mkdir()
    env = {**os.environ, "TMPDIR": str(temporary), "DATABASE_URL": url.render_as_string(hide_password=False)}
    with_server = url.get_backend_name() == "postgresql"
    before = on_server(url) if with_server else (0, 0)
    began = time.perf_counter()
    command_line = [sys.executable, "-m", "async_test_runner", "-q"]
    done = subprocess.run(command_line, cwd=directory, env=env, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    after = on_server(url) if with_server else (0, 0)
    files = [str(path) for path in temporary.rglob("*.db")]
    print(f"{count} tests, a process and a database each, 2 workers: exit {done.returncode} in {took:.1f} s,", end=" ")
    print(f"{took / count * 1000:.0f} ms a test; leftover databases {after[0] - before[0] + len(files)},", end=" ")
    print(f"leftover connections {after[1] - before[1]}")
    print(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-2000:], end="\n\n")


def on_server(url: URL) -> tuple[int, int]:
    """How many databases of the kit there are, and connections to any of them."""
    server = Server(url, "postgres", {})
    (databases_there,) = server.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'atr\\_%'")[0]
    (connections,) = server.execute("SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'atr\\_%'")[0]
    return databases_there, connections


@contextlib.contextmanager
def working_directory(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"kit-bench-{name}-") as directory:
        yield Path(directory)


def measure(url: URL, only: str, rounds: int, tests: int) -> None:
    name = url.get_backend_name()
    print(f"--- {name} ({url.get_driver_name()})")
    with working_directory(name) as directory:
        ini = project(directory)
        run = Run.of(os.getpid())
        here = Databases(DatabaseSettings(url=url.render_as_string(hide_password=False), alembic_ini=ini), run)
        try:
            if only in ("", "clone"):
                clone(here, ini, url, rounds)
            if only in ("", "session"):
                session(here, url, rounds)
        finally:
            dropping.drop(run)
        if only in ("", "many"):
            many(directory, url, tests)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["", "clone", "session", "many"], default="")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--tests", type=int, default=500)
    asked = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    named = os.environ.get("DATABASE_URL", "")
    for url in ("sqlite+aiosqlite://", *([named] if named.startswith("postgresql") else [])):
        measure(make_url(url), asked.only, asked.rounds, asked.tests)


if __name__ == "__main__":
    main()
