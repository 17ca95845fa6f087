"""A project without a plan: the proposed one runs, and what was red runs again."""

from __future__ import annotations

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project

pytestmark = pytest.mark.processes


def test_the_run_has_its_plan_and_writes_nothing_else_into_the_project(project: Project) -> None:
    project.write("test_a.py", "def test_one(): open('mended').close()\ndef test_two(): pass\n")
    red = project.run().check(1)
    assert "no runner.yaml here: this runs the plan that init would write: sync 2 tests" in red.output
    assert "    async-test-run run --test test_a.py::test_one\n" in red.output
    assert red.result.proposed
    assert red.run is not None
    assert "name: sync" in (red.run / "runner.yaml").read_text()
    project.write("mended", "")
    again = project.run("--failed").check(0)
    assert again.outcomes == {"test_a.py::test_one": Outcome.PASSED}
    left = {path.name for path in project.root.iterdir() if not path.name.startswith(".output-")}
    assert left - {".pytest_cache"} == {".async-test-run", "test_a.py", "mended"}
