"""Coroutines from code that is none: on an event loop of their own, which nobody else sees."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def blocking(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """The result of a coroutine. Where a loop is running already, a thread does it: one thread runs one loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _run(make)
    return _in_a_thread(make)


def _run(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    # Not asyncio.run: that would leave the thread without the loop that pytest-asyncio has set for it.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(make())
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _in_a_thread(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(_run(make))
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that asked
            errors.append(error)

    thread = threading.Thread(target=work, name="async-test-kit")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
