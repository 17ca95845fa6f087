"""What is left in event loops. The moments that are watched are put back after each test."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest
from async_test_run_inside.hangs import ages
from async_test_run_inside.leaks.births import Birth, Births
from async_test_run_inside.leaks.found import Leak
from async_test_run_inside.leaks.loops import Loops


class Watched:
    """Loops, and the births of those that a test makes."""

    def __init__(self) -> None:
        self.births = Births("asyncio", "BaseEventLoop", ("asyncio",), fresh=[])
        self.loops = Loops([self.births, Births("uvloop", "Loop", (), fresh=[])], lambda client: "a.py:1 in f")
        self.loops.owner = "now"

    def loop(self, owner: str = "now", *, is_machinery: bool = False) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        self.births.new.append(Birth(loop, "a.py:9 in g", owner, is_machinery=is_machinery, hold=False))
        return loop

    def said(self) -> list[tuple[str, str]]:
        return [(leak.kind, leak.what.partition(",")[0]) for _, leak in self.loops.news()]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    gc.collect()  # tasks of earlier tests that nobody holds any more are not to be destroyed during this one
    for cls, name in (
        (asyncio.Runner, "close"),
        (asyncio.BaseEventLoop, "close"),
        (asyncio.BaseEventLoop, "call_exception_handler"),
        (asyncio.BaseEventLoop, "create_task"),
    ):
        monkeypatch.setattr(cls, name, getattr(cls, name))
    monkeypatch.setattr(ages, "_watched", [])
    ages.watch()
    yield Watched()


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def fails() -> None:
    raise ValueError("nobody asks")


async def numbers() -> AsyncIterator[int]:
    yield 1
    yield 2


def test_a_loop_that_was_not_closed_is_told_where_it_was_made(watched: Watched) -> None:
    loop = watched.loop()
    ((owner, leak),) = watched.loops.news()
    assert (owner, leak.kind, leak.where) == ("now", "loops", "a.py:9 in g")
    assert watched.loops.news() == []
    loop.close()
    assert leak.gone()


def test_a_loop_of_what_runs_tests_is_its_own(watched: Watched) -> None:
    loop = watched.loop(is_machinery=True)
    assert watched.said() == []
    loop.close()


def test_tasks_that_wait_when_a_loop_is_closed_are_told_once(watched: Watched) -> None:
    loop = watched.loop()
    task = loop.create_task(forever(), name="job")
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert watched.said() == [("tasks", "task job still pending")]
    assert not task.done()
    del task, loop
    assert watched.said() == []


def test_what_asyncio_run_cancels_is_no_leak(watched: Watched) -> None:
    async def main() -> None:
        asyncio.get_running_loop().create_task(forever(), name="job")
        await asyncio.sleep(0)

    asyncio.run(main())
    assert watched.said() == []


def test_tasks_and_generators_of_a_loop_that_lives_on_are_told_once(watched: Watched) -> None:
    loop = watched.loop(is_machinery=True)
    generator = numbers()

    async def begin() -> int:
        return await anext(generator)

    task = loop.create_task(forever(), name="job")
    loop.run_until_complete(begin())
    assert watched.said() == [
        ("tasks", "task job still pending"),
        ("generators", f"asynchronous generator numbers stopped at line {numbers.__code__.co_firstlineno + 1}"),
    ]
    assert watched.said() == []
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, generator.aclose(), return_exceptions=True))  # type: ignore[attr-defined]
    loop.close()


def raise_unasked(loop: asyncio.AbstractEventLoop) -> None:
    task = loop.create_task(fails())
    loop.run_until_complete(asyncio.wait([task]))


def test_an_exception_that_nobody_retrieved_is_told_of_the_test_whose_loop_it_was(watched: Watched) -> None:
    loop = watched.loop("earlier")
    raise_unasked(loop)
    loop.close()
    gc.collect()  # it is noticed when its task is gone, which from Python 3.12 on is not at once
    leaks: list[tuple[str, Leak]] = watched.loops.news()
    assert [(owner, leak.kind) for owner, leak in leaks] == [("earlier", "exceptions")]
    assert "ValueError: nobody asks, raised at " in leaks[0][1].what
    assert "in raise_unasked" in leaks[0][1].where


def test_who_handles_exceptions_is_left_alone(watched: Watched) -> None:
    loop = watched.loop()
    loop.set_exception_handler(lambda *_: None)
    raise_unasked(loop)
    loop.close()
    assert watched.said() == []
