"""Templates, copies and troubles, without a server: SQLite."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, Column, Integer, MetaData, Table, Text

from async_test_runner.kit import DatabaseSettings, KitError
from async_test_runner.kit.database import dropping, migrations, state
from async_test_runner.kit.database.databases import Databases
from async_test_runner.kit.database.runs import Run
from tests.kit.alembic_project import AlembicProject

METADATA = MetaData()
Table("users", METADATA, Column("id", Integer, primary_key=True), Column("name", Text))


@pytest.fixture(autouse=True)
def temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kit keeps its files; and no environment that says more."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    for name in ("DATABASE_URL", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def this_run() -> Run:
    return Run.of(os.getpid())


@pytest.fixture
def dead_run() -> Iterator[Run]:
    """A run whose process has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    run = Run.of(child.pid)
    child.communicate()
    assert not run.is_alive
    yield run


@pytest.fixture
def project(tmp_path: Path) -> AlembicProject:
    return AlembicProject(tmp_path)


Open = Callable[..., Databases]


@pytest.fixture
def opened(this_run: Run) -> Open:
    """The databases of a declaration, as a process of this run sees them."""

    def of(**said: Any) -> Databases:
        return Databases(DatabaseSettings(**said), this_run)

    return of


def sql(url: URL, statement: str) -> list[Any]:
    with closing(sqlite3.connect(str(url.database))) as connection, connection:
        return connection.execute(statement).fetchall()


def tables(url: URL) -> set[str]:
    return {row[0] for row in sql(url, "SELECT name FROM sqlite_master WHERE type = 'table'")}


# ----------------------------------------------------------------------------------------------------------- copies


def test_models_alone_make_the_schema(opened: Open) -> None:
    assert tables(opened(metadata=METADATA).shared()) == {"users"}


def test_a_database_of_ones_own_is_nobody_elses_and_goes(opened: Open) -> None:
    here = opened(metadata=METADATA)
    with here.own() as one, here.own() as other:
        sql(one, "INSERT INTO users (name) VALUES ('ada')")
        assert sql(other, "SELECT * FROM users") == []
        assert len({one, other, here.shared()}) == 3
    assert not Path(str(one.database)).exists()


def test_the_shared_database_stays_until_something_was_committed(opened: Open) -> None:
    here = opened(metadata=METADATA)
    sql(here.shared(), "INSERT INTO users (name) VALUES ('ada')")
    assert len(sql(here.shared(), "SELECT * FROM users")) == 1
    here.spoil()
    assert sql(here.shared(), "SELECT * FROM users") == []


