"""The coverage of a project, measured in all its processes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project, both_launchers

pytestmark = pytest.mark.processes


@pytest.fixture
def divided(tmp_path: Path) -> Project:
    project = Project(tmp_path, "warm")
    project.plan("phases: [{name: all, isolation: test, workers: 2}]")
    return project


def test_coverage_of_all_workers_is_combined_and_the_plugin_not_taken_for_a_distributing_one(divided: Project) -> None:
    pytest.importorskip("pytest_cov")
    divided.plan("phases: [{name: a, tests: ['*::test_1', '*::test_2'], isolation: test, workers: 2}, {name: b}]")
    divided.write("pytest.ini", "[pytest]\naddopts = -p pytest_cov --cov=lib --cov-report=xml:cov.xml\n")
    divided.write(
        "lib.py", "def f(n):\n    if n == 1:\n        return 1\n    if n == 2:\n        return 2\n    return 3\n"
    )
    divided.write(
        "test_a.py", "import lib\n" + "\n".join(f"def test_{n}(): assert lib.f({n}) == {n}" for n in (1, 2, 3))
    )
    divided.run().check(0)
    assert ElementTree.parse(divided.root / "cov.xml").getroot().get("line-rate") == "1"


@pytest.mark.parametrize("phase", ["{name: all}", "{name: all, workers: 2}"])
def test_a_process_that_is_killed_has_left_the_coverage_of_the_tests_before(tmp_path: Path, phase: str) -> None:
    pytest.importorskip("pytest_cov")
    project = Project(tmp_path, "warm")
    project.plan(f"phases: [{phase}]")
    project.write("pytest.ini", "[pytest]\naddopts = -p pytest_cov --cov=lib --cov-report=xml:cov.xml\n")
    project.write("lib.py", "def f():\n    return 1\n")
    project.write(
        "test_a.py",
        """
        import os, time, pytest
        @pytest.fixture(scope="module", autouse=True)
        def together(): pass
        def test_1(): import lib; lib.f(); time.sleep(0.6)
        def test_2(): os.kill(os.getpid(), 9)
        """,
    )
    project.run().check(1)
    assert ElementTree.parse(project.root / "cov.xml").getroot().get("line-rate") == "1"


@both_launchers
def test_the_projects_own_coverage_threshold_makes_the_run_red(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p pytest_cov.plugin --cov=lib --cov-fail-under=100\n")
    project.write("lib.py", "def used(): pass\ndef unused():\n    return 1\n")
    project.write("test_a.py", "import lib\ndef test_a(): lib.used()\n")
    project.plan("phases: [{name: all}]")
    run = project.run().check(1)
    assert run.outcome("test_a") is Outcome.PASSED
    assert "coverage" in " ".join(run.problems).lower()
