"""Tasks of every loop, and what they have to do with each other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.hangs import ages, stacks, tasks
from async_test_run_inside.hangs.values import Task

from tests.inside.hangs.scene import asked_in_loop, section

pytestmark = pytest.mark.skipif(not hasattr(__import__("signal"), "SIGUSR1"), reason="no signals")


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def seen(main: Callable[[], Coroutine[Any, Any, object]]) -> dict[str, Task]:
    """The tasks by name, while ``main`` waits; a bit of it is one of them."""

    async def look() -> dict[str, Task]:
        waiting = asyncio.create_task(main(), name="main")
        for _ in range(5):
            await asyncio.sleep(0)
        found = tasks.pending([])
        described = tasks.described(found, {id(asyncio.get_running_loop()): 1}, [waiting], "")
        everything = asyncio.all_tasks() - {asyncio.current_task()}
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        names = [task.name for task in described]
        return {task.name: task._replace(on=tuple(names[n] for n in task.on)) for task in described}  # type: ignore[arg-type]

    return asyncio.run(look())


def named(coroutine: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    return asyncio.create_task(coroutine, name=name)


async def awaits() -> None:
    await named(for_ever(), "child")


async def gathers() -> None:
    await asyncio.gather(named(for_ever(), "child"), asyncio.sleep(0))


async def shields() -> None:
    await asyncio.shield(named(for_ever(), "child"))


async def waits_for() -> None:
    await asyncio.wait_for(named(for_ever(), "child"), 60)


async def waits() -> None:
    await asyncio.wait({named(for_ever(), "child")})


async def in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(for_ever(), name="child")


@pytest.mark.parametrize("main", [awaits, gathers, shields, waits_for, waits, in_a_group])
def test_who_waits_for_which_task_is_known(main: Callable[[], Coroutine[Any, Any, object]]) -> None:
    found = seen(main)
    assert found["main"].on == ("child",)
    assert found["main"].root
    assert [place.function for place in found["child"].places] == ["for_ever"]


def test_the_task_that_holds_a_lock_is_named() -> None:
    async def main() -> None:
        lock = asyncio.Lock()

        async def hold() -> None:
            async with lock:
                await for_ever()

        await asyncio.gather(*(named(hold(), f"job-{n}") for n in range(3)))

    found = seen(main)
    assert found["job-0"].waits == "waits for a Future"
    assert found["job-1"].waits == found["job-2"].waits == "waits for a Lock, which task job-0 holds"


def test_a_task_that_waits_for_its_own_lock_is_told() -> None:
    async def main() -> None:
        lock = asyncio.Lock()
        async with lock, lock:
            raise AssertionError("not reached")

    assert seen(main)["main"].waits == "waits for a Lock, which this very task holds"


def test_a_lock_that_nobody_entered_has_no_holder() -> None:
    async def main() -> None:
        lock = asyncio.Lock()
        await lock.acquire()
        async with lock:
            raise AssertionError("not reached")

    assert seen(main)["main"].waits == "waits for a Lock"


def test_tasks_that_are_done_are_not_listed_and_numbers_are_in_order() -> None:
    async def main() -> None:
        done = named(asyncio.sleep(0), "done")
        await done
        await asyncio.gather(*(named(for_ever(), f"job-{n}") for n in (10, 9, 1)))

    names = list(seen(main))
    assert "done" not in names
    assert [name for name in names if name.startswith("job")] == ["job-1", "job-9", "job-10"]


def test_a_name_cannot_write_lines_of_its_own() -> None:
    async def main() -> None:
        await named(for_ever(), "a\nmost likely: b\x1b[2J")

    assert "a\\x0amost likely: b\\x1b[2J" in seen(main)


def test_a_task_has_an_age_once_the_loops_are_watched() -> None:
    ages.watch()
    found = seen(awaits)
    assert found["child"].age is not None
    assert 0 <= found["child"].age < 60


def test_python_3_14_is_asked_who_awaits_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    class Graph:
        def __init__(self, future: Any, awaited_by: list[Graph]) -> None:
            self.future = future
            self.awaited_by = awaited_by

    async def main() -> None:
        hidden = asyncio.get_running_loop().create_future()
        child = named(for_ever(), "child")

        def capture(task: Any) -> Graph:
            return Graph(task, [Graph(hidden, [])] if task is child else [])

        monkeypatch.setattr(asyncio, "capture_call_graph", capture, raising=False)
        await hidden

    assert seen(main)["main"].on == ("child",)


def test_a_loop_of_another_thread_is_seen(tmp_path: Path) -> None:
    ready = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    def other() -> None:
        async def body() -> None:
            loops.append(asyncio.get_running_loop())
            stop = asyncio.Event()
            loops.append(stop)  # type: ignore[arg-type]
            ready.set()
            await stop.wait()

        asyncio.run(body())

    thread = threading.Thread(target=other, name="other-loop")
    thread.start()
    assert ready.wait(30)
    try:
        text = asked_in_loop(tmp_path, for_ever, until="-> waits for a Future").text
    finally:
        loops[0].call_soon_threadsafe(loops[1].set)  # type: ignore[attr-defined]
        thread.join()
    assert "run by thread other-loop, 1 task pending" in text
    assert "waits until the Event is set" in text
    assert "runs event loop" in section(text, "thread other-loop")


def test_a_loop_that_does_not_run_is_seen(tmp_path: Path) -> None:
    idle = asyncio.new_event_loop()
    task = idle.create_task(for_ever(), name="left-alone")
    try:
        text = asked_in_loop(tmp_path, for_ever, until="-> waits for a Future").text
    finally:
        task.cancel()
        idle.run_until_complete(asyncio.gather(task, return_exceptions=True))
        idle.close()
    assert "not running, 1 task pending" in text
    assert "task left-alone" in text


def test_what_is_not_asyncio_is_no_loop() -> None:
    assert tasks.running_loops([stacks.frames(None)]) == []
    assert tasks.current(None) is None
