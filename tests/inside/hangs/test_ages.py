"""When a task of asyncio began."""

from __future__ import annotations

import asyncio

from async_test_run_inside.hangs import ages


def test_watching_twice_changes_nothing_more() -> None:
    ages.watch()
    before = asyncio.BaseEventLoop.create_task
    ages.watch()
    assert asyncio.BaseEventLoop.create_task is before


def test_a_task_of_another_make_has_no_age() -> None:
    class Slotted:
        __slots__ = ()

    assert ages.age(Slotted(), 5.0) is None
