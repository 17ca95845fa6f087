"""What is to happen at the end of a process is not for its forks to do: a directory of all is removed once, at last.

What a fork's own tests register is. A worker runs that before it leaves, for it does not end as an interpreter does.
"""

from __future__ import annotations

import atexit
import faulthandler
import logging
import sys
import weakref
from typing import Any


def forget(keep_coverage: bool = True) -> None:
    """In a fork: run nothing at its end that was registered before the fork.

    Kept is what looks after this process only: buffers of handlers, children of multiprocessing, measured coverage.
    """
    clear = getattr(atexit, "_clear", None)
    if clear is None:  # no other Python than CPython has it
        return
    registry: dict[Any, Any] = getattr(weakref.finalize, "_registry", {})
    for finalizer in list(registry):
        finalizer.detach()  # those of temporary directories among them: modules go at the end, too
    clear()
    finalize: Any = weakref.finalize
    finalize._registered_with_atexit = False  # the next one registers again
    children = getattr(sys.modules.get("multiprocessing.process"), "_children", None)
    if isinstance(children, set):
        children.clear()  # of the process before the fork: it would end them
    atexit.register(logging.shutdown)
    multiprocessing = getattr(sys.modules.get("multiprocessing.util"), "_exit_function", None)
    coverage = _coverage() if keep_coverage else None
    for handler in (multiprocessing, coverage):
        if handler is not None:
            atexit.register(handler)


def _coverage() -> Any:
    measuring = getattr(getattr(sys.modules.get("coverage"), "Coverage", None), "current", lambda: None)()
    return getattr(measuring, "_atexit", None)


class Exit:
    """The exit handlers of a worker: what its tests have registered since. Its coverage it may save by itself."""

    def __init__(self, saves_coverage: bool) -> None:
        forget(keep_coverage=not saves_coverage)
        self._own = _count()

    def run(self, limit: float, stacks: int) -> None:
        """Run them; after ``limit`` seconds the process ends, with 1 and its stacks written to the descriptor."""
        call = getattr(atexit, "_run_exitfuncs", None)
        if call is None:
            return
        if _count() == self._own and not _has_children():
            call()  # flushes the handlers of logging, and that is all
            return
        # a thread in C: whatever holds the interpreter, this comes
        faulthandler.dump_traceback_later(limit, exit=True, file=stacks)
        call()
        faulthandler.cancel_dump_traceback_later()


def _count() -> int:
    count = getattr(atexit, "_ncallbacks", None)
    return int(count()) if count is not None else 0


def _has_children() -> bool:
    return bool(getattr(sys.modules.get("multiprocessing.process"), "_children", None))
