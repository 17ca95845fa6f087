"""Await chains: from a coroutine down to what it waits for in the end."""

from __future__ import annotations

import gc
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType, MethodType
from typing import Any, NamedTuple

from . import stacks
from .bounds import Look

_MOST = 20_000  # links that are followed; a chain is a list, but objects may lie
_WRAPPERS = ("coroutine_wrapper", "async_generator_asend", "async_generator_athrow", "anext_awaitable", "FutureIter")


class Chain(NamedTuple):
    """``frames`` outermost first; ``links`` are their coroutines; ``leaf`` is what the last one waits for, or None."""

    frames: list[FrameType]
    links: list[Any]
    leaf: Any


def follow(awaitable: Any, look: Look) -> Chain:
    """The chain that begins with a coroutine, a generator of any kind; of a long one the middle is left out."""
    steps: list[tuple[Any, FrameType]] = []
    for _ in range(_MOST):
        frame, following = _step(awaitable)
        if frame is not None:
            steps.append((awaitable, frame))
        elif following is None:
            break
        awaitable = following
        if awaitable is None:
            break
    look.count("links", len(steps))
    steps = _shortened(steps, look)
    found = [each for _, frame in steps for each in (frame, *_greenlet(frame, look))]
    return Chain(found, [link for link, _ in steps], _future_behind(found, awaitable))


def _shortened(steps: list[tuple[Any, FrameType]], look: Look) -> list[tuple[Any, FrameType]]:
    if len(steps) <= stacks.DEEP:
        return steps
    look.leave_out("frames", f"a stack or chain is {len(steps):,} deep: its middle was left out")
    kept = {id(frame) for frame in stacks.shortened([frame for _, frame in steps])}
    return [step for step in steps if id(step[1]) in kept]


def _step(awaitable: Any) -> tuple[FrameType | None, Any]:
    """The frame of an awaitable, and what it waits for itself."""
    cls = type(awaitable)
    if cls is CoroutineType:
        return awaitable.cr_frame, awaitable.cr_await
    if cls is AsyncGeneratorType:
        return awaitable.ag_frame, awaitable.ag_await
    if cls is GeneratorType:
        return awaitable.gi_frame, awaitable.gi_yieldfrom
    if _is_compiled(awaitable) and cls.__name__ not in _WRAPPERS:
        return getattr(awaitable, "cr_frame", None), getattr(awaitable, "cr_await", None)
    return None, _wrapped(awaitable)


def _is_compiled(awaitable: Any) -> bool:
    """Coroutines that Cython has compiled have the attributes, under types of their own."""
    return type(awaitable).__module__.startswith("_cython")


def _wrapped(awaitable: Any) -> Any:
    """What one of the interpreter's own wrappers holds; they have no attribute that would say it."""
    if type(awaitable).__name__ not in _WRAPPERS:
        return None
    for referent in gc.get_referents(awaitable):
        known = type(referent) in (CoroutineType, AsyncGeneratorType, GeneratorType)
        if known or is_future(referent) or type(referent).__name__ in _WRAPPERS or _is_compiled(referent):
            return referent
    return None


def is_future(value: Any) -> bool:
    """Whether a value is a future of asyncio, in C or in Python."""
    return any(cls.__module__ in ("_asyncio", "asyncio.futures") for cls in type(value).__mro__)


def _future_behind(found: list[FrameType], leaf: Any) -> Any:
    """`asyncio.futures.Future` is awaited through a generator of Python's: the future is in its frame."""
    if leaf is None and found and stacks.is_at(found[-1], "asyncio/futures.py", "Future.__await__"):
        return stacks.local(found[-1], "self")
    return leaf


def _greenlet(frame: FrameType, look: Look) -> list[FrameType]:
    """SQLAlchemy runs ordinary functions in a greenlet, which awaits through this frame: what they are at."""
    if frame.f_code.co_name != "greenlet_spawn":
        return []
    context = stacks.local(frame, "context")
    if not any(cls.__name__ == "greenlet" for cls in type(context).__mro__):
        return []
    return stacks.frames(getattr(context, "gr_frame", None), look)


def entered(link: Any) -> list[Any]:
    """The context managers that a suspended coroutine has entered, or is about to enter.

    Their ``__aexit__`` lies on its stack: the only trace there is of who holds a lock.
    """
    methods = [referent for referent in gc.get_referents(link) if type(referent) is MethodType]
    return [method.__self__ for method in methods if method.__func__.__name__ in ("__aexit__", "__exit__")]
