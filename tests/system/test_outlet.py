"""What is written for a reader who does not read, reads late, or goes away."""

from __future__ import annotations

import fcntl
import os
import pty
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from async_test_runner.system.outlet import Outlet, may_stall

MUCH = b"".join(b"%06d\n" % number for number in range(30_000))  # more than a pipe holds


class Pipe:
    """Both ends of one."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self.outlet = Outlet(self.writing)

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            found += os.read(self.reading, size - len(found))
        return found


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    os.close(pipe.reading)
    pipe.outlet.drain()
    os.close(pipe.writing)


def test_who_writes_goes_on_though_nobody_reads_and_all_arrives_in_its_order(pipe: Pipe) -> None:
    pipe.outlet.put(MUCH)
    pipe.outlet.put(b"and this")
    pipe.outlet.drain(0.05)
    assert pipe.outlet.is_behind
    assert pipe.read(len(MUCH) + 8) == MUCH + b"and this"
    pipe.outlet.drain()
    assert not pipe.outlet.is_behind


def test_a_descriptor_that_does_not_block_loses_nothing(pipe: Pipe) -> None:
    fcntl.fcntl(pipe.writing, fcntl.F_SETFL, os.O_NONBLOCK)
    pipe.outlet.put(MUCH)
    assert pipe.read(len(MUCH)) == MUCH


def test_no_thread_stays_when_all_is_written(pipe: Pipe) -> None:
    for text in (b"one", b"two"):
        pipe.outlet.put(text)
        assert pipe.read(3) == text
        pipe.outlet.drain()
        for thread in threading.enumerate():
            if thread.name == "outlet":
                thread.join(60)
        assert "outlet" not in [thread.name for thread in threading.enumerate()]


def test_a_reader_that_goes_away_ends_the_wait_and_what_comes_later_goes_nowhere(pipe: Pipe) -> None:
    pipe.outlet.put(MUCH)
    pipe.read(7)
    other, pipe.reading = pipe.reading, os.open(os.devnull, os.O_RDONLY)
    os.close(other)
    pipe.outlet.drain()
    assert (pipe.outlet.gone, pipe.outlet.is_behind) == (True, False)
    pipe.outlet.put(b"more")
    assert not pipe.outlet.is_behind


def test_after_that_the_interpreter_can_flush_what_is_left(pipe: Pipe) -> None:
    other, pipe.reading = pipe.reading, os.open(os.devnull, os.O_RDONLY)
    os.close(other)
    pipe.outlet.put(b"x")
    pipe.outlet.drain()
    wait = [thread for thread in threading.enumerate() if thread.name == "outlet"]
    for thread in wait:
        thread.join(60)
    assert os.write(pipe.writing, b"what the interpreter has in its buffer") > 0


def test_pipes_and_terminals_may_stall_and_files_do_not(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    reading, writing = os.pipe()
    with (tmp_path / "log").open("wb") as file:
        found = [may_stall(fd) for fd in (theirs, writing, file.fileno())]
    for fd in (ours, theirs, reading, writing):
        os.close(fd)
    assert found == [True, True, False]
