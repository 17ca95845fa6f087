"""Tasks of every loop, and what they have to do with each other."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from async_test_run_inside.hangs import ages, chains, stacks, tasks
from async_test_run_inside.hangs import waits as words
from async_test_run_inside.hangs.bounds import Look
from async_test_run_inside.hangs.values import Task

from tests.inside.hangs.scene import asked_in_loop, section

pytestmark = pytest.mark.skipif(not hasattr(__import__("signal"), "SIGUSR1"), reason="no signals")


FOR_EVER = 3600.0  # seconds that a look may take where it is counted


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def seen(main: Callable[[], Coroutine[Any, Any, object]]) -> dict[str, Task]:
    """The tasks by name, while ``main`` waits; a bit of it is one of them."""

    async def look() -> dict[str, Task]:
        waiting = asyncio.create_task(main(), name="main")
        for _ in range(5):
            await asyncio.sleep(0)
        found = tasks.pending([], Look(seconds=FOR_EVER))
        described = tasks.described(found.tasks, {id(asyncio.get_running_loop()): 1}, [waiting], Look(seconds=FOR_EVER))
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


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="it keeps this itself, and nobody else can write it")
def test_what_python_3_14_keeps_about_who_awaits_a_task_is_read() -> None:
    class Kept(asyncio.Task[None]):
        """Has an attribute more, as the tasks that are made in C have it there."""

        __slots__ = ("_asyncio_awaited_by",)

    async def main() -> None:
        hidden = asyncio.get_running_loop().create_future()
        child = Kept(for_ever(), name="child")
        child._asyncio_awaited_by = frozenset({hidden})
        await hidden

    assert seen(main)["main"].on == ("child",)


def test_of_many_tasks_those_that_matter_are_looked_at_and_the_others_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    look = Look(seconds=FOR_EVER)

    async def main() -> None:
        async def root() -> None:
            await asyncio.wait([named(for_ever(), "zz-awaited")])

        others = [named(for_ever(), f"a-{n}") for n in range(2000)]
        waiting = named(root(), "zz-root")
        for _ in range(3):
            await asyncio.sleep(0)
        monkeypatch.setattr(tasks, "roots", lambda _threads: [waiting])
        loop = asyncio.get_running_loop()
        found = tasks.pending([], look)
        assert {"zz-root", "zz-awaited", "a-0"} <= {item.name for item in found.tasks}
        assert found.loops[id(loop)] == (loop, len(others) + 3)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run(main())
    assert look.looked["tasks"] == 300
    assert look.cut == ("only 300 of 2,003 tasks were looked at",)


def test_a_thousand_tasks_that_want_one_lock_are_asked_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    known = words.known

    def counted(frames: list[FrameType]) -> object:
        asked.append(frames)
        return known(frames)

    monkeypatch.setattr(words, "known", counted)

    async def main() -> None:
        lock = asyncio.Lock()

        async def hold() -> None:
            async with lock:
                await for_ever()

        await asyncio.gather(*(named(hold(), f"job-{n}") for n in range(1000)))

    found = seen(main)
    assert found["job-5"].waits == "waits for a Lock, which task job-0 holds"
    assert len(asked) == len(found) == 300


def test_of_those_that_wait_for_one_task_so_many_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    is_future = chains.is_future

    def counted(value: object) -> bool:
        asked.append(value)
        return is_future(value)

    async def main() -> None:
        awaited = [named(for_ever(), f"a-{n}") for n in range(20)]

        async def wait() -> None:
            await asyncio.wait(awaited)

        await asyncio.gather(*(named(wait(), f"b-{n}") for n in range(500)))

    monkeypatch.setattr(chains, "is_future", counted)
    found = seen(main)
    assert set(found["b-0"].on) == {f"a-{n}" for n in range(20)}
    assert len(asked) < 20 * 50 * 10 + 300 * 10  # cells of fifty callbacks each, not of five hundred


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
    assert tasks.running_loops([stacks.frames(None, Look())]) == []
    assert tasks.current(None) is None
