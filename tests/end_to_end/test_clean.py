"""Tests share a process as long as it stays clean: what ends one, and what does not."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import WorkerRetired
from tests.end_to_end.dirt import HABITS, LATE, POLLUTERS, SUPPORT, suite
from tests.support.projects import Finished, Project, both_launchers

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def write(project: Project, bodies: dict[str, str]) -> None:
    project.write("app.py", SUPPORT)
    project.write("late.py", LATE)
    project.write("package/__init__.py", "")
    project.write("package/inner.py", LATE)
    project.write("test_all.py", suite(bodies))


def pids(run: Finished) -> Iterator[tuple[str, str]]:
    """Test -> its process."""
    for id, test in run.tests.items():
        properties = dict(test.attempts[-1].properties)
        yield id.partition("::test_")[2], properties.get("pid", "")


def test_no_test_sees_a_process_after_one_that_polluted_it(project: Project) -> None:
    bodies = {}
    for name, body in POLLUTERS.items():  # a clean one before each: a process that is given one test is not looked at
        bodies |= {f"before_{name}": "pass", name: body}
    write(project, {**bodies, "last": "pass"})
    project.write("pytest.ini", "[pytest]\naddopts = -p no:warnings\n")  # which puts filters back after each test
    project.plan("phases: [{name: all, isolation: clean, recheck: false, leaks: ignore}]")
    run = project.run().check(1)
    processes = dict(pids(run))
    assert len(POLLUTERS) >= 40
    shared = {
        name for name, after in zip(processes, list(processes)[1:], strict=False) if processes[name] == processes[after]
    }
    assert shared == {f"before_{name}" for name in POLLUTERS} - {"before_crash"}  # whose last words are lost
    assert {name for name in POLLUTERS if run.outcome(f"test_{name}") is not Outcome.PASSED} == {
        "failure",
        "error",
        "crash",
    }
    [phase] = run.result.phases
    assert phase.shared == len(POLLUTERS) + 1
    ended = {event.id.partition("::test_")[2] for event in run.events if isinstance(event, WorkerRetired)}
    assert ended == POLLUTERS.keys() - {"crash"}


def test_habits_of_good_tests_share_one_process(project: Project) -> None:
    write(project, HABITS)
    project.plan("phases: [{name: all, isolation: clean}]")
    run = project.run().check(0)
    assert len(HABITS) >= 25
    [phase] = run.result.phases
    assert [(each.id, each.why) for each in phase.retirements] == []
    assert phase.shared == 1


@both_launchers
def test_wider_fixtures_end_with_their_process_and_their_errors_are_those_of_its_last_test(project: Project) -> None:
    project.write(
        "test_wide.py",
        """
        import os, pytest
        LIST = []
        @pytest.fixture(scope="session")
        def wide():
            yield os.getpid()
            assert not LIST, "torn down after dirt"
        def test_clean(wide): assert wide == os.getpid()
        def test_dirty(wide): LIST.append(1)
        def test_after(wide): assert wide == os.getpid() and not LIST
        """,
    )
    project.plan("phases: [{name: all, isolation: clean}]")
    run = project.run().check(1)
    assert run.outcomes == {
        "test_wide.py::test_clean": Outcome.PASSED,
        "test_wide.py::test_dirty": Outcome.ERROR,
        "test_wide.py::test_after": Outcome.PASSED,
    }
    assert "torn down after dirt" in run.text("test_dirty")
    assert "2 processes" in run.output or run.result.phases[0].shared == 2
