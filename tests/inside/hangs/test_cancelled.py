"""A task that was cancelled and goes on: who lets it is told, where it can be known."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio
import trio.testing
from async_test_run_inside.hangs import cancelled, tasks, trios
from async_test_run_inside.hangs.bounds import Look
from async_test_run_inside.hangs.cancelled import Handler, handler

ROOT = str(Path(__file__).parent)


def said(main: Callable[[], Coroutine[Any, Any, object]], cancel: int = 1) -> str:
    """What is said of a task that waits although it was cancelled."""

    async def look() -> str:
        task = asyncio.create_task(main())
        for _ in range(cancel):
            await asyncio.sleep(0)
            task.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        (found,) = [item for item in tasks.pending([], Look(seconds=3600)).tasks if item.task is task]
        words = cancelled.of_task(task, found.chain.frames, Look(ROOT, seconds=3600))
        while not task.done():
            NO_MORE.append(1)
            task.cancel()
            await asyncio.sleep(0)
        NO_MORE.clear()
        return words

    return asyncio.run(look())


NO_MORE: list[int] = []  # not empty: whoever swallows is to end


async def for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def in_a_loop() -> None:
    while not NO_MORE:
        try:
            await for_ever()
        except asyncio.CancelledError:
            pass


async def suppressed() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await for_ever()
    await for_ever()


async def caught_bare() -> None:
    try:
        await for_ever()
    except:  # noqa: E722
        print()
    await for_ever()


async def in_finally() -> None:
    try:
        await for_ever()
    finally:
        # waits here
        await for_ever()


async def in_except() -> None:
    try:
        await for_ever()
    except BaseException:
        await for_ever()
        raise


async def raised_again() -> None:
    try:
        await for_ever()
    except Exception:
        pass


class Slow:
    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_exc: object) -> None:
        await for_ever()


async def in_an_exit() -> None:
    async with Slow():
        await for_ever()


@pytest.mark.parametrize(
    ("main", "line", "how"),
    [
        (in_a_loop, "except asyncio.CancelledError:", "swallows CancelledError"),
        (suppressed, "with contextlib.suppress(asyncio.CancelledError):", "swallows CancelledError"),
        (caught_bare, "except:  # noqa: E722", "swallows CancelledError"),
        (in_finally, "finally:", ""),
        (in_except, "except BaseException:", ""),
    ],
)
def test_the_line_that_lets_it_is_named(main: Callable[[], Coroutine[Any, Any, object]], line: str, how: str) -> None:
    words = said(main)
    number = inspect.getsource(sys.modules[__name__]).split("\n").index(f"async def {main.__name__}() -> None:") + 1
    assert words.startswith("was cancelled 1 time and goes on: ")
    assert f"test_cancelled.py:{number + 1 + _offset(main, line)} in {main.__name__}: {line}" in words
    assert how in words


def _offset(main: Callable[..., object], line: str) -> int:
    return [text.strip() for text in inspect.getsource(main).split("\n")].index(line) - 1


def test_how_often_it_was_cancelled_is_told() -> None:
    assert said(in_a_loop, cancel=3).startswith("was cancelled 3 times and goes on: ")


def test_an_exit_that_waits_is_named() -> None:
    assert said(in_an_exit) == "was cancelled 1 time and goes on: it is still in Slow.__aexit__"


def test_where_nobody_is_seen_to_swallow_it_nobody_is_blamed() -> None:
    words = cancelled._culprit([], Look())
    assert words == "something swallows CancelledError"


def test_a_task_that_has_not_heard_of_it_yet_is_not_one_that_goes_on() -> None:
    async def look() -> list[str]:
        asleep = asyncio.create_task(for_ever())
        new = asyncio.create_task(for_ever())
        await asyncio.sleep(0)
        newer = asyncio.create_task(for_ever())
        for task in (asleep, new, newer):
            task.cancel()
        words = [cancelled.of_task(task, [], Look()) for task in (asleep, new, newer)]
        await asyncio.gather(asleep, new, newer, return_exceptions=True)
        return words

    assert asyncio.run(look()) == ["", "", ""]


def test_a_task_that_nobody_cancelled_has_nothing_said_of_it() -> None:
    assert said(raised_again, cancel=0) == ""


@pytest.mark.parametrize(
    ("code", "line", "found"),
    [
        ("while x:\n    try:\n        wait\n    except CancelledError:\n        pass", 4, Handler(5, False)),
        ("try:\n    wait\nexcept CancelledError:\n    raise", 3, None),
        ("try:\n    wait\nexcept CancelledError:\n    pass", 3, None),
        ("try:\n    a\nexcept (ValueError, CancelledError):\n    pass\nwait", 6, Handler(4, False)),
        ("try:\n    a\nexcept get_cancelled_exc_class():\n    pass\nwait", 6, Handler(4, False)),
        ("try:\n    a\nexcept Exception:\n    pass\nwait", 6, None),
        ("try:\n    a\nfinally:\n    return\nwait", 6, Handler(5, False)),
        ("for x in y:\n    wait\n    with suppress(BaseException):\n        a", 3, Handler(4, False)),
        ("wait\nwith suppress(BaseException):\n    a", 2, None),
        ("def g():\n    try:\n        a\n    except:\n        pass\nwait", 7, None),
    ],
)
def test_what_takes_the_exception_was_left_before(code: str, line: int, found: Handler | None) -> None:
    function = ast.parse("async def f():\n" + textwrap.indent(code, "    ")).body[0]
    assert handler(function, line) == found


async def shielded_by_anyio(events: list[anyio.Event]) -> None:
    events.append(anyio.Event())
    with anyio.CancelScope(shield=True):
        await events[0].wait()


async def shielded_by_trio(event: trio.Event) -> None:
    with trio.CancelScope(shield=True):
        await event.wait()


def test_a_shielded_scope_of_anyio_is_told() -> None:
    async def main() -> str:
        async with anyio.create_task_group() as group:
            group.start_soon(shielded_by_anyio, events)
            await anyio.sleep(0)
            group.cancel_scope.cancel()
            pending = tasks.pending([], Look()).tasks
            events[0].set()
            found = next(item for item in pending if item.name.endswith("shielded_by_anyio"))
            return cancelled.of_task(found.task, found.chain.frames, Look())

    events: list[anyio.Event] = []
    assert asyncio.run(main()) == "a scope around it was cancelled, and it goes on in a shielded one"


def test_a_shielded_scope_of_trio_is_told() -> None:
    async def main() -> list[str]:
        event = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shielded_by_trio, event)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
            found = trios.described([], 0, 1, Look())
            event.set()
        return [task.cancelled for task in found if task.name.endswith("shielded_by_trio")]

    assert trio.run(main) == ["a scope around it was cancelled, and it goes on in a shielded one"]
