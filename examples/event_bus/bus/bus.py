"""Publish, subscribe, clean up, shut down."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bus.errors import BusClosedError
from bus.subscription import Handler, Subscription

log = logging.getLogger(__name__)


class EventBus:
    """Used as ``async with EventBus().running() as bus``: what it starts ends with the block."""

    def __init__(self, *, cleanup_every: float = 60.0, max_errors: int = 3, pause: float = 1.0) -> None:
        self._cleanup_every = cleanup_every
        self._max_errors = max_errors
        self._pause = pause
        self._subscriptions: list[Subscription] = []
        self._is_closed = False

    @property
    def subscriptions(self) -> int:
        return len(self._subscriptions)

    def subscribe(self, topic: str, handler: Handler, *, ttl: float | None = None) -> Subscription:
        """``handler`` gets the events of ``topic``, for ``ttl`` seconds or until somebody ends it."""
        self._check()
        expires = None if ttl is None else asyncio.get_running_loop().time() + ttl
        made = Subscription(topic, handler, expires=expires, max_errors=self._max_errors, pause=self._pause)
        self._subscriptions.append(made)
        return made

    def publish(self, topic: str, event: Any) -> int:
        """Hand ``event`` to all who listen; returns how many. Does not wait for them."""
        self._check()
        now = asyncio.get_running_loop().time()
        listening = [one for one in self._of(topic) if one.is_active and not one.is_expired(now)]
        for subscription in listening:
            subscription.offer(event)
        return len(listening)

    async def drained(self) -> None:
        """Returns when everything published so far has been handled."""
        await asyncio.gather(*(subscription.drained() for subscription in self._subscriptions))

    async def run_once(self) -> int:
        """Remove subscriptions that have ended or expired; returns how many."""
        now = asyncio.get_running_loop().time()
        gone = [one for one in self._subscriptions if one.is_expired(now) or not one.is_active]
        for subscription in gone:
            self._subscriptions.remove(subscription)
            await subscription.end("it has expired")
        return len(gone)

    async def run(self) -> None:
        """Clean up now and then, for ever. A round that fails is logged, and the next one comes in its own time."""
        while True:
            await asyncio.sleep(self._cleanup_every)
            try:
                await self.run_once()
            except Exception:
                log.exception("cleaning up failed")

    async def shutdown(self, patience: float = 5.0) -> None:
        """No new events; what is queued gets so much time to be handled; then all handlers end. Twice is once."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            async with asyncio.timeout(patience):
                await self.drained()
        except TimeoutError:
            log.warning("events are lost: their handlers did not end within %g s", patience)
        await asyncio.gather(*(one.end("the bus was shut down") for one in self._subscriptions))
        self._subscriptions.clear()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["EventBus"]:
        cleanup = asyncio.create_task(self.run(), name="bus: cleanup")
        try:
            yield self
        finally:
            cleanup.cancel()
            await asyncio.wait({cleanup})
            await self.shutdown()

    def _of(self, topic: str) -> list[Subscription]:
        return [one for one in self._subscriptions if one.topic == topic]

    def _check(self) -> None:
        if self._is_closed:
            raise BusClosedError("the bus has been shut down")
