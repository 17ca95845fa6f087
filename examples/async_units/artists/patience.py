"""Trying again, and remembering for a while."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


async def retrying(
    call: Callable[[], Awaitable[T]], *, on: type[Exception], tries: int = 3, first_pause: float = 1.0
) -> T:
    """The result of ``call``; after an error of this kind again, with pauses that double."""
    for attempt in range(1, tries):
        try:
            return await call()
        except on:
            await asyncio.sleep(first_pause * 2 ** (attempt - 1))
    return await call()


class Cache(Generic[T]):
    """Values by key, for ``seconds``. Who asks for a key while it is being fetched waits for the same fetch."""

    def __init__(self, fetch: Callable[[str], Awaitable[T]], seconds: float) -> None:
        self._fetch = fetch
        self._seconds = seconds
        self._known: dict[str, tuple[float, asyncio.Future[T]]] = {}

    async def get(self, key: str) -> T:
        now = asyncio.get_running_loop().time()
        until, found = self._known.get(key, (0.0, None))
        if found is None or until <= now:
            found = asyncio.ensure_future(self._fetch(key))
            found.add_done_callback(lambda done: self._forget_failure(key, done))
            self._known[key] = (now + self._seconds, found)
        return await asyncio.shield(found)  # one who stops waiting does not stop it for the others

    def _forget_failure(self, key: str, done: asyncio.Future[T]) -> None:
        """Errors are not remembered."""
        if (done.cancelled() or done.exception() is not None) and self._known.get(key, (0, None))[1] is done:
            del self._known[key]
