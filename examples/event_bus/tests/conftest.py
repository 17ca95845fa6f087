"""A bus, and the proof that none of its tasks outlives a test."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from bus import EventBus

pytest_plugins = ["async_test_runner.kit"]


def tasks_of_the_bus() -> list[str]:
    return [name for task in asyncio.all_tasks() if (name := task.get_name()).startswith("bus: ")]


@pytest_asyncio.fixture
async def bus() -> AsyncIterator[EventBus]:
    """Shut down after the test. Then none of its tasks runs any more."""
    async with EventBus(cleanup_every=60, max_errors=3, pause=1).running() as bus:
        yield bus
    assert tasks_of_the_bus() == []
