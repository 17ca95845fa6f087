"""Whatever tests do to themselves and to their process costs only themselves; see `Finished.check`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Project, both_launchers

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


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


FAULTS = """
    import ctypes, os, signal, subprocess, sys, threading, time
    import pytest

    def test_good(): pass
    def test_exit(): os._exit(0)
    def test_segfault(): os.kill(os.getpid(), signal.SIGSEGV)
    def test_killed(): os.kill(os.getpid(), signal.SIGKILL)
    def test_pytest_exit(): pytest.exit("enough")
    def test_keyboard(): raise KeyboardInterrupt
    def test_sys_exit(): sys.exit(3)
    def test_hangs(): time.sleep(600)
    def test_hangs_in_c():
        libc = ctypes.PyDLL(None)
        libc.sleep(600)
    @pytest.mark.asyncio
    async def test_hangs_async():
        import asyncio
        await asyncio.sleep(600)
    def test_leaves_a_thread():
        threading.Thread(target=time.sleep, args=(600,)).start()
    def test_leaves_a_daemon():
        script = "import os, time; os.fork() and os.setsid(); os.fork(); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", script], start_new_session=True)
    def test_last(): pass
"""


EXPECTED = {
    "test_good": Outcome.PASSED,
    "test_exit": Outcome.CRASHED,
    "test_segfault": Outcome.CRASHED,
    "test_killed": Outcome.CRASHED,
    "test_pytest_exit": Outcome.CRASHED,
    "test_keyboard": Outcome.CRASHED,
    "test_sys_exit": Outcome.FAILED,
    "test_hangs": Outcome.TIMED_OUT,
    "test_hangs_in_c": Outcome.TIMED_OUT,
    "test_hangs_async": Outcome.TIMED_OUT,
    "test_leaves_a_thread": Outcome.PASSED,
    "test_leaves_a_daemon": Outcome.PASSED,
    "test_last": Outcome.PASSED,
}


@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_every_fault_costs_only_its_own_test(project: Project, isolation: str) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p pytest_asyncio.plugin\nmarkers = asyncio\n")
    project.plan(f"""
        defaults: {{test_timeout: 3s, grace: 1s}}
        phases:
          - {{name: all, isolation: {isolation}, workers: {2 if isolation == "test" else 1}}}
    """)
    project.write("test_faults.py", FAULTS)
    run = project.run().check(1)
    assert {id.partition("::")[2]: outcome for id, outcome in run.outcomes.items()} == EXPECTED


@both_launchers
def test_what_tests_do_to_their_process_does_not_cut_its_reports(project: Project) -> None:
    project.plan("phases: [{name: all}]")
    project.write(
        "test_a.py",
        """
        import builtins, json, os, sys, time, pytest
        def test_environment(): os.environ.clear()
        def test_directory(tmp_path):
            os.chdir(tmp_path)
            tmp_path.rmdir()
        def test_time(): time.time = time.monotonic = lambda: 0
        def test_modules(): sys.modules.pop("json")
        def test_streams(): sys.stdout = sys.__stdout__ = sys.stderr = None
        def test_fork():
            if os.fork() == 0: os._exit(0)
            os.wait()
        def test_descriptors(): os.closerange(100, 4096)
        def test_repr():
            class Bad:
                def __repr__(self): raise RuntimeError("no repr")
                def __eq__(self, other): return False
            assert Bad() == Bad()
        def test_recursion():
            def deeper(): deeper()
            deeper()
        @pytest.fixture
        def broken():
            yield
            raise ValueError("in teardown")
        def test_teardown(broken): pass
        def test_output():
            print("\\x1b[31m\\x00\\udcff" + "x" * 1_000_000)
            os.write(2, b"\\xff\\xfe")
            assert 0, "\\x1b]0;title\\x07\\udcff"
        def test_last(): pass
        """,
    )
    run = project.run().check(1)
    red = {"test_repr": "failed", "test_recursion": "failed", "test_output": "failed", "test_teardown": "error"}
    assert {id.partition("::")[2]: outcome.value for id, outcome in run.outcomes.items()} == {
        **{id.partition("::")[2]: "passed" for id in run.outcomes},
        **red,
    }
    assert "\x1b" not in run.output
    assert all(attempt.duration >= 0 for test in run.tests.values() for attempt in test.attempts)


@both_launchers
@pytest.mark.parametrize(
    "policy",
    [
        pytest.param("isolation: phase", marks=pytest.mark.thorough),
        pytest.param("isolation: test", marks=pytest.mark.thorough),
        "isolation: test, workers: 2",
    ],
)
def test_a_crash_shows_its_stack_and_not_that_of_another(project: Project, policy: str) -> None:
    project.plan(f"phases: [{{name: all, {policy}}}]")
    project.write(
        "test_it.py",
        """
        import os, signal

        def test_first(): os.kill(os.getpid(), signal.SIGSEGV)
        def test_exits(): os._exit(3)
        def test_aborts(): os.abort()
        def test_passes(): pass
        """,
    )
    run = project.run().check(1)
    for name, error in (("first", "Segmentation fault"), ("aborts", "Aborted")):
        assert f"Fatal Python error: {error}" in run.text(f"test_{name}")
        assert f'test_it.py", line {4 if name == "first" else 6} in test_{name}' in run.text(f"test_{name}")
        assert "_pytest" not in run.text(f"test_{name}")
    assert "Fatal Python error" not in run.text("test_exits")
    assert "in test_first" in run.output
    assert run.run is not None
    logs = [path for path in run.run.glob("processes/all/*/output.log") if b"Segmentation fault" in path.read_bytes()]
    assert len(logs) == 1
