"""What the system says of single processes."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from async_test_runner.system.table import Look, look
from tests.support.forks import gone, stop, waiting

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def test_a_process_at_work_says_when_it_began() -> None:
    found, parent = look(os.getpid()), look(os.getppid())
    assert (found.letter, found.status, found.is_gone, found.is_stopped) == ("R", None, False, False)
    assert int(found.began) >= int(parent.began)


@pytest.mark.parametrize(("number", "status"), [(None, 3), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_process_that_nobody_has_waited_for_is_gone_and_its_status_is_known(number: int | None, status: int) -> None:
    pid = os.fork()
    if pid == 0:
        if number is None:
            os._exit(3)
        os.kill(os.getpid(), number)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        found = look(pid)
        assert (found.letter, found.is_gone, found.status) == ("Z", True, status)
    finally:
        gone(pid)
    assert look(pid) == Look("X")
    assert look(pid).is_gone


def test_a_process_that_is_stopped_is_not_gone() -> None:
    pid = waiting()
    try:
        stop(pid)
        assert (look(pid).is_stopped, look(pid).is_gone) == (True, False)
    finally:
        gone(pid)


def test_a_process_of_a_name_with_brackets_is_read_right(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = [b"T", *[b"0"] * 18, b"777", *[b"0"] * 30]
    line = b"7 (a ) Z b) " + b" ".join(rest)
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda path: line)
    assert look(7) == Look("T", "777")
