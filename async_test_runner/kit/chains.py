"""Where a coroutine waits: the chain of awaits from the outermost coroutine down to what it is waiting for.

A hung ``await`` shows no user frame in an ordinary traceback: the loop is idle, and the frames hang below the task.
"""

from __future__ import annotations

import asyncio
import linecache
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

_DEEPEST = 50  # links; a chain that is longer repeats itself


def await_chain(waiting: Any) -> str:
    """The chain of a task, coroutine or future: one ``file:line in function`` and its source per await."""
    return "\n".join(_links(waiting, 0, set())) or "  (not started, or already ended)"


def _links(waiting: Any, depth: int, seen: set[int]) -> Iterator[str]:
    while waiting is not None and depth < _DEEPEST and id(waiting) not in seen:
        seen.add(id(waiting))
        depth += 1
        if isinstance(waiting, asyncio.Task):
            if waiting.done():
                yield f"  {_named(waiting)}, which has ended"
                return
            yield f"  task {waiting.get_name()}"
            waiting = waiting.get_coro()
        elif isinstance(waiting, asyncio.Future):
            yield from _future(waiting, depth, seen)
            return
        else:
            frame, inner = _frame(waiting)
            if frame is not None:
                yield _line(frame)
            elif (code := _code(waiting)) is not None:
                yield f"  {code.co_filename}:{code.co_firstlineno} in {code.co_name} (not started, or ended)"
            waiting = inner


def _future(future: asyncio.Future[Any], depth: int, seen: set[int]) -> Iterator[str]:
    """A future by itself says nothing; one of ``gather`` knows for whom it waits."""
    children = getattr(future, "_children", None)
    if not children:
        yield f"  waiting for {_named(future)}"
        return
    waiting = [child for child in children if not child.done()]
    yield f"  gathering {len(children)}, of which {len(waiting)} have not ended:"
    for child in waiting[:3]:
        yield from (f"  {line}" for line in _links(child, depth, seen))


def _named(future: asyncio.Future[Any]) -> str:
    return f"task {future.get_name()}" if isinstance(future, asyncio.Task) else f"a {type(future).__name__}"


def _frame(waiting: Any) -> tuple[FrameType | None, Any]:
    """The frame of a coroutine, generator or async generator's step, and what it awaits in turn."""
    for kind in ("cr", "gi", "ag"):
        frame = getattr(waiting, f"{kind}_frame", None)
        if frame is not None:
            inner = getattr(waiting, {"cr": "cr_await", "gi": "gi_yieldfrom", "ag": "ag_await"}[kind])
            return frame, inner
    # What `await future` iterates over, and the steps of an async generator, are objects that only the collector can
    # look into.
    return None, _hidden(waiting)


def _hidden(waiting: Any) -> Any:
    import gc

    if _code(waiting) is not None:
        return None
    for found in gc.get_referents(waiting):
        if isinstance(found, asyncio.Future) or hasattr(found, "ag_frame") or hasattr(found, "cr_frame"):
            return found
    return None


def _code(waiting: Any) -> CodeType | None:
    return getattr(waiting, "cr_code", None) or getattr(waiting, "gi_code", None)


def _line(frame: FrameType) -> str:
    code, number = frame.f_code, frame.f_lineno
    source = linecache.getline(code.co_filename, number).strip()
    return f"  {code.co_filename}:{number} in {code.co_name}" + (f"\n      {source}" if source else "")
