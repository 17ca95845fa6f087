"""Enough failures: which phase stops, and who is blamed."""

from __future__ import annotations

import sys

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project, both_launchers

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@both_launchers
def test_maxfail_of_the_project_holds_for_its_phases(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -x\n")
    project.plan("phases: [{name: whole, keyword: whole}, {name: alone, isolation: test}]")
    project.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.parametrize("n", range(3))
        def test_whole(n): assert n != 1
        @pytest.mark.parametrize("n", range(3))
        def test_alone(n): assert n != 0
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == [
        "passed", "failed", "not_run", "failed", "not_run", "not_run",
    ]  # fmt: skip
    assert "max_failures: 1 reached" in run.text("test_alone[2]")


def test_max_failures_stops_a_phase_and_only_it(project: Project) -> None:
    project.plan("""
        phases:
          - {name: stops, keyword: stops, isolation: test, max_failures: 2}
          - {name: goes-on}
    """)
    project.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.parametrize("n", range(4))
        def test_stops(n): assert n == 1
        def test_goes_on(): pass
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["failed", "passed", "failed", "not_run", "passed"]


@both_launchers
def test_max_failures_blames_nobody_who_was_only_interrupted(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n")
    project.plan("phases: [{name: all, workers: 2, max_failures: 1}]")
    project.write(
        "test_a.py",
        """
        import time, pytest
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            if n == 0: assert 0
            time.sleep(1)
        """,
    )
    run = project.run().check(1)
    assert run.outcome("test_it[0]") is Outcome.FAILED
    assert set(run.outcomes.values()) <= {Outcome.FAILED, Outcome.NOT_RUN, Outcome.PASSED}
    assert list(run.outcomes.values()).count(Outcome.FAILED) == 1
