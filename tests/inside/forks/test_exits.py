"""What a fork does at its end, and what it leaves to the process that it is forked from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import async_test_run_inside
import pytest

HEAD = """
import atexit, multiprocessing, os, sys, time, weakref
from async_test_run_inside.forks import exits

def in_a_fork(run, limit=60.0):
    stacks = os.open("stacks.txt", os.O_RDWR | os.O_CREAT)
    pid = os.fork()
    if pid == 0:
        leaving = exits.Exit(saves_coverage=False)
        run()
        leaving.run(limit, stacks)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def said_by(tmp_path: Path, script: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(async_test_run_inside.__file__).parent.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_only_what_was_registered_in_the_fork_is_done(tmp_path: Path) -> None:
    script = """
class Held: pass
held = Held()
atexit.register(print, "parent", flush=True)
weakref.finalize(held, print, "parents-finalizer", flush=True)
def run():
    atexit.register(print, "fork", flush=True)
    weakref.finalize(held, print, "forks-finalizer", flush=True)
print(in_a_fork(run), flush=True)
"""
    assert sorted(said_by(tmp_path, script)[:3]) == ["0", "fork", "forks-finalizer"]
    assert sorted(said_by(tmp_path, script)[3:]) == ["parent", "parents-finalizer"]


def test_children_of_before_the_fork_live_on(tmp_path: Path) -> None:
    script = """
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,), daemon=True)
child.start()
print(in_a_fork(lambda: atexit.register(print, "fork", flush=True)), child.is_alive())
child.kill()
"""
    assert said_by(tmp_path, script) == ["fork", "0", "True"]


def test_a_handler_that_does_not_end_is_ended_with_its_stacks(tmp_path: Path) -> None:
    script = """
def sleeps_for_ever(): time.sleep(600)
print(in_a_fork(lambda: atexit.register(sleeps_for_ever), limit=0.2))
"""
    assert said_by(tmp_path, script) == ["1"]
    assert "in sleeps_for_ever" in (tmp_path / "stacks.txt").read_text()


def test_handlers_that_end_are_over_with_no_stacks(tmp_path: Path) -> None:
    assert said_by(tmp_path, "print(in_a_fork(lambda: atexit.register(int)))") == ["0"]
    assert (tmp_path / "stacks.txt").read_text() == ""


@pytest.mark.parametrize("limit", [0.0001, 60.0])
def test_a_fork_in_which_nothing_was_registered_needs_no_limit(tmp_path: Path, limit: float) -> None:
    assert said_by(tmp_path, f"print(in_a_fork(lambda: None, limit={limit}))") == ["0"]
    assert (tmp_path / "stacks.txt").read_text() == ""
