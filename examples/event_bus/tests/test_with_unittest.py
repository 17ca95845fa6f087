"""The same, in the style of unittest. The kit's functions need no fixture."""

import asyncio
from typing import Any
from unittest import IsolatedAsyncioTestCase
from unittest.mock import AsyncMock

from async_test_runner.kit import assert_awaited_once, eventually, tasks_ended, virtual_time

from bus import EventBus


class BusTest(IsolatedAsyncioTestCase):
    """`enterAsyncContext` ends what it began after the test, whatever became of it."""

    async def asyncSetUp(self) -> None:
        self.bus = await self.enterAsyncContext(EventBus(cleanup_every=60).running())

    async def test_an_event_is_handled(self) -> None:
        handler = AsyncMock()
        self.bus.subscribe("users", handler)
        self.bus.publish("users", "ada")
        await eventually(lambda: handler.await_count)
        assert_awaited_once(handler, "ada")

    async def test_an_hour_of_cleaning_up(self) -> None:
        with virtual_time(asyncio.get_running_loop()) as clock:
            self.bus.subscribe("users", AsyncMock(), ttl=1800)
            await clock.advance(3600)
        self.assertEqual(self.bus.subscriptions, 0)


class TasksTest(IsolatedAsyncioTestCase):
    async def test_no_task_survives(self) -> None:
        before = asyncio.all_tasks()
        async with EventBus().running() as bus:
            bus.subscribe("users", AsyncMock())
            self.assertEqual(len(asyncio.all_tasks() - before), 2)
        self.assertEqual(asyncio.all_tasks(), before)

    async def test_a_handler_that_waits_is_ended_too(self) -> None:
        async def waits(event: Any) -> None:
            await asyncio.Event().wait()

        with virtual_time(asyncio.get_running_loop()):
            async with tasks_ended(), EventBus().running() as bus:
                bus.subscribe("users", waits)
                bus.publish("users", "ada")
