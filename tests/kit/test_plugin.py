"""The kit in pytest processes: modes and loop scopes, xdist, both launchers, and a run that is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.projects import Project

pytestmark = pytest.mark.processes

CONFTEST = """
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text
from async_test_runner.kit import DatabaseSettings

pytest_plugins = ["async_test_runner.kit"]
metadata = MetaData()
users = Table("users", metadata, Column("id", Integer, primary_key=True), Column("name", Text))

@pytest.fixture(scope="session")
def database_settings():
    return DatabaseSettings(metadata=metadata)
"""

# Two of each: the second one fails if the first one left anything.
TESTS = """
import pytest
from sqlalchemy import text

INSERT, COUNT = text("INSERT INTO users (name) VALUES ('ada')"), text("SELECT count(*) FROM users")

async def first_of_all(session):
    assert await session.scalar(COUNT) == 0
    await session.execute(INSERT)
    await session.commit()

@pytest.mark.asyncio
@pytest.mark.parametrize("time", [1, 2])
async def test_rolled_back(async_session, time):
    await first_of_all(async_session)

@pytest.mark.asyncio
@pytest.mark.parametrize("time", [1, 2])
async def test_isolated(isolated_db_session, time):
    await first_of_all(isolated_db_session)

@pytest.mark.asyncio
@pytest.mark.parametrize("time", [1, 2])
async def test_committed_by_an_engine(async_engine, time):
    async with async_engine.begin() as connection:
        await first_of_all(connection)

@pytest.mark.asyncio
@pytest.mark.parametrize("time", [1, 2])
async def test_committed_on_one_connection(one_connection_engine, time):
    async with one_connection_engine.begin() as connection:
        await first_of_all(connection)

@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("time", [1, 2])
async def test_in_the_module_s_loop(async_session, isolated_db_session, spawned, virtual_clock, time):
    await first_of_all(async_session)
    await first_of_all(isolated_db_session)

@pytest.mark.asyncio(loop_scope="session")
async def test_in_the_session_s_loop(async_session, cleanup_tasks):
    await first_of_all(async_session)

@pytest.mark.anyio
async def test_with_anyio(async_session, isolated_db_session, anyio_backend_name):
    await first_of_all(async_session)
    await first_of_all(isolated_db_session)

@pytest.mark.parametrize("time", [1, 2])
def test_without_a_coroutine(sync_session, time):
    assert sync_session.scalar(COUNT) == 0
    sync_session.execute(INSERT)
    sync_session.commit()
"""
INI = """
[pytest]
testpaths = tests
asyncio_default_fixture_loop_scope = function
filterwarnings = error
addopts = --strict-markers -p no:cacheprovider
"""


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def write(root: Path, tests: str, conftest: str = CONFTEST, ini: str = INI) -> None:
    (root / "tests").mkdir()
    (root / "pytest.ini").write_text(textwrap.dedent(ini).strip(), encoding="utf-8")
    (root / "tests" / "conftest.py").write_text(conftest, encoding="utf-8")
    (root / "tests" / "test_it.py").write_text(tests, encoding="utf-8")


def run_pytest(root: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DATABASE_URL"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=root,
        env={**clean, "TMPDIR": str(root / "tmp"), **env},
        capture_output=True,
        text=True,
        timeout=100,
    )


def left(temporary: Path) -> list[str]:
    """What runs have left in the kit's directory."""
    return [path.name for path in temporary.glob("async-test-kit-*/*")]


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_both_modes_every_loop_scope_and_anyio(mode: str, tmp_path: Path, temporary: Path) -> None:
    write(tmp_path, TESTS)
    done = run_pytest(tmp_path, f"--asyncio-mode={mode}", "-k", "not trio")
    assert re.search(r"^14 passed", done.stdout, re.MULTILINE), done.stdout
    assert left(temporary) == []


