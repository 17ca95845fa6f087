"""The lifespan of an ASGI application, run as a server runs it: in one task of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from .errors import KitError
from .tasks import ENDING, deadline

STARTING = 30.0  # seconds that an application may take to start


class Lifespan:
    """Starts and stops an application. ``state`` is what it hands to its requests."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._refusal: str | None = None

    async def start(self) -> None:
        """Returns when the application has started. One that knows no lifespan has nothing to start."""
        self._task = asyncio.create_task(self._run(), name="lifespan")
        self._to_app.put_nowait({"type": "lifespan.startup"})
        try:
            await deadline(asyncio.shield(self._started), STARTING, "the application's start")
        except BaseException as error:
            await _ended(self._task, error)
            raise

    async def stop(self) -> None:
        """Ask the application to stop, and wait. What its shutdown raises is raised here."""
        assert self._task is not None
        if not self._task.done():
            self._to_app.put_nowait({"type": "lifespan.shutdown"})
            await deadline(self._task, STARTING, "the application's shutdown")
        self._task.result()
        if self._stopped.done():
            self._stopped.result()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._to_app.get, self._hear)
        except Exception as error:
            if self._started.done():
                raise
            # As servers do: an application that answers nothing but an error to this scope has no lifespan. One whose
            # start failed has said so, as Starlette does before it raises what the start raised.
            if self._refusal is None and _speaks_of_the_scope(error):
                self._started.set_result(None)
            else:
                self._started.set_exception(error)
        else:
            if self._started.done():
                return
            if self._refusal is None:
                self._started.set_result(None)
            else:
                self._started.set_exception(KitError(f"the application did not start:\n{self._refusal}"))

    async def _hear(self, message: Any) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._started.set_result(None)
            case "lifespan.shutdown.complete":
                self._stopped.set_result(None)
            case "lifespan.shutdown.failed":
                self._stopped.set_exception(
                    KitError(f"the application's shutdown failed:\n{message.get('message', '')}")
                )
            case "lifespan.startup.failed":
                self._refusal = str(message.get("message", ""))


async def _ended(task: asyncio.Task[None], reason: BaseException) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=ENDING)
    if task.done() and not task.cancelled() and task.exception() is not None:
        reason.__context__ = task.exception()


def _speaks_of_the_scope(error: Exception) -> bool:
    return isinstance(error, (AssertionError, KeyError, NotImplementedError)) or "lifespan" in str(error)
