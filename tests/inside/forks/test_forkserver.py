"""A process that forks on demand, and hears of the end of what it has forked."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from async_test_run_inside.forks.forkserver import ForkServer

pytestmark = pytest.mark.processes


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    before = signal.getsignal(signal.SIGCHLD)
    yield
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, before)


def served(orders: bytes) -> list[int]:
    """The exit statuses of one child for each line of ``orders``, which is what it exits with."""
    reading, writing = os.pipe()
    ended: list[int] = []
    server = ForkServer(reading, lambda pid, raw: ended.append(os.waitstatus_to_exitcode(raw)))
    os.write(writing, orders)
    os.close(writing)
    mine = 0

    def obey(order: bytes) -> None:
        nonlocal mine
        assert mine == 0, "a child gets no further order"
        if server.fork() == 0:
            mine = int(order)

    if server.serve(obey):
        os._exit(mine if not _is_open(reading) else 99)
    os.close(reading)
    return ended


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_every_child_is_heard_of_and_none_has_what_is_the_servers() -> None:
    assert sorted(served(b"3\n4\n5\n")) == [3, 4, 5]


def test_without_orders_it_ends() -> None:
    assert served(b"") == []
