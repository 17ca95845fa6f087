"""Waiting for descriptors, and what the system says of a process."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator

import pytest
from async_test_run_inside.forks.polling import readable, state

from tests.support.forks import gone


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for fd in (reading, writing):
        try:
            os.close(fd)
        except OSError:
            continue


def test_what_has_something_to_read_is_readable_and_the_others_are_not(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    other, held = os.pipe()
    os.write(writing, b".")
    assert readable([reading, other], 0) == {reading}
    os.close(other)
    os.close(held)


def test_the_end_of_the_other_side_is_readable(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    assert readable([reading], 0) == set()
    os.close(writing)
    assert readable([reading]) == {reading}


def test_a_time_that_is_over_already_is_no_wait(pipe: tuple[int, int]) -> None:
    assert readable([pipe[0]], -3.0) == set()


def test_descriptors_above_a_thousand_can_be_waited_for(pipe: tuple[int, int]) -> None:
    high = 1500
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= high:
        pytest.skip("this process may not have so many")
    os.dup2(pipe[0], high)
    try:
        os.write(pipe[1], b".")
        assert readable([high], 0) == {high}
    finally:
        os.close(high)


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_runs_is_stopped_is_dead_and_is_gone() -> None:
    assert state(os.getpid()) == "R"
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    try:
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED)
        assert state(pid) == "T"
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert state(pid) == "Z"
    finally:
        gone(pid)
    assert state(pid) == ""