def test_workers_of_xdist_share_a_template_and_leave_nothing(tmp_path: Path, temporary: Path) -> None:
    write(tmp_path, TESTS)
    done = run_pytest(tmp_path, "-n", "2", "-k", "not trio")
    assert re.search(r"^14 passed", done.stdout, re.MULTILINE), done.stdout
    assert left(temporary) == []


def test_another_backend_than_asyncio_is_refused_with_a_reason(tmp_path: Path, temporary: Path) -> None:
    write(tmp_path, "import pytest\n@pytest.mark.anyio\nasync def test_it(async_session, anyio_backend): pass\n")
    (tmp_path / "tests" / "conftest.py").write_text(
        CONFTEST + "\n@pytest.fixture\ndef anyio_backend():\n    return 'trio'\n", encoding="utf-8"
    )
    done = run_pytest(tmp_path)
    if "No module named 'trio'" not in done.stdout:
        assert "the kit's fixtures need asyncio, and this test runs on 'trio'" in done.stdout


def test_marks_come_by_themselves(tmp_path: Path, temporary: Path) -> None:
    write(tmp_path, TESTS)
    selected = run_pytest(tmp_path, "--collect-only", "-m", "async_db and not isolated").stdout
    assert "test_rolled_back[1]" in selected
    assert "test_isolated" not in selected
    assert "test_without_a_coroutine" not in selected
    assert "test_isolated[1]" in run_pytest(tmp_path, "--collect-only", "-m", "isolated").stdout


CLIENT_TESTS = """
import pytest

@pytest.fixture
def caller(async_client): return async_client

@pytest.mark.asyncio
async def test_client(async_client): pass

@pytest.mark.asyncio
async def test_through_a_fixture(caller): pass

@pytest.mark.asyncio
async def test_no_client(app): pass

def test_no_coroutine(sync_client): pass
"""


def test_clients_that_get_sessions_of_the_test_mark_it_too(tmp_path: Path) -> None:
    """They ask for the sessions when they are made: no fixture of a database is among those of the test."""
    write(tmp_path, "", CONFTEST)
    for name, conftest in {
        "declared": "import pytest\n@pytest.fixture\ndef session_dependency(): return object()\n",
        "undeclared": "",
    }.items():
        (tmp_path / "tests" / name).mkdir()
        (tmp_path / "tests" / name / "conftest.py").write_text(conftest, encoding="utf-8")
        (tmp_path / "tests" / name / f"test_{name}.py").write_text(CLIENT_TESTS, encoding="utf-8")
    selected = run_pytest(tmp_path, "--collect-only", "-m", "async_db").stdout.splitlines()
    assert [line for line in selected if "::" in line] == [
        "tests/declared/test_declared.py::test_client",
        "tests/declared/test_declared.py::test_through_a_fixture",
    ]


def test_a_trouble_is_told_once_and_without_the_kits_own_frames(tmp_path: Path, temporary: Path) -> None:
    write(tmp_path, TESTS, CONFTEST.replace("metadata=metadata", "alembic_ini='nowhere.ini'"))
    done = run_pytest(tmp_path, "-k", "(rolled_back or isolated) and not trio")
    assert len(re.findall("^no migrations: there is no file", done.stdout, re.MULTILINE)) == 1
    assert len(re.findall("^no test database, for the reason told at the first test.*", done.stdout, re.MULTILINE)) == 6
    assert done.stdout.count("alembic_ini= names alembic's configuration file") == 1
    assert "Traceback" not in done.stdout
    assert "async_test_runner/kit" not in done.stdout


def test_an_undeclared_database_is_explained(tmp_path: Path, temporary: Path) -> None:
    write(tmp_path, TESTS, 'pytest_plugins = ["async_test_runner.kit"]\n')
    done = run_pytest(tmp_path, "-k", "test_rolled_back")
    assert "nobody has declared the test database" in done.stdout


