"""What happens in a fork of this process: the fork runs a function, tells what came of it, and is gone."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from collections.abc import Callable
from typing import Any

from async_test_runner.system.table import look


def in_a_fork(function: Callable[[], Any]) -> Any:
    """What the function returns, called in a fork; an exception in it fails the test with its traceback."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        try:
            said = pickle.dumps((True, function()))
        except BaseException:
            said = pickle.dumps((False, traceback.format_exc()))
        try:
            while said:
                said = said[os.write(writing, said) :]
        finally:
            os._exit(0)
    os.close(writing)
    data = everything(reading)
    status = ended(pid)
    assert data, f"the fork has ended with {status}"
    succeeded, value = pickle.loads(data)
    assert succeeded, value
    return value


def status_of_a_fork(function: Callable[[], object]) -> int:
    """The exit status of a fork that runs the function, 0 at its end; negative when a signal has ended it."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return ended(pid)


def everything(fd: int) -> bytes:
    """All that comes until the other end is closed; closes this one."""
    with os.fdopen(fd, "rb") as file:
        return file.read()


def ended(pid: int) -> int:
    """The exit status of a child, waiting for it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def waiting() -> int:
    """A child that waits."""
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    return pid


def stop(pid: int) -> None:
    """Stop a child that runs; it is when this returns."""
    assert not look(pid).is_stopped, "it is stopped already"
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED)


def gone(pid: int) -> None:
    """Kill a child of this process, and wait for it, if it is still there."""
    try:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass
