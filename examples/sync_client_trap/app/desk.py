"""Work that is done one after another, by one task."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Desk:
    """Queues jobs. They are done while ``open()`` is entered; before that they wait."""

    def __init__(self) -> None:
        self._jobs: asyncio.Queue[tuple[Callable[[], Awaitable[Any]], asyncio.Future[Any]]] = asyncio.Queue()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        clerk = asyncio.create_task(self._work(), name="clerk")
        try:
            yield
        finally:
            clerk.cancel()
            await asyncio.wait({clerk})

    async def do(self, job: Callable[[], Awaitable[T]]) -> T:
        """The result of ``job``, when its turn has come."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait((job, done))
        return await done

    async def _work(self) -> None:
        while True:
            job, done = await self._jobs.get()
            if done.cancelled():  # nobody waits any more: a client that has gone
                continue
            try:
                result = await job()
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked for the job
                if not done.cancelled():
                    done.set_exception(error)
            else:
                if not done.cancelled():
                    done.set_result(result)
