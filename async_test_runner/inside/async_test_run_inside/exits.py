"""What is to happen at the end of a process is not for its forks to do: a directory of all is removed once, at last."""

from __future__ import annotations

import atexit
import logging
import sys
import weakref
from typing import Any


def forget() -> None:
    """In a fork that ends as a process does: run nothing at its end that was registered before the fork.

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
    atexit.register(logging.shutdown)
    for handler in _of_this_process():
        atexit.register(handler)


def _of_this_process() -> list[Any]:
    multiprocessing = getattr(sys.modules.get("multiprocessing.util"), "_exit_function", None)
    measuring = getattr(getattr(sys.modules.get("coverage"), "Coverage", None), "current", lambda: None)()
    return [handler for handler in (multiprocessing, getattr(measuring, "_atexit", None)) if handler is not None]
