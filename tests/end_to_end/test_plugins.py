"""Plugins of the user in sessions that have workers, and what workers are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.projects import Project

pytestmark = pytest.mark.processes


@pytest.fixture
def divided(tmp_path: Path) -> Project:
    project = Project(tmp_path, "warm")
    project.plan("phases: [{name: all, isolation: test, workers: 2}]")
    return project


def test_what_plugins_of_workers_hand_over_reaches_the_session_as_under_xdist(divided: Project) -> None:
    divided.write(
        "conftest.py",
        """
        import pytest
        NUMBERS = []
        def pytest_runtest_call(item): NUMBERS.append(item.name)
        def pytest_sessionfinish(session):
            if hasattr(session.config, "workerinput"):
                session.config.workeroutput["numbers"] = NUMBERS
                session.config.workeroutput["lambda"] = lambda: 0
        @pytest.hookimpl(optionalhook=True)
        def pytest_testnodedown(node, error):
            with open("down.txt", "a") as file:
                file.write(f"{node.gateway.id} {getattr(node, 'workeroutput', {}).get('numbers')} {error}\\n")
        """,
    )
    divided.write("pytest.ini", "[pytest]\naddopts = -p counts_on_xdist\npythonpath = .\n")
    divided.write(
        "counts_on_xdist.py",
        """
        import pytest
        @pytest.hookimpl(optionalhook=True)
        def pytest_testnodedown(node): node.workeroutput["what it has put there at the worker's start"]
        """,
    )
    divided.write("test_a.py", "import os\ndef test_one(): pass\ndef test_dies(): os._exit(7)\n")
    divided.run().check(1)
    assert sorted(line.partition(" ")[2] for line in (divided.root / "down.txt").read_text().splitlines()) == [
        "None its process exited with 7",
        "['test_one'] None",
    ]


def test_what_a_session_has_started_is_ended_once_after_all_phases(divided: Project) -> None:
    divided.plan("phases: [{name: a, tests: ['*[0]', '*[1]']}, {name: b, isolation: test, workers: 2}]")
    divided.write(
        "conftest.py",
        """
        import os, pathlib
        def pytest_sessionstart(): pathlib.Path("server").touch()
        def pytest_sessionfinish(session):
            pathlib.Path("server").unlink()
        """,
    )
    divided.write(
        "test_a.py",
        """
        import pathlib, pytest
        @pytest.mark.parametrize("number", range(4))
        def test_the_server_is_there(number): assert pathlib.Path("server").exists()
        """,
    )
    divided.run().check(0)
    assert not (divided.root / "server").exists()


DATABASES = """
    import os, sqlite3
    import pytest

    @pytest.fixture(scope="session")
    def database(worker_id, testrun_uid):  # as pytest-django names them
        name = f"test_{worker_id}.db" if worker_id != "master" else "test.db"
        assert not os.path.exists(name), "two processes at a time share a number"
        connection = sqlite3.connect(name)
        connection.execute("create table numbers (number integer)")
        yield connection, worker_id, testrun_uid
        connection.close()
        os.remove(name)

    @pytest.mark.parametrize("number", range(8))
    def test_number(database, number):
        connection, worker, uid = database
        connection.execute("insert into numbers values (?)", (number,))
        with open("seen.txt", "a") as file:
            file.write(f"{worker} {os.environ.get('PYTEST_XDIST_WORKER', 'master')} {uid}\\n")
    """


@pytest.mark.parametrize(
    ("addopts", "launcher", "phase", "workers"),
    [
        ("", "warm", "{name: all}", {"master"}),
        ("", "warm", "{name: all, workers: 2}", {"gw0", "gw1"}),
        ("-p xdist", "warm", "{name: all, isolation: test, workers: 2}", {"gw0", "gw1"}),
        ("-p xdist", "exec", "{name: all, isolation: test, workers: 2}", {"gw0", "gw1"}),
    ],
)
def test_a_database_per_worker_is_nobody_elses(
    tmp_path: Path, addopts: str, launcher: str, phase: str, workers: set[str]
) -> None:
    project = Project(tmp_path, launcher)
    project.plan(f"phases: [{phase}]")
    project.write("pytest.ini", f"[pytest]\naddopts = {addopts}\nfilterwarnings = error\n")
    project.write("test_a.py", DATABASES)
    run = project.run().check(0)
    rows = [line.split() for line in (tmp_path / "seen.txt").read_text().splitlines()]
    assert len(rows) == 8
    assert {row[0] for row in rows} == {row[1] for row in rows} == workers
    assert {row[2] for row in rows} == {(run.run or Path()).name}


def test_a_fixture_of_the_project_goes_before_ours(divided: Project) -> None:
    divided.write("conftest.py", "import pytest\n@pytest.fixture\ndef worker_id(): return 'mine'\n")
    divided.write("test_a.py", "def test_a(worker_id): assert worker_id == 'mine'\n")
    divided.run().check(0)


REPEATING = """
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    for number in range(3):  # as pytest-rerunfailures does it
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        failed = False
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            if report.failed and number < 2:
                report.outcome, failed = "rerun", True
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if not failed:
            break
    return True
"""


@pytest.mark.parametrize("launcher", ["warm", pytest.param("exec", marks=pytest.mark.thorough)])
def test_a_plugin_that_repeats_tests_has_the_last_word(tmp_path: Path, launcher: str) -> None:
    project = Project(tmp_path, launcher)
    project.plan("phases: [{name: all, isolation: test}]")
    project.write("conftest.py", REPEATING)
    project.write(
        "test_a.py",
        """
        TRIES = []
        def test_comes_good():
            TRIES.append(1)
            assert len(TRIES) > 1, "the first try"
        def test_stays_red(): assert 0, "always"
        def test_passes(): pass
        """,
    )
    run = project.run().check(1)
    tries = {id.partition("::")[2]: [a.outcome.value for a in test.attempts] for id, test in run.tests.items()}
    assert tries == {
        "test_comes_good": ["failed", "passed"],
        "test_stays_red": ["failed", "failed", "failed"],
        "test_passes": ["passed"],
    }
    assert run.problems == []
    assert "the first try" in run.tests["test_a.py::test_comes_good"].attempts[0].details[0].message


def test_tests_that_need_others_are_not_torn_apart(divided: Project) -> None:
    divided.write("pytest.ini", "[pytest]\nmarkers = dependency: as pytest-dependency has it\n")
    divided.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.dependency
        def test_create(): pass
        @pytest.mark.dependency(depends=["test_create"])
        def test_pay(): assert 0
        """,
    )
    refused = divided.run()
    assert refused.code == 2
    assert "test_a.py::test_pay needs test_a.py::test_create" in refused.output
    assert "set `isolation: file` in phase all" in refused.output
