"""Listeners."""

import asyncio
import logging
from unittest.mock import AsyncMock

import pytest
from async_test_runner.kit import assert_awaited_once

from artists.events import ArtistAdded, Events

EVENT = ArtistAdded(1, "Nina")


async def test_listeners_run_at_the_same_time(events: Events) -> None:
    """Each waits for the other: one after another they would wait for ever."""
    both = asyncio.Barrier(2)

    async def listener(event: ArtistAdded) -> None:
        await both.wait()

    events.listen(listener)
    events.listen(listener)
    await asyncio.wait_for(events.publish(EVENT), 5)


async def test_a_listener_that_fails_does_not_harm_the_others(events: Events, caplog: pytest.LogCaptureFixture) -> None:
    events.listen(AsyncMock(side_effect=RuntimeError("no room")))
    good = AsyncMock()
    events.listen(good)
    with caplog.at_level(logging.ERROR):
        await events.publish(EVENT)
    assert_awaited_once(good, EVENT)
    assert "a listener failed" in caplog.text
    assert "no room" in caplog.text


async def test_nobody_listens(events: Events) -> None:
    await events.publish(EVENT)
