"""Publishing and subscribing."""

import asyncio
from typing import Any
from unittest.mock import AsyncMock, call

import pytest
from async_test_runner.kit import VirtualClock, assert_awaited_once, assert_not_awaited, eventually

from bus import BusClosedError, EventBus, SubscriptionEndedError

pytestmark = pytest.mark.asyncio


async def test_an_event_reaches_who_listens_to_its_topic(bus: EventBus) -> None:
    mine, other = AsyncMock(), AsyncMock()
    bus.subscribe("users", mine)
    bus.subscribe("orders", other)
    assert bus.publish("users", "ada") == 1
    await bus.drained()
    assert_awaited_once(mine, "ada")
    assert_not_awaited(other)


async def test_nobody_listens(bus: EventBus) -> None:
    assert bus.publish("users", "ada") == 0


async def test_events_keep_their_order(bus: EventBus) -> None:
    handler = AsyncMock()
    bus.subscribe("users", handler)
    for number in range(5):
        bus.publish("users", number)
    await bus.drained()
    assert handler.await_args_list == [call(number) for number in range(5)]


async def test_a_slow_handler_makes_nobody_else_wait(bus: EventBus) -> None:
    stuck = asyncio.Event()
    quick = AsyncMock()

    async def slow(event: Any) -> None:
        await stuck.wait()

    bus.subscribe("users", slow)
    bus.subscribe("users", quick)
    bus.publish("users", "ada")
    await eventually(lambda: quick.await_count == 1)
    stuck.set()


async def test_an_ended_subscription_gets_no_more_events(bus: EventBus) -> None:
    handler = AsyncMock()
    subscription = bus.subscribe("users", handler)
    await subscription.end("enough")
    assert bus.publish("users", "ada") == 0
    with pytest.raises(SubscriptionEndedError, match="enough"):
        subscription.offer("ada")


async def test_a_handler_may_publish(bus: EventBus) -> None:
    second = AsyncMock()

    async def first(event: Any) -> None:
        bus.publish("welcome", event)

    bus.subscribe("users", first)
    bus.subscribe("welcome", second)
    bus.publish("users", "ada")
    await eventually(lambda: second.await_count == 1)


async def test_after_the_shutdown_there_are_no_events(bus: EventBus) -> None:
    await bus.shutdown()
    with pytest.raises(BusClosedError):
        bus.publish("users", "ada")
    with pytest.raises(BusClosedError):
        bus.subscribe("users", AsyncMock())


async def test_a_shutdown_lets_handlers_finish(bus: EventBus, virtual_clock: VirtualClock) -> None:
    async def handler(event: Any) -> None:
        await asyncio.sleep(3)

    subscription = bus.subscribe("users", handler)
    bus.publish("users", "ada")
    await bus.shutdown(patience=5)
    assert subscription.handled == 1
    assert virtual_clock.elapsed == pytest.approx(3)


async def test_a_shutdown_does_not_wait_for_ever(
    bus: EventBus, virtual_clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(event: Any) -> None:
        await asyncio.Event().wait()

    subscription = bus.subscribe("users", handler)
    bus.publish("users", "ada")
    await bus.shutdown(patience=5)
    assert not subscription.is_active
    assert virtual_clock.elapsed == pytest.approx(5)
    assert "events are lost" in caplog.text


async def test_two_shutdowns_are_one(bus: EventBus) -> None:
    await bus.shutdown()
    await bus.shutdown()
