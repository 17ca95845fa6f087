"""Faults that tests, their surroundings and their users bring about, on the real command line; see `Finished.check`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support import SOURCE, Project

from async_test_runner.model import Outcome

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

# ------------------------------------------------------------------------------------------------------- collection

CONFTESTS = {"dies": "import os\nos._exit(0)\n", "hangs": "while True: pass\n"}


@pytest.mark.parametrize("fault", CONFTESTS)
def test_a_conftest_that_takes_the_collection_down_is_named(project: Project, fault: str) -> None:
    project.plan("collect_timeout: 2s\ndefaults: {grace: 200ms}\nphases: [{name: all}]")
    project.write("conftest.py", CONFTESTS[fault])
    project.write("test_a.py", "def test_a(): pass\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["conftest.py"]
    assert run.result.warnings == ()


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_a_conftest_below_that_dies_is_no_fault_of_the_file_before_it(project: Project, mode: str) -> None:
    project.write("pytest.ini", f"[pytest]\naddopts = --import-mode={mode}\n")
    project.plan("collect_errors: continue\nphases: [{name: all}]")
    project.write("conftest.py", "")
    project.write("a/test_a.py", "def test_a(): pass\n")
    project.write("b/conftest.py", CONFTESTS["dies"])
    project.write("b/test_b.py", "def test_b(): pass\n")
    project.write("c/test_c.py", "def test_c(): pass\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["b/conftest.py"]
    assert run.outcomes == {"a/test_a.py::test_a": Outcome.PASSED, "c/test_c.py::test_c": Outcome.PASSED}


def test_a_file_that_dies_after_it_has_imported_a_conftest_is_to_blame_itself(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write("helpers/conftest.py", "")
    project.write("test_a.py", "import helpers.conftest, os\nos._exit(0)\n")
    run = project.run().check(1)
    assert [error.id for error in run.result.collect_errors] == ["test_a.py"]


# ------------------------------------------------------------------------------- what tests do to the runner's files


@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_a_run_whose_directory_is_deleted_meanwhile_loses_nothing(project: Project, isolation: str) -> None:
    project.plan(f"phases: [{{name: all, isolation: {isolation}}}]")
    project.write(
        "test_a.py",
        """
        import shutil
        def test_before(): pass
        def test_deletes(): shutil.rmtree(".async-test-run")
        def test_after(): pass
        """,
    )
    run = project.run().check(0)
    assert set(run.outcomes.values()) == {Outcome.PASSED}
    assert len(run.tests) == 3


def run_in(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in a directory that it, or a test, may delete: nothing of the test's own lies there."""
    env = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)


def test_a_project_that_is_deleted_meanwhile_is_no_bug_of_ours(tmp_path: Path) -> None:
    inner = Project(tmp_path / "inner")
    inner.write("test_a.py", "import os, shutil\ndef test_deletes(): shutil.rmtree(os.getcwd())\n")
    inner.plan("phases: [{name: all}]")
    done = run_in(inner.root, sys.executable, "-m", "async_test_runner", "run")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run", "plan", "init", "report"])
def test_a_working_directory_that_is_gone_is_said_so(tmp_path: Path, command: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    runner = (sys.executable, "-P", "-m", "async_test_runner", command)
    done = run_in(gone, "/bin/sh", "-c", 'rmdir "$0" && exec "$@"', str(gone), *runner)
    assert done.returncode == 2, done.stderr
    assert "the working directory does not exist any more" in done.stderr


# -------------------------------------------------------------------------------------- what tests do to their process


def test_a_test_that_breaks_pytest_is_the_only_one_that_is_blamed(project: Project) -> None:
    project.plan("phases: [{name: all, pytest_args: [-s]}]")
    project.write(
        "test_a.py",
        """
        import os
        def test_before(): pass
        def test_closes(): os.close(1); os.close(2)
        def test_after(): pass
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "crashed", "passed"]
    assert "Bad file descriptor" in run.text("test_closes")
    assert run.problems == []


# ----------------------------------------------------------------------------------------- what surrounds the runner


def in_shell(project: Project, line: str) -> subprocess.CompletedProcess[str]:
    """A line of shell in the project; ``"$@"`` in it is the runner."""
    return run_in(project.root, "/bin/sh", "-c", line, "sh", sys.executable, "-m", "async_test_runner", "run")


def test_a_disk_that_takes_no_more_ends_the_run_with_the_reports_that_fit(project: Project) -> None:
    project.plan("""
        reports: {junit: out.xml}
        phases:
          - {name: all, isolation: test, teardown: ["touch torn-down"]}
          - {name: later, tests: [test_b.py]}
    """)
    project.write(
        "test_a.py",
        """
        import pytest
        @pytest.mark.parametrize("n", range(30))
        def test_many(n): print("x" * 9000)
        """,
    )
    project.write("test_b.py", "def test_b(): pass\n")
    done = in_shell(project, 'ulimit -f 64; exec "$@"')
    assert done.returncode == 4, done.stdout + done.stderr
    assert "cannot write the journal" in done.stdout
    cases = list(ElementTree.parse(project.root / "out.xml").iter("testcase"))
    assert len({(case.get("classname"), case.get("name")) for case in cases if "test_" in str(case.get("name"))}) == 31
    assert (project.root / "torn-down").exists()


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&- <&-", "> /dev/full"])
def test_standard_streams_that_are_closed_or_full_change_nothing(project: Project, closed: str) -> None:
    project.plan("phases: [{name: all}]")
    project.write("test_a.py", "def test_a(): print('out')\n")
    done = in_shell(project, f'exec "$@" {closed}')
    assert (done.returncode, done.stdout) == (0, "")
    newest = project.newest()
    assert newest is not None
    assert ElementTree.parse(newest / "junit.xml").getroot().get("tests") == "1"
