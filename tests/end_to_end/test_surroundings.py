"""What surrounds a run: its directory, its disk, its standard streams, and who starts and kills it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record import journal
from async_test_runner.record.events import TestStarted
from tests.support.projects import SOURCE, Project, both_launchers, survivors, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


@both_launchers
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
    run = project.run().check(1)
    assert set(run.outcomes.values()) == {Outcome.PASSED}
    assert len(run.tests) == 3
    (problem,) = run.problems
    assert problem.endswith("it was deleted")


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


@pytest.mark.parametrize(("ignored", "code"), [('trap "" HUP; ', 0), ("", 129)])
def test_a_hangup_ends_the_run_unless_its_caller_ignores_hangups(
    exec_project: Project, ignored: str, code: int
) -> None:
    project = exec_project
    project.plan("phases: [{name: all, launcher: exec}]")  # a fresh process has the runner as its parent
    project.write(
        "test_a.py",
        """
        import os, signal, time
        def test_a():
            os.kill(os.getppid(), signal.SIGHUP)
            time.sleep(1)
        """,
    )
    done = in_shell(project, f'{ignored}exec "$@"')
    assert done.returncode == code, done.stdout + done.stderr


def test_the_reports_are_there_before_a_stubborn_test_has_ended(project: Project) -> None:
    project.plan("defaults: {grace: 60s}\nreports: {junit: out.xml}\nphases: [{name: all}]")
    project.write(
        "test_a.py",
        """
        import pathlib, signal, time
        def test_before(): pass
        def test_stubborn():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            pathlib.Path("running").touch()
            time.sleep(600)
        """,
    )
    run = project.start("run").until("running").signal(signal.SIGTERM).until("out.xml")
    early = ElementTree.parse(project.root / "out.xml").getroot()
    run.signal(signal.SIGKILL)
    assert run.process.wait() == -signal.SIGKILL
    assert [case.get("name") for case in early.iter("testcase")][:2] == ["test_before", "test_stubborn"]
    wait_until(lambda: survivors(run.mark) == [])


def test_a_killed_run_can_still_be_reported(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: test}]")
    project.write(
        "test_a.py",
        """
        import os, pathlib, pytest, time
        def test_passes(): pass
        def test_fails(): assert 0
        def test_running():
            pathlib.Path("running").write_text(str(os.getpid()))
            time.sleep(600)
        def test_never(): pass
        """,
    )
    runner = project.start("run").until("running")
    newest = project.newest()
    assert newest is not None
    wait_until(lambda: sum(isinstance(event, TestStarted) for event in journal.read(newest / journal.FILE_NAME)) == 3)
    killed = runner.signal(signal.SIGKILL).wait()
    wait_until(lambda: survivors(killed.mark) == [])  # the guardian, which seals the journal, is the last one
    assert killed.code == -signal.SIGKILL
    assert [outcome.value for outcome in killed.outcomes.values()] == ["passed", "failed", "not_run", "not_run"]
    assert "in flight when the run ended" in killed.text("test_running")
    shown = project.start("report", "--junit", "again.xml", "--exit-code").wait()
    assert shown.code == 1
    assert "INCOMPLETE" in shown.output
    suites = ElementTree.parse(project.root / "again.xml").iter("testsuite")
    (suite,) = [suite for suite in suites if suite.get("name") == "all"]
    assert len(list(suite.iter("testcase"))) == 4


def test_a_step_of_github_has_annotations_a_page_and_groups_and_nothing_of_a_test_is_a_command(
    project: Project, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    project.plan("phases: [{name: all, setup: [\"echo '::error::setup'\"]}]")
    project.write(
        "test_a.py",
        """
        import sys
        print("::error::at import")
        sys.__stdout__.write("::error::past the capture\\n")
        def test_it():
            print("::add-mask::x\\n##[error]x")
            assert 0, "\\n::error::in a message\\n##vso[task.complete]x"
        """,
    )
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page), "GITHUB_WORKSPACE": str(project.root)}
    done = project.run("-v", "-rA", **github).check(1)
    commands = [line for line in done.output.splitlines() if line.lstrip().startswith("::") or "##[" in line]
    assert [line.partition("::")[2].partition("::")[0] for line in commands] == [
        "group",
        "endgroup",
        "error file=test_a.py,line=5,title=failed%3A test_a.py%3A%3Atest_it",
    ]
    assert "##vso" not in done.output
    assert page.read_text().startswith("## Tests failed: ")
