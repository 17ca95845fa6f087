"""Background tasks that surely end, waiting for a condition, and deadlines that say where the time went."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from .chains import await_chain

T = TypeVar("T")

ENDING = 5.0  # seconds that cancelled tasks have to end


class DeadlineExceededError(TimeoutError):
    """An awaitable took longer than it may; the text shows where it was waiting."""


class TasksLeftError(AssertionError):
    """Tasks were left that do not end, or that ended with an error which nobody saw."""


# ----------------------------------------------------------------------------------------------------------- deadlines


async def deadline(awaitable: Awaitable[T], seconds: float, what: str = "") -> T:
    """The result of ``awaitable``; after ``seconds`` it is cancelled, and the error shows the chain of its awaits."""
    task = asyncio.ensure_future(awaitable)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _cancel([task], ENDING)
        raise
    if done:
        return task.result()
    chain = await_chain(task)
    left = await _cancel([task], ENDING)
    ignored = f"\nit was cancelled and did not end within {ENDING:g} s" if left else ""
    raise DeadlineExceededError(
        f"{what or _name(task)} did not end within {seconds:g} s; it was waiting here:\n{chain}{ignored}"
    )


def _name(task: asyncio.Future[Any]) -> str:
    coroutine = task.get_coro() if isinstance(task, asyncio.Task) else None
    return getattr(coroutine, "__qualname__", None) or type(task).__name__


async def _cancel(tasks: Iterable[asyncio.Future[Any]], seconds: float) -> set[asyncio.Future[Any]]:
    """Cancel, wait, and return those that did not end. Errors of the ended stay in them."""
    waiting = [task for task in tasks if not task.done()]
    for task in waiting:
        task.cancel()
    if not waiting:
        return set()
    ended, left = await asyncio.wait(waiting, timeout=seconds)
    for task in ended:
        if not task.cancelled():
            task.exception()  # read, so that nobody reports it as lost: the future of a gather ends with one
    return left


# ---------------------------------------------------------------------------------------------------------- eventually


async def eventually(
    condition: Callable[[], T | Awaitable[T]], timeout: float = 5.0, interval: float = 0.01, what: str = ""
) -> T:
    """What ``condition`` returns as soon as that is true; it may be a coroutine function, and may use ``assert``.

    The time is the event loop's own, so that a virtual clock shortens the waiting.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    tries = 0
    while True:
        tries += 1
        seen, answer, error = await _try(condition, end - loop.time())
        if seen and answer:
            return answer  # type: ignore[no-any-return]
        if loop.time() >= end:
            last = f"the last answer was {answer!r}" if seen else f"the last try raised {type(error).__name__}: {error}"
            name = what or _description(condition)
            raise AssertionError(f"{name} did not come true within {timeout:g} s ({tries} tries); {last}") from error
        await asyncio.sleep(min(interval, max(0.0, end - loop.time())))


async def _try(condition: Callable[[], T | Awaitable[T]], seconds: float) -> tuple[bool, Any, Exception | None]:
    """Whether the condition gave an answer, the answer, and the failed ``assert`` that it had instead."""
    try:
        answer = condition()
        if inspect.isawaitable(answer):
            answer = await deadline(answer, max(seconds, 0.001))
    except (AssertionError, DeadlineExceededError) as error:
        return False, None, error
    return True, answer, None


def _description(condition: Callable[[], Any]) -> str:
    name = getattr(condition, "__qualname__", repr(condition))
    if "<lambda>" not in name:
        return name
    try:
        return inspect.getsource(condition).strip()
    except (OSError, TypeError):
        return name


# ------------------------------------------------------------------------------------------------------ tasks that end


class Spawner:
    """Starts background tasks that end with the test: ``task = spawned(worker())``."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._tasks: list[asyncio.Task[Any]] = []

    def __call__(self, coroutine: Coroutine[Any, Any, T], *, name: str | None = None) -> asyncio.Task[T]:
        task = self._loop.create_task(coroutine, name=name)
        self._tasks.append(task)
        return task

    async def end(self, seconds: float = ENDING) -> None:
        """Cancel and await them all. One that failed, or does not end, is an error: the test did not see it."""
        left = await _cancel(self._tasks, seconds)
        _complain([task for task in self._tasks if task not in left], left, seconds)


@asynccontextmanager
async def tasks_ended(seconds: float = ENDING) -> AsyncIterator[None]:
    """At its end, tasks that the block has started are cancelled and awaited; one that does not end is an error."""
    before = asyncio.all_tasks()
    yield
    await end_tasks(asyncio.all_tasks() - before, seconds)


async def end_tasks(tasks: set[asyncio.Task[Any]], seconds: float = ENDING) -> None:
    """Cancel and await tasks, but the one that runs this."""
    ending = [task for task in tasks if task is not asyncio.current_task()]
    left = await _cancel(ending, seconds)
    _complain([task for task in ending if task not in left], left, seconds)


def _complain(ended: Iterable[asyncio.Future[Any]], left: Iterable[asyncio.Future[Any]], seconds: float) -> None:
    late = f"was cancelled and did not end within {seconds:g} s"
    stuck = [f"{_label(task)} {late}:\n{await_chain(task)}" for task in left]
    # Reading the exception also keeps asyncio from reporting it as lost, later and in another test.
    failures = [(task, task.exception()) for task in ended if not task.cancelled()]
    failed = [(task, error) for task, error in failures if error is not None]
    lines = [*stuck, *(f"{_label(task)} failed: {type(error).__name__}: {error}" for task, error in failed)]
    if lines:
        raise TasksLeftError("\n".join(lines)) from (failed[0][1] if failed else None)


def _label(task: asyncio.Future[Any]) -> str:
    name = task.get_name() if isinstance(task, asyncio.Task) else "future"
    return f"{name} ({_name(task)})"