def test_the_configuration_can_declare_the_database(tmp_path: Path, temporary: Path) -> None:
    ini = INI + "pythonpath = .\nasync_db_metadata = models:metadata\n"
    write(tmp_path, TESTS, 'pytest_plugins = ["async_test_runner.kit"]\n', ini)
    (tmp_path / "models.py").write_text(
        CONFTEST.partition("@pytest")[0].replace("pytest_plugins", "_"), encoding="utf-8"
    )
    assert run_pytest(tmp_path, "-k", "rolled_back").returncode == 0
    (tmp_path / "models.py").write_text("", encoding="utf-8")
    assert "async_db_metadata = models:metadata leads nowhere" in run_pytest(tmp_path, "-k", "rolled_back").stdout


def test_a_projects_own_fixture_of_the_same_name_wins(tmp_path: Path, temporary: Path) -> None:
    own = "import pytest\n@pytest.fixture\ndef async_session():\n    return 'ours'\n"
    write(tmp_path, own + "def test_it(async_session):\n    assert async_session == 'ours'\n")
    assert run_pytest(tmp_path).returncode == 0


def test_tasks_that_a_test_leaves_are_ended_or_told(tmp_path: Path, temporary: Path) -> None:
    write(
        tmp_path,
        """
import asyncio, pytest

async def fails():
    raise ValueError("lost")

async def fails_at_its_end():
    try:
        await asyncio.sleep(3600)
    finally:
        raise ValueError("lost")

@pytest.mark.asyncio
@pytest.mark.usefixtures("cleanup_tasks")
async def test_ended():
    asyncio.create_task(asyncio.sleep(3600))

@pytest.mark.asyncio
@pytest.mark.usefixtures("cleanup_tasks")
async def test_told():
    asyncio.create_task(fails_at_its_end())
    await asyncio.sleep(0)

@pytest.mark.asyncio
async def test_spawned(spawned):
    spawned(fails())
    await asyncio.sleep(0)
""",
    )
    done = run_pytest(tmp_path)
    assert re.search(r"^3 passed, 2 errors", done.stdout, re.MULTILINE), done.stdout
    assert "(fails) failed: ValueError: lost" in done.stdout
    assert "(fails_at_its_end) failed: ValueError: lost" in done.stdout
    assert "async_test_runner/kit" not in done.stdout


def as_project(project: Project) -> Project:
    write(
        project.root,
        TESTS,
        ini=INI.replace("-p no:cache", "-p pytest_asyncio.plugin -p anyio.pytest_plugin -p no:cache"),
    )
    project.plan(
        """
        phases:
          - {name: db, markers: async_db, isolation: test, workers: 2}
          - {name: rest}
        """
    )
    return project


def test_under_the_runner_no_test_meets_another_and_nothing_stays(project: Project, temporary: Path) -> None:
    finished = as_project(project).run("-k", "not trio", TMPDIR=str(temporary), DATABASE_URL="").check(0)
    assert len(finished.tests) == 14
    assert finished.processes("db")
    assert left(temporary) == []


def test_what_a_killed_run_has_left_goes_with_the_next(tmp_path: Path, temporary: Path) -> None:
    project = Project(tmp_path, "warm")
    hanging = "\n@pytest.mark.asyncio\nasync def test_hangs(isolated_db_session):\n    import asyncio, pathlib\n"
    write(tmp_path, TESTS + hanging + "    pathlib.Path('hangs').touch()\n    await asyncio.sleep(3600)\n")
    (tmp_path / "pytest.ini").write_text(
        INI.replace("-p no:c", "-p pytest_asyncio.plugin -p anyio.pytest_plugin -p no:c").strip()
    )
    project.plan("phases: [{name: all}]\n")
    project.start("run", "-k", "hangs", TMPDIR=str(temporary), DATABASE_URL="").until("hangs").signal(
        signal.SIGKILL
    ).process.wait(60)
    assert len(left(temporary)) == 1
    done = run_pytest(tmp_path, "-k", "rolled_back", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert done.returncode == 0, done.stdout
    assert left(temporary) == []
