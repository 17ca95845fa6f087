"""Plugins that judge and delete at the end of a session, from what has run in their own process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.fork_server import ForkServer
from tests.support.projects import Project

pytestmark = pytest.mark.processes

# A snapshot plugin in small: it removes what no test has used. One knows workers, as plugins of pytest-xdist do.
KNOWING = """
    import os, pathlib, pytest

    USED, TOLD = set(), []

    def is_worker(): return "PYTEST_XDIST_WORKER" in os.environ

    @pytest.fixture
    def snapshot(request):
        USED.add(request.node.name)
        return pathlib.Path("snapshots", request.node.name).read_text()

    class Hears:
        @pytest.hookimpl(optionalhook=True)
        def pytest_testnodedown(self, node, error):
            TOLD.append(node.workeroutput["used"])

    def pytest_configure(config): config.pluginmanager.register(Hears())

    def finish(session):
        if is_worker():
            session.config.workeroutput["used"] = sorted(USED)
            return
        assert session.config.getoption("dist") == "load" and session.config.option.numprocesses <= len(TOLD)
        for path in pathlib.Path("snapshots").iterdir():
            if path.name not in USED.union(*TOLD): path.unlink()

    def pytest_sessionfinish(session): finish(session)
    """
UNKNOWING = """
    import pathlib, pytest

    USED = set()

    @pytest.fixture
    def snapshot(request):
        USED.add(request.node.name)
        return pathlib.Path("snapshots", request.node.name).read_text()

    def pytest_runtest_logreport(report): pass

    def pytest_sessionfinish(session):
        for path in sorted(pathlib.Path("snapshots").iterdir()):
            if path.name not in USED: path.unlink()
    """


@pytest.fixture
def project(tmp_path: Path, server: ForkServer) -> Project:
    return Project(tmp_path, "warm", server)


@pytest.fixture
def snapshots(tmp_path: Path, server: ForkServer) -> Project:
    project = Project(tmp_path, "warm", server)
    for name in ("test_n[0]", "test_n[1]", "test_n[2]", "unused"):
        project.write(f"snapshots/{name}", "it")
    project.write("pytest.ini", "[pytest]\naddopts = -p judge\npythonpath = .\n")
    test = "@pytest.mark.parametrize('n', range(3))\ndef test_n(snapshot, n): assert snapshot == 'it'\n"
    project.write("test_a.py", f"import pytest\n{test}")
    return project


def left(project: Project) -> list[str]:
    return sorted(path.name for path in (project.root / "snapshots").iterdir())


@pytest.mark.parametrize(
    "phase",
    ["{name: all, isolation: test, workers: 2}", pytest.param("{name: all, workers: 2}", marks=pytest.mark.thorough)],
)
def test_who_knows_workers_judges_by_what_each_of_them_tells(snapshots: Project, phase: str) -> None:
    snapshots.write("judge.py", KNOWING)
    snapshots.plan(f"phases: [{phase}]")
    snapshots.run().check(0)
    assert left(snapshots) == ["test_n[0]", "test_n[1]", "test_n[2]"]


def test_who_does_not_deletes_nothing_that_was_there(snapshots: Project) -> None:
    snapshots.write("judge.py", UNKNOWING)
    snapshots.plan("phases: [{name: all, isolation: test, workers: 2}]")
    run = snapshots.run().check(1)
    assert left(snapshots) == ["test_n[0]", "test_n[1]", "test_n[2]", "unused"]
    (problem,) = run.problems
    assert "pytest_sessionfinish of judge would delete snapshots/test_n[0]" in problem


@pytest.mark.parametrize("launcher", ["warm", pytest.param("exec", marks=pytest.mark.thorough)])
def test_the_process_that_collects_judges_nothing(snapshots: Project, launcher: str) -> None:
    judge = UNKNOWING.replace("def pytest_runtest_logreport(report)", "def pytest_sessionstart()")
    snapshots.write("judge.py", judge)
    snapshots.plan("phases: [{name: all, isolation: test, workers: 2}]")
    run = snapshots.run("--launcher", launcher)
    assert left(snapshots) == ["test_n[0]", "test_n[1]", "test_n[2]", "unused"]
    assert any("would delete" in said for said in (*run.result.warnings, *run.problems))
    assert {outcome.value for outcome in run.outcomes.values()} == {"passed"}


# It collects in a fixture what it writes at the end, of a beginning that is the session's.
COLLECTING = """
    import json, pathlib, pytest

    def pytest_sessionstart(session): session.config.seen = []

    @pytest.fixture(autouse=True)
    def seen(request):
        yield
        request.config.seen.append(request.node.name)

    def pytest_sessionfinish(session):
        pathlib.Path("seen.json").write_text(json.dumps(session.config.seen))
    """


def test_what_fixtures_collect_is_written_by_the_session_in_whose_process_they_ran(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("conftest.py", COLLECTING)
    project.write("test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    run = project.run().check(0)
    assert run.result.warnings == ()
    assert json.loads((project.root / "seen.json").read_text()) == ["test_one", "test_two"]


def test_what_fixtures_collect_in_other_processes_is_said_to_be_missing(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: test}]")
    project.write("conftest.py", COLLECTING)
    project.write("test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    run = project.run().check(0)
    assert run.result.warnings == (
        "pytest_sessionfinish of conftest.py needs one process for all tests, and phase all has `isolation: test`: "
        "it sees only what its own process has put into config.seen",
    )


def test_what_would_judge_by_it_is_refused(project: Project) -> None:
    project.plan("phases: [{name: all, workers: 2}]")
    project.write("conftest.py", COLLECTING.replace("pathlib.Path", "session.exitstatus = 3\n        pathlib.Path"))
    project.write("test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    run = project.run()
    assert run.code == 2
    assert (
        "pytest_sessionfinish of conftest.py may turn the run red by config.seen, which tests change in memory, "
        "and needs one process for all tests: phase all has 2 workers"
    ) in " ".join(run.output.split())


@pytest.mark.thorough
def test_one_process_judges_as_ever(snapshots: Project) -> None:
    snapshots.write("judge.py", UNKNOWING)
    snapshots.plan("phases: [{name: all}]")
    snapshots.run().check(0)
    assert left(snapshots) == ["test_n[0]", "test_n[1]", "test_n[2]"]


def test_what_changes_files_is_refused_before_anything_runs_where_no_process_sees_all_tests(snapshots: Project) -> None:
    snapshots.write(
        "judge.py",
        """
        import pytest
        @pytest.fixture
        def snapshot(): return "it"
        def pytest_addoption(parser): parser.addoption("--inline-snapshot", dest="inline_snapshot")
        """,
    )
    snapshots.write("test_b.py", "def test_b(): pathlib.Path('ran').touch()\n")
    snapshots.plan("phases: [{name: a, tests: [test_a.py]}, {name: b}]")
    run = snapshots.run("--", "--inline-snapshot=fix")
    assert run.code == 2
    assert "--inline-snapshot=fix changes files" in run.output
    assert "each phase has a session of its own (a, b)" in run.output
    assert run.run is None


def test_a_session_hears_of_its_own_selection(snapshots: Project) -> None:
    snapshots.write(
        "judge.py",
        """
        import pytest
        @pytest.fixture
        def snapshot(): return "it"
        def pytest_collection_finish(session):
            with open("selected.txt", "a") as file: file.write(f"{[item.name for item in session.items]}\\n")
        """,
    )
    snapshots.plan("phases: [{name: a, tests: ['test_a.py::test_n[0]']}, {name: b}]")
    snapshots.run().check(0)
    assert (snapshots.root / "selected.txt").read_text() == "['test_n[0]']\n['test_n[1]', 'test_n[2]']\n"
