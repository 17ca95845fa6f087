"""When a task of asyncio began."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from async_test_run_inside.hangs import ages
from async_test_run_inside.hangs.makers import Made


def test_watching_twice_changes_nothing_more() -> None:
    ages.watch()
    before = asyncio.BaseEventLoop.create_task
    ages.watch()
    assert asyncio.BaseEventLoop.create_task is before


def test_a_generator_knows_the_line_that_began_with_it() -> None:
    ages.watch()

    async def numbers() -> AsyncIterator[int]:
        yield 1

    async def begin() -> tuple[Made | None, Made | None]:
        untouched, begun = numbers(), numbers()
        await anext(begun)
        found = ages.begun(untouched), ages.begun(begun)
        await begun.aclose()  # type: ignore[attr-defined]
        return found

    untouched, begun = asyncio.run(begin())
    assert untouched is None
    assert begun is not None
    assert (begun.code.co_name, begun.line) == ("begin", begin.__code__.co_firstlineno + 2)


def test_a_task_of_another_make_has_no_age() -> None:
    class Slotted:
        __slots__ = ()

    assert ages.age(Slotted(), 5.0) is None
