"""A project that makes something for its worker at import: no two workers have the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.projects import Finished, Project, both_launchers

pytestmark = pytest.mark.processes

# A database for each worker: a file that is made at import, and that refuses a second process that writes to it.
CONFTEST = """
    import os, pathlib
    from os import environ

    NAME = f"db-{environ.get('PYTEST_XDIST_WORKER', 'main')}"
    pathlib.Path(NAME).touch()
"""
REASON = "conftest.py:5 reads PYTEST_XDIST_WORKER at import, and forks would share what it made of it"
TESTS = """
    import os, pathlib, sys
    import pytest
    from conftest import NAME

    @pytest.mark.parametrize("number", range(4))
    def test_has_it_alone(number, worker_id):
        mine = f"db-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
        assert mine == NAME
        with pathlib.Path(NAME).open("a") as file:
            file.write(f"{os.environ.get('PYTEST_XDIST_TESTRUNUID')}\\n")
"""


def project_of(project: Project, isolation: str, workers: int) -> Project:
    project.write("conftest.py", CONFTEST)
    for name in ("test_a.py", "test_b.py"):
        project.write(name, TESTS)
    project.plan(f"phases: [{{name: all, isolation: {isolation}, workers: {workers}}}]")
    return project


def databases(project: Project) -> dict[str, int]:
    """The databases that tests have written to, and how often."""
    found = {path.name: len(path.read_text().splitlines()) for path in project.root.glob("db-*")}
    return {name: written for name, written in found.items() if written}


def reasons(run: Finished) -> list[str]:
    """Why there are no forks, as the end of the report has it."""
    text = "fresh pytest processes instead of forks: "
    return sorted({line.partition(text)[2] for line in run.output.splitlines() if text in line})


@pytest.mark.parametrize("isolation", ["phase", "file", "test"])
@both_launchers
def test_a_database_that_is_made_at_import_is_of_one_worker(project: Project, isolation: str) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n" if isolation == "phase" else "[pytest]\n")
    run = project_of(project, isolation, 2).run().check(0)
    written = databases(project)
    assert set(written) <= {"db-gw0", "db-gw1"}
    assert sum(written.values()) == 8
    assert set(run.outcomes.values()) == {"passed"}
    uids = {line for path in project.root.glob("db-*") for line in path.read_text().splitlines()}
    assert len(uids) == 1
    assert "None" not in uids
    assert reasons(run) == ([REASON] if project.launcher == "warm" else [])


def test_without_xdist_an_undivided_phase_has_one_process_then(tmp_path: Path) -> None:
    project = Project(tmp_path)
    run = project_of(project, "phase", 2).run().check(0)
    assert databases(project) == {"db-main": 8}
    assert reasons(run) == ["and without pytest-xdist its tests run one after the other", REASON]


@pytest.mark.parametrize("isolation", ["phase", "file", "test"])
@both_launchers
def test_with_one_worker_nothing_changes(project: Project, isolation: str) -> None:
    run = project_of(project, isolation, 1).run().check(0)
    assert databases(project) == {"db-main": 8}
    assert reasons(run) == []


def test_a_question_that_only_tests_ask_keeps_the_forks(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(
        "test_a.py",
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_knows_its_worker(number):
            assert os.environ["PYTEST_XDIST_WORKER"] in ("gw0", "gw1")
            assert os.environ["PYTEST_XDIST_WORKER_COUNT"] == "2"
            assert os.environ["PYTEST_XDIST_TESTRUNUID"]
        """,
    )
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n")  # which asks for itself
    project.plan("phases: [{name: all, isolation: test, workers: 2}]")
    run = project.run().check(0)
    assert reasons(run) == []
    assert run.processes("all") == 1
