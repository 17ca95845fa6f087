"""Ids and file names of any shape, and many of them."""

from __future__ import annotations

import os
import sys

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project, both_launchers

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@both_launchers
def test_ids_and_file_names_of_any_shape_come_through(project: Project) -> None:
    project.plan("phases: [{name: alone, keyword: alone, isolation: test, workers: 2}, {name: rest}]")
    project.write(
        "test_ids.py",
        r"""
        import pytest
        STRANGE = ["with space", "new\nline", "a::b", "[x]", "]", "ü-€-😀", "\x1b[31m", "\x00", "x" * 4000]
        STRANGE += ["::error::", "<&>\"'", "-x", "@y", "", "\udcff"]
        @pytest.mark.parametrize("value", STRANGE, ids=range(len(STRANGE)))
        def test_plain(value): pass
        @pytest.mark.parametrize("value", [pytest.param(1, id=text) for text in STRANGE])
        def test_strange(value): pass
        @pytest.mark.parametrize("value", [pytest.param(1, id=text) for text in STRANGE if text])
        def test_alone(value): pass
        """,
    )
    project.write("brackets/[a]/test_in[brackets].py", "def test_in(): pass\ndef test_alone(): pass\n")
    project.write("sub/test_with space ü.py", "def test_in(): pass\n")
    run = project.run().check(0)
    assert len(run.tests) == 15 + 15 + 14 + 2 + 1
    assert set(run.outcomes.values()) == {Outcome.PASSED}
    assert "\x1b" not in run.output
    assert "\n::error::" not in run.output


def test_file_names_that_are_not_utf_8_come_through_as_far_as_pytest_lets_them(project: Project) -> None:
    project.plan("phases: [{name: alone, keyword: alone, isolation: test}, {name: rest}]")
    project.write("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider\n")
    (project.root / os.fsdecode(b"test_\xff.py")).write_text("def test_in(): pass\ndef test_alone(): pass\n")
    run = project.run().check(0)
    assert list(run.outcomes) == ["test_\\udcff.py::test_alone", "test_\\udcff.py::test_in"]
    (project.root / "pytest.ini").unlink()  # pytest's own cache cannot take such a name, and breaks its session
    broken = project.run().check(1)
    assert set(broken.outcomes.values()) == {Outcome.PASSED}
    assert "exited with 1 before finishing" in " ".join(broken.problems)


def test_more_files_than_fit_an_argument_list(exec_project: Project) -> None:
    project = exec_project
    project.plan("phases: [{name: all}]")
    for number in range(700):
        (project.root / f"test_{'long' * 30}_{number}.py").write_text("def test_it(): pass\n")
    run = project.run().check(0)
    assert len(run.tests) == 700


SHEET = """
import pytest

class Sheet(pytest.File):
    def collect(self):
        for line in self.path.read_text().splitlines():
            yield Row.from_parent(self, name=line.partition("=")[0], line=line)

class Row(pytest.Item):
    def __init__(self, *, line, **more):
        super().__init__(**more)
        self.line = line
    def runtest(self):
        assert self.line.endswith("=ok"), self.line

def pytest_collect_file(file_path, parent):
    return Sheet.from_parent(parent, path=file_path) if file_path.suffix == ".sheet" else None
"""


@both_launchers
def test_items_of_one_id_all_run_and_are_told_apart(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: test, workers: 2}]")
    project.write("conftest.py", SHEET)
    project.write("a.sheet", "check=ok\ncheck=wrong\nother=ok\ncheck=ok\n")
    run = project.run().check(1)
    assert run.outcomes == {
        "a.sheet::check": Outcome.PASSED,
        "a.sheet::check#2": Outcome.FAILED,
        "a.sheet::other": Outcome.PASSED,
        "a.sheet::check#3": Outcome.PASSED,
    }
    assert "2 tests share their ids with others, and got a new one: a.sheet::check#2, a.sheet::check#3" in run.output


@both_launchers
def test_an_id_means_one_test_in_all_processes(project: Project) -> None:
    """Forks are of the process that has collected: what differs from process to process is the same there."""
    project.plan("phases: [{name: all}]")
    project.write(
        "test_a.py",
        """
        import os, random, time
        import pytest
        NAMES = [{name} for name in {"apple", "pear", "plum", "fig", "lime", "kiwi"}]
        @pytest.mark.parametrize("names", NAMES)  # names0, names1, …: which one is which?
        def test_of_a_set(names): pass
        @pytest.mark.parametrize("number", [random.random()])
        def test_drawn(number): assert random.random() != number
        @pytest.mark.parametrize("at", [(time.perf_counter_ns(), os.getpid())])
        def test_of_a_clock(at): pass
        def test_nothing_of_it_is_in_the_environment(): assert "PYTHONHASHSEED" not in os.environ
        """,
    )
    fresh = project.launcher == "exec"
    run = project.run().check(1 if fresh else 0)
    red = {id for id, outcome in run.outcomes.items() if outcome is not Outcome.PASSED}
    assert red == ({"test_a.py::test_of_a_clock[at0]"} if fresh else set())
    if fresh:
        said = run.tests["test_a.py::test_of_a_clock[at0]"].attempts[-1].details[0].text
        assert "in the collection: line 9 at=(" in said
        assert "in this process:   line 9 at=(" in said
