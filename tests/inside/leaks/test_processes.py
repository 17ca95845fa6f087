"""Child processes that a test leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from async_test_run_inside.leaks import processes as module
from async_test_run_inside.leaks.processes import Processes

from tests.support.projects import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]

WAIT = [sys.executable, "-S", "-c", "input()"]


def test_a_child_is_named_by_its_command_and_told_once() -> None:
    processes = Processes(os.getpid(), alone=False)
    with subprocess.Popen(WAIT, stdin=subprocess.PIPE) as child:
        assert processes.differs()
        wait_until(lambda: Path(f"/proc/{child.pid}/cmdline").read_bytes() != b"")  # not at once after its start
        leaks = [leak for leak in processes.news(settle=False) if str(child.pid) in leak.what]
        assert [leak.what for leak in leaks] == [f"child process {child.pid}: {' '.join(WAIT)}"]
        assert not leaks[0].gone()
        assert all(str(child.pid) not in leak.what for leak in processes.news(settle=False))
        child.communicate(b"\n")
    assert leaks[0].gone()


def test_what_a_fixture_starts_in_a_session_of_its_own_is_meant_to_outlive_it() -> None:
    processes = Processes(os.getpid(), alone=False)
    with subprocess.Popen(WAIT, stdin=subprocess.PIPE, start_new_session=True) as child:
        (leak,) = [leak for leak in processes.news(settle=False) if str(child.pid) in leak.what]
        assert leak.gone()
        child.communicate(b"\n")


def test_a_child_that_has_ended_is_no_leak_though_nobody_has_waited_for_it() -> None:
    processes = Processes(os.getpid(), alone=False)
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert all(str(child.pid) not in leak.what for leak in processes.news(settle=True))
    child.wait()


def test_a_daemon_whose_parent_is_just_ending_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = 2**30  # nobody's
    processes = Processes(runner, alone=True)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as daemon:
        answers = iter([[ended.pid], [ended.pid], [daemon.pid]])
        monkeypatch.setattr(module, "_children", lambda pid: next(answers) if pid == runner else [])
        said = [leak.what for leak in processes.news(settle=True)]
        daemon.kill()
    assert [what.partition(":")[0] for what in said] == [f"daemonised process {daemon.pid}"]
