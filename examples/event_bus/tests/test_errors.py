"""Handlers that fail. In no case for ever."""

import asyncio
from unittest.mock import AsyncMock

import pytest
from async_test_runner.kit import VirtualClock, deadline

from bus import EventBus

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("virtual_clock")]


async def test_a_handler_that_always_fails_is_given_up(
    bus: EventBus, virtual_clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    handler = AsyncMock(side_effect=RuntimeError("no"))
    subscription = bus.subscribe("users", handler)
    for number in range(10):
        bus.publish("users", number)
    await bus.drained()
    assert handler.await_count == 3
    assert not subscription.is_active
    assert subscription.reason == "its handler failed 3 times in a row"
    assert virtual_clock.elapsed == pytest.approx(1 + 2 + 4)
    assert caplog.text.count("a handler of 'users' failed") == 3


async def test_draining_does_not_wait_for_a_handler_that_was_given_up(bus: EventBus) -> None:
    """It once did: what was queued behind the last error was never handled, and `join` waited for ever."""
    bus.subscribe("users", AsyncMock(side_effect=RuntimeError("no")))
    for number in range(10):
        bus.publish("users", number)
    await deadline(bus.drained(), 60, "draining the bus")


async def test_a_success_forgives_earlier_errors(bus: EventBus) -> None:
    handler = AsyncMock(side_effect=[RuntimeError("1"), RuntimeError("2"), None] * 3)
    subscription = bus.subscribe("users", handler)
    for number in range(9):
        bus.publish("users", number)
    await bus.drained()
    assert subscription.is_active
    assert subscription.handled == 3


async def test_what_was_given_up_is_removed_in_the_next_round(bus: EventBus) -> None:
    bus.subscribe("users", AsyncMock(side_effect=RuntimeError("no")))
    for number in range(3):
        bus.publish("users", number)
    await bus.drained()
    assert await bus.run_once() == 1


async def test_an_error_of_one_handler_is_nothing_to_another(bus: EventBus) -> None:
    good = AsyncMock()
    bus.subscribe("users", AsyncMock(side_effect=RuntimeError("no")))
    bus.subscribe("users", good)
    bus.publish("users", "ada")
    await bus.drained()
    assert good.await_count == 1


async def test_a_cancelled_subscription_does_not_swallow_the_cancellation(bus: EventBus) -> None:
    """`except Exception` lets CancelledError pass. `except BaseException` would make a task that cannot be ended."""
    subscription = bus.subscribe("users", AsyncMock(side_effect=asyncio.Event().wait))
    bus.publish("users", "ada")
    await deadline(subscription.end("enough"), 5)
    assert not subscription.is_active
