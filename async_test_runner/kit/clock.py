"""A clock that jumps: what sleeps for hours is tested in milliseconds, without a patch of ``asyncio.sleep``.

Only the event loop's clock is virtual: ``asyncio.sleep``, ``timeout``, ``wait_for`` and ``call_later``. ``time.time()``
and ``time.monotonic()`` stay as they are.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import KitError

SETTLING = 0.02  # seconds of real time in which a thread or a socket may answer before the clock jumps


class VirtualClock:
    """The clock of a loop. It stands still while something runs, and jumps when all that is left is waiting."""

    def __init__(self, start: float, settle: float = SETTLING) -> None:
        self._start = start
        self._now = start
        self.settle = settle

    def time(self) -> float:
        """The loop's time."""
        return self._now

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was put in."""
        return self._now - self._start

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass, with all that falls due in them."""
        await asyncio.sleep(seconds)

    def jump(self, seconds: float) -> None:
        self._now += seconds


@contextmanager
def virtual_time(loop: asyncio.AbstractEventLoop, *, settle: float = SETTLING) -> Iterator[VirtualClock]:
    """Put a virtual clock into a loop for a while."""
    selector: Any = getattr(loop, "_selector", None)
    if selector is None:
        raise KitError(
            f"a virtual clock needs one of asyncio's own event loops, and this is {type(loop).__module__}",
            "run this test on asyncio's loop, without uvloop",
        )
    clock = VirtualClock(loop.time(), settle)
    select = selector.select
    own = len(selector.get_map())  # the loop's own wake-up socket

    def jumping(timeout: float | None = None) -> Any:
        events = select(0)
        if events or timeout == 0:
            return events
        if timeout is None:
            return select(None)
        if threading.active_count() > 1 or len(selector.get_map()) > own:
            # Somebody else may be about to answer: a database in its thread, a peer on a socket.
            events = select(min(timeout, clock.settle))
        if not events:
            clock.jump(timeout)
        return events

    selector.select = jumping
    loop.time = clock.time  # type: ignore[method-assign]
    try:
        yield clock
    finally:
        del selector.select
        del loop.time
