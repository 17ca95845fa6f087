"""Cleaning up in the background: `run_once` by itself, then the loop around it, on a virtual clock."""

import asyncio
from unittest.mock import AsyncMock

import pytest
from async_test_runner.kit import VirtualClock

from bus import EventBus

pytestmark = pytest.mark.asyncio


async def test_one_round_removes_what_has_expired(bus: EventBus, virtual_clock: VirtualClock) -> None:
    bus.subscribe("users", AsyncMock(), ttl=10)
    bus.subscribe("users", AsyncMock())
    assert await bus.run_once() == 0
    await virtual_clock.advance(10)
    assert await bus.run_once() == 1
    assert bus.subscriptions == 1


async def test_one_round_removes_what_somebody_ended(bus: EventBus) -> None:
    await bus.subscribe("users", AsyncMock()).end("enough")
    assert await bus.run_once() == 1


async def test_what_has_expired_gets_no_events_before_it_is_removed(bus: EventBus, virtual_clock: VirtualClock) -> None:
    handler = AsyncMock()
    bus.subscribe("users", handler, ttl=10)
    await virtual_clock.advance(11)
    assert bus.publish("users", "ada") == 0
    assert bus.subscriptions == 1


async def test_a_day_of_cleaning_up(bus: EventBus, virtual_clock: VirtualClock) -> None:
    for hour in range(24):
        bus.subscribe("users", AsyncMock(), ttl=3600 * (hour + 1))
    await virtual_clock.advance(3600 * 12 + 61)
    assert bus.subscriptions == 12
    await virtual_clock.advance(3600 * 12)
    assert bus.subscriptions == 0


async def test_a_round_that_fails_does_not_end_the_cleaning_nor_repeat_at_once(
    bus: EventBus, virtual_clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The bug that fills disks: an error in a loop that then does not sleep. In ten minutes there are ten rounds."""
    run_once = AsyncMock(side_effect=RuntimeError("no"))
    monkeypatch.setattr(bus, "run_once", run_once)
    await virtual_clock.advance(601)
    assert run_once.await_count == 10
    assert caplog.text.count("cleaning up failed") == 10


async def test_the_cleaning_ends_with_the_bus() -> None:
    async with EventBus().running():
        assert "bus: cleanup" in {task.get_name() for task in asyncio.all_tasks()}
    assert "bus: cleanup" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_an_error_in_the_block_still_shuts_the_bus_down() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(RuntimeError, match="mistake"):
        async with EventBus().running() as bus:
            bus.subscribe("users", AsyncMock())
            raise RuntimeError("mistake")
    assert asyncio.all_tasks() == before
