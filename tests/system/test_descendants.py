"""The descendants of a process: found, stopped, and ended. Each test asks in a fork, which has none at first."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import pytest

from async_test_runner.system import descendants
from async_test_runner.system.descendants import Stopped, Waking, children, end_orphans, tree
from async_test_runner.system.table import look
from tests.support.forks import gone, in_a_fork, stop, waiting

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def parent_of_another() -> tuple[int, int]:
    """A child that waits, and a child of that one."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, f"{waiting()}".encode())
        signal.pause()
        os._exit(0)
    os.close(writing)
    return pid, int(os.read(reading, 20))


def killed(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_the_tree_is_everything_below_parents_first() -> None:
    def fork() -> Any:
        one, (two, three) = waiting(), parent_of_another()
        try:
            spared = [*tree({two})]
            return sorted(children()) == sorted([one, two]), [*tree(set())][-1] == three, set(spared) == {one, three}
        finally:
            killed(one, two, three)

    assert in_a_fork(fork) == (True, True, True)


def test_all_descendants_stop_and_go_on_except_those_that_were_stopped_before() -> None:
    def fork() -> Any:
        one, (two, three) = waiting(), parent_of_another()
        stop(one)
        try:
            stopped = Stopped(set())
            os.waitid(os.P_PID, two, os.WSTOPPED)
            during = [look(pid).is_stopped for pid in (one, two)]
            stopped.resume()
            os.waitid(os.P_PID, two, os.WCONTINUED)
            return during, [look(pid).is_stopped for pid in (one, two)]
        finally:
            killed(one, two, three)

    assert in_a_fork(fork) == ([True, True], [True, False])


def test_what_is_spared_is_not_stopped_and_what_it_has_started_is() -> None:
    def fork() -> Any:
        two, three = parent_of_another()
        sent: list[tuple[int, int]] = []
        descendants.signal_process = lambda pid, number: sent.append((pid, number))
        try:
            Stopped({two})
            return sent == [(three, signal.SIGSTOP)]
        finally:
            killed(two, three)

    assert in_a_fork(fork)


def test_a_process_that_has_ended_meanwhile_is_not_told_to_go_on() -> None:
    def fork() -> Any:
        one = waiting()
        stopped = Stopped(set())
        killed(one)
        os.waitpid(one, 0)
        sent: list[int] = []
        descendants.signal_process = lambda pid, number: sent.append(pid)
        stopped.resume()
        return sent

    assert in_a_fork(fork) == []


def test_orphans_are_ended_with_all_that_they_have_started_and_those_that_ran_are_named() -> None:
    def fork() -> Any:
        descendants.adopt_orphans()
        known, dead = waiting(), os.fork()
        if dead == 0:
            os._exit(0)
        os.waitid(os.P_PID, dead, os.WEXITED | os.WNOWAIT)
        two, three = parent_of_another()
        try:
            found = {orphan.pid: orphan.command for orphan in end_orphans({known})}
            return (
                set(found) == {two, three},
                all("python" in command for command in found.values()),
                children() == [known],
            )
        finally:
            killed(known)

    assert in_a_fork(fork) == (True, True, True)


def test_signals_to_what_is_gone_are_no_error() -> None:
    descendants.signal_process(5_000_000, signal.SIGTERM)
    descendants.signal_group(5_000_000, signal.SIGTERM)


def test_a_process_that_is_stopped_again_and_again_is_woken_three_times_and_then_hopeless() -> None:
    pid, waking = waiting(), Waking()
    found = []
    try:
        for _ in range(4):
            stop(pid)
            waking.look(pid)
            woken = os.waitid(os.P_PID, pid, os.WCONTINUED | os.WNOHANG) is not None
            found.append((woken, waking.has_begun, waking.is_hopeless))
    finally:
        gone(pid)
    assert found == [(True, True, False), (True, False, False), (True, False, False), (False, False, True)]


def test_a_look_at_a_process_that_runs_makes_the_count_begin_anew() -> None:
    pid, waking = waiting(), Waking()
    try:
        for _ in range(5):
            stop(pid)
            waking.look(pid)
            assert (waking.has_begun, waking.is_hopeless) == (True, False)
            waking.look(pid)
            assert (waking.has_begun, waking.is_hopeless) == (False, False)
    finally:
        gone(pid)
