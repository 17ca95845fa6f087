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


@both_launchers
@pytest.mark.parametrize(
    "isolation", ["file", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("phase", "class", "test"))]
)
@pytest.mark.parametrize("how", ["assert n != 1", "while n == 1: pass", "if n == 1: os._exit(3)"])
def test_a_phase_stops_within_its_unit(project: Project, isolation: str, how: str) -> None:
    project.plan(f"phases: [{{name: all, isolation: {isolation}, max_failures: 1, test_timeout: 2s, grace: 1s}}]")
    project.write(
        "test_a.py",
        f"""
        import os, pytest
        class TestIt:
            @pytest.mark.parametrize("n", range(4))
            def test_it(self, n):
                with open("ran", "a") as file: file.write(str(n))
                {how}

            @pytest.fixture(scope="class", autouse=True)
            def wide(self):
                yield
                open("torn-down", "w").close()
        """,
    )
    run = project.run().check(1)
    red = "timed_out" if "while" in how else "crashed" if "exit" in how else "failed"
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", red, "not_run", "not_run"]
    assert (project.root / "ran").read_text() == "01"
    assert "max_failures: 1 reached" in run.text("test_it[3]")
    assert (project.root / "torn-down").exists() or "exit" in how


@both_launchers
def test_workers_that_are_in_the_middle_of_a_unit_stop_too(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: file, workers: 2, max_failures: 1}]")
    project.write(
        "test_a.py",
        """
        import os, time
        def test_1():
            while not os.path.exists("begun"): time.sleep(0.01)
            assert False
        def test_2(): pass
        """,
    )
    project.write(
        "test_b.py",
        """
        import glob, time, pytest
        @pytest.mark.parametrize("n", range(1000))
        def test_b(n):
            open("begun", "w").close()
            while n == 1 and b'"failed"' not in b"".join(open(name, "rb").read() for name in glob.glob(
                ".async-test-run/runs/2*/processes/all/*/events*.jsonl")): time.sleep(0.01)
            time.sleep(0.01)
        """,
    )
    run = project.run().check(1)
    assert run.text("test_b[999]") == "max_failures: 1 reached"
    outcomes = [outcome.value for outcome in run.outcomes.values()]
    assert outcomes[:2] == ["failed", "not_run"]
    assert outcomes.count("passed") < 900
