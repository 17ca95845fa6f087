"""Which tests a phase has, what it needs, and the commands before and after it."""

from __future__ import annotations

import signal
import sys

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def test_tests_of_no_phase_stop_the_run_with_the_remedies(project: Project) -> None:
    project.plan("phases: [{name: some, keyword: one}]")
    project.write("test_a.py", "def test_one(): pass\ndef test_two(): pass\n")
    run = project.run()
    assert run.code == 2
    assert "test_a.py::test_two" in run.output
    assert "unassigned: run" in run.output
    project.plan("unassigned: ignore\nphases: [{name: some, keyword: one}]")
    ignored = project.run().check(0)
    assert len(ignored.tests) == 1
    assert ("in no phase (unassigned: ignore)", 1) in {(out.reason, out.count) for out in ignored.result.left_out}
    project.plan("unassigned: run\nphases: [{name: some, keyword: one}]")
    ran = project.run().check(0)
    assert {test.phase for test in ran.tests.values()} == {"some", "unassigned"}


def test_nothing_selected_is_no_success(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "")
    assert project.run().code == 5


def test_needs_and_a_failing_setup(project: Project) -> None:
    project.plan(f"""
        phases:
          - {{name: red, keyword: red and not dependent}}
          - {{name: dependent, keyword: dependent, needs: [red]}}
          - name: unfurnished
            keyword: unfurnished
            setup: [{sys.executable} -c 'print("no database"); raise SystemExit(3)', touch never]
            teardown: [touch torn-down]
          - {{name: last}}
    """)
    names = ("red", "dependent", "unfurnished", "last")
    project.write("test_a.py", "\n".join(f"def test_{name}(): assert {name != 'red'}" for name in names))
    run = project.run().check(4)
    assert [outcome.value for outcome in run.outcomes.values()] == ["failed", "not_run", "not_run", "passed"]
    assert "needs red, which did not pass" in run.text("dependent")
    assert "no database" in run.output
    assert (project.root / "torn-down").exists()
    assert not (project.root / "never").exists()


def test_an_interpreter_that_is_not_there_is_noticed_before_anything_runs(project: Project) -> None:
    project.plan("phases: [{name: first, keyword: first}, {name: second, python: missing/python}]")
    project.write(
        "test_a.py", "import pathlib\ndef test_first(): pathlib.Path('ran').touch()\ndef test_second(): pass\n"
    )
    run = project.run()
    assert run.code == 2, run.output
    assert "missing/python" in run.output
    assert not (project.root / "ran").exists()


def test_a_signal_during_the_setup_runs_no_test_but_the_teardown(project: Project) -> None:
    project.plan("""
        phases:
          - name: all
            setup: [{run: "touch setting-up; sleep 600", shell: true}]
            teardown: [touch torn-down]
    """)
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.start("run").until("setting-up").signal(signal.SIGTERM).wait().check(143)
    assert run.outcome("test_a") is Outcome.NOT_RUN
    assert (project.root / "torn-down").exists()


def test_a_setup_that_hangs_is_ended_at_its_deadline(project: Project) -> None:
    project.plan(
        "phases: [{name: all, setup_timeout: 300ms, grace: 300ms, setup: [sleep 600], teardown: [touch torn]}]"
    )
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run().check(4)
    assert "exceeded its deadline of 300ms (setup_timeout)" in run.output
    assert (project.root / "torn").exists()


def test_a_teardown_that_fails_is_no_success(project: Project) -> None:
    project.plan("phases: [{name: all, teardown: ['false', touch second]}]")
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run().check(4)
    assert run.outcome("test_a") is Outcome.PASSED
    assert (project.root / "second").exists()
