"""Deadlines of a phase, of a run, and of a test that hangs in its teardown."""

from __future__ import annotations

import sys

import pytest

from tests.support.projects import Project, both_launchers

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def test_a_phase_deadline_ends_the_phase_and_blames_who_ran(project: Project) -> None:
    project.plan("""
        defaults: {grace: 300ms}
        phases:
          - {name: late, keyword: late, timeout: 5s}
          - {name: next}
    """)
    project.write(
        "test_a.py",
        """
        import time
        def test_1_late(): pass
        def test_2_late(): time.sleep(600)
        def test_3_late(): pass
        def test_next(): pass
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "timed_out", "not_run", "passed"]
    assert "exceeded its phase deadline of 5s (timeout)" in run.text("test_2_late")
    assert "in test_2_late" in run.text("test_2_late")


def test_a_run_deadline_ends_everything(project: Project) -> None:
    project.plan("""
        run_timeout: 6s
        defaults: {grace: 300ms, isolation: test}
        phases: [{name: late, keyword: late}, {name: next}]
    """)
    project.write("test_a.py", "import time\ndef test_late(): time.sleep(600)\ndef test_next(): pass\n")
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["timed_out", "not_run"]
    assert "run deadline" in run.text("test_next")


@both_launchers
def test_a_fixture_that_hangs_in_its_teardown_costs_the_test_that_tears_it_down(project: Project) -> None:
    project.plan("phases: [{name: all, test_timeout: 3s, grace: 300ms}]")
    project.write(
        "test_a.py",
        """
        import time, pytest
        @pytest.fixture(scope="session")
        def hanging():
            yield
            time.sleep(600)
        def test_one(hanging): pass
        def test_two(hanging): pass
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "timed_out"]
