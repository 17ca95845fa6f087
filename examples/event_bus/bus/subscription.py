"""One who listens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from bus.errors import SubscriptionEndedError

log = logging.getLogger(__name__)

Handler = Callable[[Any], Awaitable[None]]


class Subscription:
    """Events for one handler, one after another, in a task of its own: a slow handler makes nobody else wait."""

    def __init__(self, topic: str, handler: Handler, *, expires: float | None, max_errors: int, pause: float) -> None:
        self.topic = topic
        self.handled = 0
        self.reason = ""
        self._handler = handler
        self._expires = expires
        self._max_errors = max_errors
        self._pause = pause
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._task = asyncio.create_task(self._work(), name=f"bus: {topic}")

    @property
    def is_active(self) -> bool:
        return not self._task.done()

    def is_expired(self, now: float) -> bool:
        return self._expires is not None and self._expires <= now

    def offer(self, event: Any) -> None:
        if not self.is_active:
            raise SubscriptionEndedError(f"no more events on {self.topic!r}: {self.reason}")
        self._events.put_nowait(event)

    async def drained(self) -> None:
        """Returns when every event so far has been handled, or there is nobody left to do so."""
        done = asyncio.ensure_future(self._events.join())
        await asyncio.wait({done, self._task}, return_when=asyncio.FIRST_COMPLETED)
        done.cancel()

    async def end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _work(self) -> None:
        """An event that cannot be handled is dropped; so many in a row, with growing pauses, end the subscription.

        Without that bound a broken handler would be called for ever, and fill the log instead of the disk.
        """
        errors = 0
        while errors < self._max_errors:
            event = await self._events.get()
            try:
                await self._handler(event)
            except Exception:  # a handler may raise anything
                errors += 1
                log.exception("a handler of %r failed (%d of %d)", self.topic, errors, self._max_errors)
                await asyncio.sleep(self._pause * 2 ** (errors - 1))
            else:
                errors = 0
                self.handled += 1
            finally:
                self._events.task_done()
        self.reason = f"its handler failed {errors} times in a row"
