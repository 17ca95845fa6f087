"""A process that does not outlive its parent."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from async_test_run_inside.wire import lifeline

from tests.support.forks import everything, status_of_a_fork

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's help")]


def test_a_process_is_killed_when_its_parent_dies() -> None:
    reading, writing = os.pipe()
    go, ready = os.pipe()

    def parent() -> None:
        if os.fork() == 0:
            lifeline.tie_to_parent(os.getppid())
            os.write(ready, b".")
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(60)  # if nobody kills it, and this test fails
            signal.pause()
        os.read(go, 1)  # the child is tied
        os._exit(0)

    assert status_of_a_fork(parent) == 0
    for fd in (writing, go, ready):
        os.close(fd)
    assert everything(reading) == b""  # nobody holds the other end any more: the child is gone


def test_a_process_whose_parent_is_gone_already_is_killed_at_once() -> None:
    assert status_of_a_fork(lambda: lifeline.tie_to_parent(1)) == -signal.SIGKILL


def test_a_process_whose_parent_lives_goes_on() -> None:
    parent = os.getpid()
    assert status_of_a_fork(lambda: lifeline.tie_to_parent(parent)) == 0


def test_where_the_system_cannot_help_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifeline, "_prctl", lambda: None)
    lifeline.tie_to_parent(1)


def test_systems_without_that_call_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert lifeline._prctl.__wrapped__() is None
