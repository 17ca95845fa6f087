"""When a task of asyncio began, and which line made it, or began with a generator: nobody else remembers."""

from __future__ import annotations

import sys
import time
import weakref
from typing import Any

from .makers import Made, maker

_NAME = "_async_test_run_began"
_MADE = "_async_test_run_made"
_caller = sys._getframe
_monotonic, _time = time.monotonic, time.time  # as they are now: tests freeze clocks
_watched: list[type] = []
_generators: weakref.WeakKeyDictionary[Any, Made] = weakref.WeakKeyDictionary()


def watch() -> None:
    """From now on each task that a loop of asyncio's own kind makes gets a stamp, and its line. Nothing is imported for
    it.
    """
    base_events = sys.modules.get("asyncio.base_events")
    loop: Any = getattr(base_events, "BaseEventLoop", None)
    if loop is None or loop in _watched:
        return
    _watched.append(loop)
    make = loop.create_task

    def create_task(self: Any, coro: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        task = make(self, coro, **options)
        try:
            setattr(task, _NAME, _monotonic())
            setattr(task, _MADE, maker(_caller(1)))
        except AttributeError:  # a task factory of the test's may make something else
            pass
        return task

    create_task.__doc__ = make.__doc__
    create_task.__qualname__ = make.__qualname__
    loop.create_task = create_task
    _watch_generators(loop)


def _watch_generators(loop: Any) -> None:
    """A loop of asyncio's own kind is told by Python of each asynchronous generator that is begun with."""
    begin = getattr(loop, "_asyncgen_firstiter_hook", None)  # private; without it the line is that of the function
    if begin is None:
        return

    def _asyncgen_firstiter_hook(self: Any, generator: Any) -> None:
        found = maker(_caller(1))
        if found is not None:
            _generators[generator] = found
        begin(self, generator)

    loop._asyncgen_firstiter_hook = _asyncgen_firstiter_hook


def begun(generator: Any) -> Made | None:
    """The line of the code under test that began with an asynchronous generator; None where it is not known."""
    return _generators.get(generator)


def age(task: Any, now: float) -> float | None:
    """Seconds since a task began; None for one that was not seen to begin."""
    try:
        began = object.__getattribute__(task, _NAME)
    except AttributeError:
        return None
    return now - began if type(began) is float else None


def made(task: Any) -> Made | None:
    """The line of the code under test that made a task; None where it is not known."""
    try:
        found = object.__getattribute__(task, _MADE)
    except AttributeError:
        return None
    return found if type(found) is Made else None


def now() -> float:
    """The clock of the stamps."""
    return _monotonic()


def replaced_clocks() -> list[str]:
    """The clocks that a test has replaced."""
    originals = {"monotonic": _monotonic, "time": _time}
    return [f"time.{name}" for name, original in originals.items() if getattr(time, name, None) is not original]
