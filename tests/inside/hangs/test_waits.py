"""What is waited for, in words."""

from __future__ import annotations

import asyncio
import functools
import queue
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.hangs import stacks, waits
from async_test_run_inside.hangs.bounds import Look

from tests.inside.hangs.scene import asked_in_loop, section


async def get() -> None:
    await asyncio.Queue(maxsize=3).get()


async def put() -> None:
    full: asyncio.Queue[int] = asyncio.Queue(maxsize=1)
    await full.put(1)
    await full.put(2)


async def join() -> None:
    left: asyncio.Queue[int] = asyncio.Queue()
    left.put_nowait(1)
    await left.join()


async def event() -> None:
    await asyncio.Event().wait()


async def condition() -> None:
    it = asyncio.Condition()
    async with it:
        await it.wait()


async def semaphore() -> None:
    await asyncio.Semaphore(0).acquire()


async def barrier() -> None:
    await asyncio.Barrier(2).wait()


async def sleep() -> None:
    await asyncio.sleep(3600)


async def gather() -> None:
    await asyncio.gather(asyncio.sleep(50), asyncio.sleep(60))


async def task_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(50))


async def future() -> None:
    await asyncio.get_running_loop().create_future()


async def stream() -> None:
    left, right = socket.socketpair()
    with right:
        reader, writer = await asyncio.open_connection(sock=left)
        try:
            await reader.read(1)
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("main", "words"),
    [
        (get, "waits for an item of a Queue (0 of 3 items)"),
        (put, "waits for room in a Queue (1 of 1 items)"),
        (join, "waits until a Queue is worked off: 1 items are not task_done()"),
        (event, "waits until the Event is set"),
        (condition, "waits for a notify of a Condition"),
        (semaphore, "waits for a Semaphore"),
        (barrier, "waits at a Barrier: 1 of 2 are there"),
        (sleep, "sleeps for 3600 s"),
        (gather, "waits for 2 awaitables of asyncio.gather"),
        (task_group, "waits for the 1 task of a TaskGroup"),
        (future, "waits for a Future"),
        (stream, "waits for data"),
    ],
)
def test_what_a_task_waits_for_is_said(
    tmp_path: Path, main: Callable[[], Coroutine[Any, Any, None]], words: str
) -> None:
    asked_in_loop(tmp_path, main, until=f"-> {words}")


def test_a_thread_that_is_waited_for_is_named_by_its_function(tmp_path: Path) -> None:
    release = threading.Event()

    def wait_for_release() -> None:
        release.wait()

    async def main() -> None:
        try:
            await asyncio.to_thread(wait_for_release)
        finally:
            release.set()

    text = asked_in_loop(tmp_path, main, until="-> waits for a thread that runs").text
    assert "wait_for_release" in section(text, "-> waits for a thread")


@pytest.mark.processes
def test_a_child_whose_pipe_is_full_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print('x' * 1000000)", stdout=asyncio.subprocess.PIPE
        )
        try:
            await child.wait()
        finally:
            child.kill()
            await child.communicate()

    full = "whose output pipe is full"
    text = asked_in_loop(tmp_path, main, until=full).text
    assert "-> waits for the end of child process" in text
    assert "child processes:" in text


# -------------------------------------------------------------------------------------------------------- in threads


def words_of(thread: threading.Thread, until: str) -> str:
    """What a thread waits for, once it does."""
    for _ in range(1000):
        frames = stacks.frames(sys._current_frames().get(thread.ident or 0), Look())
        known = waits.known(frames)
        if known is not None and known[0].startswith(until):
            return known[0]
        thread.join(0.001)
    raise AssertionError(stacks.frames(sys._current_frames().get(thread.ident or 0), Look()))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda end: end.wait, "waits until the threading.Event is set"),
        (lambda end: threading.Thread(target=end.wait, name="inner", daemon=True), "waits for the end of thread inner"),
        (lambda end: Future().result, "waits for the result of a concurrent.futures.Future"),
        (lambda end: queue.Queue(2).get, "waits for an item of a queue.Queue (0 of 2 items)"),
    ],
)
def test_what_a_thread_waits_for_is_said(make: Callable[[threading.Event], Any], words: str) -> None:
    end = threading.Event()
    waited = make(end)

    def started_and_joined() -> None:
        waited.start()
        waited.join()

    target = started_and_joined if isinstance(waited, threading.Thread) else waited
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    assert words_of(thread, words).startswith(words)
    end.set()


def test_an_executor_that_is_shut_down_is_told() -> None:
    end = threading.Event()
    executor = ThreadPoolExecutor(1)
    executor.submit(end.wait)
    thread = threading.Thread(target=executor.shutdown)
    thread.start()
    assert "waits until the threads of a" in words_of(thread, "waits until the threads")
    end.set()
    thread.join()


@pytest.mark.processes
def test_a_child_that_is_waited_for_is_named() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    thread = threading.Thread(target=child.wait)
    thread.start()
    assert words_of(thread, "waits for the end of child") == f"waits for the end of child process {child.pid}"
    child.communicate(b"\n")
    thread.join()


def test_a_line_of_the_projects_between_a_known_function_and_the_wait_takes_its_place() -> None:
    def mine() -> tuple[str, Any] | None:
        return waits.known(stacks.frames(sys._getframe(), Look()))

    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(mine()))
    thread.start()
    thread.join()
    assert found == [None]


@pytest.mark.parametrize(
    ("called", "words"),
    [
        (time.sleep, "time.sleep"),
        (functools.partial(time.sleep, 1), "time.sleep"),
        (functools.partial(words_of), f"words_of (test_waits.py:{words_of.__code__.co_firstlineno})"),
        (Future().result, f"Future.result (_base.py:{Future.result.__code__.co_firstlineno})"),
        (queue.Queue(), "queue.Queue"),
    ],
)
def test_a_function_is_named_whatever_it_is_bound_to(called: Any, words: str) -> None:
    assert waits._function(called) == words


def test_what_a_known_function_calls_in_c_is_said_as_long_as_it_is_there() -> None:
    taken: list[str] = []

    def take(*_arguments: object) -> None:
        taken.append(waits.calling(stacks.frames(sys._getframe(1), Look())))

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()

    async def main() -> None:
        asyncio.get_running_loop().call_soon(take)
        asyncio.get_running_loop().call_later(0, functools.partial(take))
        await asyncio.sleep(0.001)

    asyncio.run(main())
    weakref.finalize(thread, take)()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(take)
    name = f"{take.__code__.co_qualname} (test_waits.py:{take.__code__.co_firstlineno})"
    assert taken == [
        f"the thread calls {name}",
        f"a callback of the event loop calls {name}",
        f"a callback of the event loop calls {name}",
        f"a finalizer calls {name}",
        f"a thread of a pool calls {name}",
    ]
    assert waits.calling(stacks.frames(sys._getframe(), Look())) == waits.calling([]) == ""


def test_variables_that_are_not_there_make_no_words() -> None:
    def broken(_frame: Any) -> str:
        raise KeyError

    assert waits._guarded(broken, sys._getframe()) == ""