def test_another_worker_has_another_database(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    here = opened(metadata=METADATA)
    first = here.shared()
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
    assert here.shared() != first


def test_two_declarations_do_not_share(opened: Open) -> None:
    other = MetaData()
    Table("notes", other, Column("id", Integer, primary_key=True))
    assert tables(opened(metadata=METADATA).shared()) == {"users"}
    assert tables(opened(metadata=other).shared()) == {"notes"}


def test_everything_goes_with_the_run(opened: Open, this_run: Run) -> None:
    opened(metadata=METADATA).shared()
    assert state.of_run(this_run).exists()
    dropping.drop(this_run)
    assert not state.of_run(this_run).exists()


def test_the_next_run_removes_what_a_killed_one_has_left_and_nothing_of_the_living(
    opened: Open, dead_run: Run, this_run: Run
) -> None:
    living = Run.of(os.getppid())
    for run in (dead_run, living):
        Databases(DatabaseSettings(metadata=METADATA), run).shared()
    opened(metadata=METADATA).shared()
    assert {path.name for path in state.root().iterdir()} == {living.mark, this_run.mark}


def test_a_directory_that_is_no_runs_is_left_alone(opened: Open) -> None:
    (state.root() / "notes").mkdir()
    opened(metadata=METADATA).shared()
    assert (state.root() / "notes").exists()


def test_what_names_a_server_is_for_this_user_only(opened: Open, this_run: Run) -> None:
    opened(metadata=METADATA).shared()
    (said,) = state.of_run(this_run).glob("*/server")
    assert [path.stat().st_mode & 0o077 for path in (said, said.parent, state.root())] == [0, 0, 0]


# ----------------------------------------------------------------------------------------------------------- migrations


@pytest.mark.processes
def test_migrations_make_what_no_model_describes_once_for_all_processes(
    project: AlembicProject, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.table("1", None, "users").table("2", "1", "audit_log")
    assert tables(opened(alembic_ini=project.ini, metadata=METADATA).shared()) > {"users", "audit_log"}
    monkeypatch.setattr(migrations, "upgrade", lambda *_: pytest.fail("migrated again"))
    with opened(alembic_ini=project.ini, metadata=METADATA).own() as url:
        assert tables(url) > {"users", "audit_log"}


def trouble_of(here: Databases) -> KitError:
    with pytest.raises(KitError) as caught:
        here.shared()
    return caught.value


@pytest.mark.processes
def test_a_trouble_is_told_in_full_once_and_its_reason_after_that(project: AlembicProject, opened: Open) -> None:
    here = opened(alembic_ini=project.ini)
    assert trouble_of(here).hint
    for later in (here, opened(alembic_ini=project.ini)):  # another test, and another process
        again = trouble_of(later)
        assert again.message.startswith("no test database, for the reason told at the first test")
        assert "no migrations found" in again.message
        assert not again.hint


@pytest.mark.processes
def test_a_migration_is_not_tried_again_by_every_test(
    project: AlembicProject, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble_of(opened(alembic_ini=project.ini))
    monkeypatch.setattr(migrations, "upgrade", lambda *_: pytest.fail("tried again"))
    trouble_of(opened(alembic_ini=project.ini))


def test_a_configuration_file_that_is_not_there(opened: Open, tmp_path: Path) -> None:
    trouble = trouble_of(opened(alembic_ini=tmp_path / "alembik.ini"))
    assert trouble.message == f"no migrations: there is no file {tmp_path / 'alembik.ini'}"


@pytest.mark.processes
def test_no_migrations(project: AlembicProject, opened: Open) -> None:
    trouble = trouble_of(opened(alembic_ini=project.ini))
    assert f"no migrations found by {project.ini}" in trouble.message
    assert "alembic revision" in trouble.hint


@pytest.mark.processes
def test_no_directory_of_migrations(opened: Open, tmp_path: Path) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = nowhere\n", encoding="utf-8")
    trouble = trouble_of(opened(alembic_ini=tmp_path / "alembic.ini"))
    assert "no migrations found" in trouble.message
    assert "nowhere" in trouble.message


@pytest.mark.processes
def test_several_heads_are_named(project: AlembicProject, opened: Open) -> None:
    project.table("1", None, "users").table("2a", "1", "a").table("2b", "1", "b")
    trouble = trouble_of(opened(alembic_ini=project.ini))
    assert trouble.message == "the migrations have several heads: 2a, 2b"
    assert "alembic merge heads" in trouble.hint
    assert tables(opened(alembic_ini=project.ini, revision="heads").shared()) > {"users", "a", "b"}


@pytest.mark.processes
def test_a_migration_that_fails_is_quoted(project: AlembicProject, opened: Open) -> None:
    project.revision("1", None, "op.execute('CREATE TABEL users')")
    trouble = trouble_of(opened(alembic_ini=project.ini))
    assert trouble.message.startswith(
        "a migration failed: sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) near"
    )
    assert 'near "TABEL": syntax error' in trouble.message
    assert "TABEL" in trouble_of(opened(alembic_ini=project.ini)).message
    assert "\n" not in trouble_of(opened(alembic_ini=project.ini)).message
    assert f"python -m alembic -c {project.ini} upgrade head" in trouble.hint


@pytest.mark.processes
def test_a_migration_that_hangs_is_ended_and_shown(project: AlembicProject, opened: Open) -> None:
    project.revision("1", None, "import threading", "threading.Event().wait()")
    # On a slow machine it is still importing after that time; a hang that is one is shown with its line.
    trouble = trouble_of(opened(alembic_ini=project.ini, migration_timeout=4.0))
    assert "did not end within 4 s (migration_timeout); they were here:\n" in trouble.message
    assert 'File "' in trouble.message


@pytest.mark.processes
def test_an_env_that_migrates_another_database_is_noticed(opened: Open, tmp_path: Path) -> None:
    project = AlembicProject(tmp_path, "from alembic import context\n").table("1", None, "users")
    trouble = trouble_of(opened(alembic_ini=project.ini))
    assert "the test database has no table" in trouble.message
    assert "env=" in trouble.hint


@pytest.mark.processes
def test_an_env_learns_the_database_from_a_variable_of_its_own(opened: Open, tmp_path: Path) -> None:
    env = """
        import os
        from alembic import context
        from sqlalchemy import create_engine

        with create_engine(os.environ["SHOP_DB"]).connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
    """
    project = AlembicProject(tmp_path, env).table("1", None, "users")
    here = opened(alembic_ini=project.ini, env={"SHOP_DB": "{url}"}, migration_driver="pysqlite")
    assert "users" in tables(here.shared())


@pytest.mark.processes
def test_a_synchronous_env_with_an_asynchronous_driver_is_explained(opened: Open, tmp_path: Path) -> None:
    env = """
        from alembic import context
        from sqlalchemy import engine_from_config

        section = context.config.get_section("alembic")
        with engine_from_config(section).connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
    """
    project = AlembicProject(tmp_path, env).table("1", None, "users")
    trouble = trouble_of(opened(alembic_ini=project.ini))
    assert "migration_driver='psycopg' (SQLite: 'pysqlite')" in trouble.hint
    fixed = opened(alembic_ini=project.ini, migration_driver="pysqlite")
    assert "users" in tables(fixed.shared())


@pytest.mark.processes
def test_a_table_without_a_migration_is_named(project: AlembicProject, opened: Open) -> None:
    project.table("1", None, "notes")
    trouble = trouble_of(opened(alembic_ini=project.ini, metadata=METADATA))
    assert trouble.message == "no migration makes these tables of the models: users"


def test_a_template_that_somebody_else_is_making_for_ever(opened: Open, this_run: Run) -> None:
    here = opened(metadata=METADATA, migration_timeout=-29.9)  # and a margin of 30 seconds
    (declaration,) = state.of_run(this_run).iterdir()
    with (declaration / "template.lock").open("w") as held:
        held.write("4711")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        trouble = trouble_of(here)
    assert "another process (pid 4711) has been at it" in trouble.message


def test_a_template_that_was_deleted_is_explained(opened: Open, this_run: Run) -> None:
    opened(metadata=METADATA).shared()
    (template,) = state.of_run(this_run).glob("*/template.db")
    template.unlink()
    with pytest.raises(KitError, match="is gone") as caught, opened(metadata=METADATA).own():
        pass
    assert "TMPDIR" in caught.value.hint


# ---------------------------------------------------------------------------------------------------------- declaration


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "names nothing that makes a schema"),
        ({"metadata": METADATA, "prefix": "My-Tests"}, "cannot begin the names of databases"),
        ({"metadata": METADATA, "prefix": "a" * 40}, "longer than 63 characters"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(said: dict[str, Any], message: str) -> None:
    with pytest.raises(KitError, match=message):
        DatabaseSettings(**said)


@pytest.mark.parametrize(
    ("url", "message"),
    [("mysql://localhost/x", "no databases for 'mysql'"), ("not a url", "cannot be read")],
)
def test_a_url_that_cannot_be_is_refused(url: str, message: str) -> None:
    with pytest.raises(KitError, match=message):
        DatabaseSettings(metadata=METADATA, url=url).parsed()


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://h/x", "postgresql+asyncpg"),
        ("postgresql+psycopg://h/x", "postgresql+psycopg"),
        ("sqlite://", "sqlite+aiosqlite"),
        ("", "sqlite+aiosqlite"),
    ],
)
def test_a_url_without_a_driver_gets_one_for_asyncio(url: str, driver: str) -> None:
    assert DatabaseSettings(metadata=METADATA, url=url).parsed().drivername == driver


def test_a_server_that_does_not_answer_is_said_so(opened: Open) -> None:
    trouble = trouble_of(opened(metadata=METADATA, url="postgresql+asyncpg://nobody@127.0.0.1:9/x"))
    assert "no answer from PostgreSQL on 127.0.0.1:9" in trouble.message
    assert "start the server" in trouble.hint


def test_files_are_dropped_without_sqlalchemy(tmp_path: Path) -> None:
    program = """
        import os, sys
        from async_test_runner.kit.database import dropping, state
        from async_test_runner.kit.database.runs import Run
        run = Run.of(os.getpid())
        state.State(state.of_run(run) / "a").write("server", {"url": "sqlite+aiosqlite:///a.db"})
        assert dropping.drop(run) == 0
        assert not state.of_run(run).exists()
        assert "sqlalchemy" not in sys.modules
    """
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=env, check=True, timeout=60)
