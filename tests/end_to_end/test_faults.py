"""Faults that tests, their surroundings and their users bring about, on the real command line; see `Finished.check`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import SOURCE, Project, both_launchers, survivors, wait_until

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


@both_launchers
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


MESS = """
    import ctypes, os, signal, subprocess, sys, time
    import pytest

    @pytest.fixture
    def dies_in_setup(): os._exit(0)
    @pytest.fixture
    def dies_in_teardown():
        yield
        os._exit(0)
    class Unprintable(Exception):
        def __str__(self): raise RuntimeError("no")
        __repr__ = __str__
    class Endless:
        def __repr__(self): return repr(self)
    class Dying:
        def __del__(self):
            while True: pass

    def test_fixture_dies(dies_in_setup): pass
    def test_teardown_dies(dies_in_teardown): pass
    def test_destructor_hangs(): Dying()
    def test_unprintable(): raise Unprintable
    def test_endless_repr(): assert Endless() == 1
    def test_strange_text():
        os.write(1, b"\\xff\\x00]]>")
        print("\\n::error::out")
        raise ValueError("\\x00\\x1b[2J\\ud800]]>\\ufffe\\n::error::message")
    def test_many_megabytes():
        for _ in range(30): os.write(1, b"x" * (1 << 20))
        assert False
    def test_outputs_replaced():
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2), os.close(0)
    def test_nowhere(tmp_path):
        os.chdir(tmp_path)
        tmp_path.rmdir()
    def test_no_environment(): os.environ.clear()
    def test_no_modules():
        for name in ("json", "time", "async_test_run_inside.wire.facts"): sys.modules.pop(name, None)
        sys.path.clear()
    def test_patched_functions(monkeypatch):
        for name in ("write", "getpid", "fstat"): monkeypatch.setattr(os, name, lambda *_: 1 / 0)
        assert False
    def test_signals_ignored():
        for number in set(range(1, 65)) - {9, 19, 32, 33}: signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
        time.sleep(600)
    def test_stopped(): os.kill(os.getpid(), signal.SIGSTOP)
    def test_group_killed(): os.killpg(0, signal.SIGKILL)
    def test_another_program(): os.execvp("true", ["true"])
    def test_another_process():
        if os.fork(): os._exit(0)
        os.setsid()
        time.sleep(600)
    def test_child_holds_the_output():
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        os._exit(0)
    def test_last(): pass
"""
RED = {
    "test_fixture_dies": Outcome.CRASHED,
    "test_teardown_dies": Outcome.CRASHED,
    "test_destructor_hangs": Outcome.TIMED_OUT,
    "test_unprintable": Outcome.FAILED,
    "test_endless_repr": Outcome.FAILED,
    "test_strange_text": Outcome.FAILED,
    "test_many_megabytes": Outcome.FAILED,
    "test_patched_functions": Outcome.FAILED,
    "test_signals_ignored": Outcome.TIMED_OUT,
    "test_stopped": Outcome.TIMED_OUT,
    "test_group_killed": Outcome.CRASHED,
    "test_another_program": Outcome.CRASHED,
    "test_another_process": Outcome.CRASHED,
    "test_child_holds_the_output": Outcome.CRASHED,
}


@both_launchers
@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_whatever_tests_do_costs_only_themselves(project: Project, isolation: str) -> None:
    project.plan(f"""
        defaults: {{test_timeout: 3s, grace: 300ms}}
        phases: [{{name: all, isolation: {isolation}, workers: {2 if isolation == "test" else 1}}}]
    """)
    project.write("test_mess.py", MESS)
    before = {path.name for path in project.root.iterdir()}
    run = project.run().check(1)
    assert {id.partition("::")[2]: outcome for id, outcome in run.outcomes.items() if outcome.is_red} == RED
    assert len(run.tests) == len(RED) + 5
    assert "\x1b" not in run.output
    assert "\n::error::" not in run.output
    ours = {".async-test-run", ".pytest_cache"}
    assert {path.name for path in project.root.iterdir()} - before - ours == {path.name for path in outputs(project)}


def outputs(project: Project) -> list[Path]:
    return list(project.root.glob(".output-*"))


@both_launchers
def test_faults_in_distributed_sessions_cost_only_their_own_tests(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p xdist\n")
    project.plan("""
        defaults: {test_timeout: 3s, grace: 300ms}
        phases: [{name: all, workers: 2}]
    """)
    project.write(
        "test_a.py",
        r"""
        import os, signal, time
        def test_before(): pass
        def test_surrogate(): raise ValueError("\x00\udcff")
        def test_controller_killed():
            time.sleep(1)  # until the other worker has nothing to do
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)
        def test_no_environment(): os.environ.clear()
        def test_after(): pass
        """,
    )
    run = project.run().check(1)
    assert run.outcome("test_surrogate") is Outcome.FAILED
    assert "ValueError" in run.text("test_surrogate")
    assert run.outcome("test_controller_killed") is Outcome.CRASHED
    assert len([outcome for outcome in run.outcomes.values() if outcome is Outcome.PASSED]) == 3


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
