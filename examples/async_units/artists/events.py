"""Who wants to know what happened."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ArtistAdded:
    artist_id: int
    name: str


Listener = Callable[[ArtistAdded], Awaitable[None]]


class Events:
    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def publish(self, event: ArtistAdded) -> None:
        """To all at once. What one of them raises is logged and does not reach the others."""
        for error in await asyncio.gather(*(listener(event) for listener in self._listeners), return_exceptions=True):
            if isinstance(error, Exception):
                log.error("a listener failed on %s", event, exc_info=error)
