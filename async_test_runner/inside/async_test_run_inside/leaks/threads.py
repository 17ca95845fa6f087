"""Threads that a test has started and not joined. Daemon threads say of themselves that nobody needs to."""

from __future__ import annotations

import functools
import sys
import threading
import time
import weakref
from collections.abc import Callable
from threading import enumerate as alive  # as they are now: tests put something else in their places
from typing import Any

from ..hangs.makers import Made, maker
from .found import Leak, code_place, frame_place, made_place, own_frame

_SETTLE = 0.2  # seconds in which those that are about to end may do so
_monotonic = time.monotonic


class Threads:
    """The threads of this process."""

    def __init__(self) -> None:
        self._known: list[threading.Thread] = alive()

    def differs(self) -> bool:
        """Whether others run than when it last looked."""
        return alive() != self._known

    def news(
        self, *, settle: bool, is_excused: Callable[[threading.Thread], bool] = lambda thread: False
    ) -> list[Leak]:
        """Threads that were not there, but for those that work for something that lives longer."""
        now = alive()
        known = {id(thread) for thread in self._known}
        new = [thread for thread in now if id(thread) not in known and not _is_free(thread) and not is_excused(thread)]
        if settle:
            _join(new)
        self._known = alive()
        return [_leak(thread) for thread in new if thread.is_alive()]


def _is_free(thread: threading.Thread) -> bool:
    """Nobody needs to join it; a dummy stands for one that somebody else has started, a library in C for example."""
    return bool(thread.daemon) or isinstance(thread, threading._DummyThread)


def _join(threads: list[threading.Thread]) -> None:
    end = _monotonic() + _SETTLE
    for thread in threads:
        threading.Thread.join(thread, max(0.0, end - _monotonic()))


def _leak(thread: threading.Thread) -> Leak:
    where = made_place(_made.get(thread)) or _code(thread)
    frame = own_frame(sys._current_frames().get(thread.ident or 0))
    at = f", now at {frame_place(frame)}" if frame is not None else ""
    return Leak("threads", f"thread {thread.name}{at}", where, lambda: not thread.is_alive())


def _code(thread: threading.Thread) -> str:
    target: Any = getattr(thread, "_target", None)
    return code_place(target) if target is not None else code_place(type(thread).run)


_made: weakref.WeakKeyDictionary[threading.Thread, Made] = weakref.WeakKeyDictionary()


def watch() -> None:
    """From now on it is remembered which line of the code under test made a thread."""
    original = threading.Thread.__init__
    if getattr(original, "__wrapped__", None) is not None:
        return

    @functools.wraps(original)
    def __init__(self: threading.Thread, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it takes that place
        original(self, *args, **kwargs)
        made = maker(sys._getframe(1))
        if made is not None:
            _made[self] = made

    threading.Thread.__init__ = __init__  # type: ignore[method-assign]


def holding() -> list[str]:
    """Threads that will keep this process from ending, and where they are."""
    others = [thread for thread in alive() if not _is_free(thread) and thread is not threading.main_thread()]
    return [_leak(thread).what for thread in others]
