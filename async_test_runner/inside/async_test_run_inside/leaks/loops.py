"""What a test leaves in asyncio: tasks, exceptions that nobody asked for, loops and asynchronous generators.

Most of it is gone when the test is over: the loop's end cancels the tasks, a destructor tells a log that nobody reads.
So the moments in which that happens are watched: ``Runner.close``, ``BaseEventLoop.close`` and
``BaseEventLoop.call_exception_handler`` are wrapped. What `asyncio.run` cancels in a test is no leak: the test has
asked for that. What a framework's loop cancels behind the test's back is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import threading
import traceback
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..hangs import ages
from ..hangs.makers import is_library, is_of_tests
from .births import Birth, Births
from .found import Leak, code_place, frame_place, made_place, message_of, module_of, shown

_MOST_TOLD = 10_000
_RUN = asyncio.run.__code__
# Who closes a runner inside the call of a test without the test's having asked for it.
_CLOSERS = (("pytest_asyncio", ""), ("anyio", "TestRunner"), ("unittest", ""), ("pytest_aiohttp", ""), ("aiohttp", ""))


class Loops:
    """The event loops of this process, and what is left in them."""

    def __init__(self, births: list[Births], place_of: Callable[[object], str]) -> None:
        self._births = births
        self._place_of = place_of  # where a client was made
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()  # tasks and generators that were told, or are nobody's
        self._said: list[tuple[str, Leak]] = []  # what came up in between, with the test whose loop it was
        self.owner = ""
        self._told: set[tuple[str, str]] = set()
        _before(asyncio.Runner, "close", self._on_runner_close)
        _before(asyncio.BaseEventLoop, "close", self._on_loop_close)
        _before(asyncio.BaseEventLoop, "call_exception_handler", self._on_exception)

    # ------------------------------------------------------------------------------------------------------ moments

    def _on_runner_close(self, runner: Any) -> None:
        loop = getattr(runner, "_loop", None)
        if loop is None or threading.current_thread() is not threading.main_thread():
            return
        if loop.is_closed() or not self._closed_by_framework():
            self._known.update(_pending(loop))
            return
        for leak in self._in_loop(loop):
            self._say(loop, leak)

    def _closed_by_framework(self) -> bool:
        frame: types.FrameType | None = sys._getframe(3)
        while frame is not None and module_of(frame) in ("asyncio", "contextlib", "async_test_run_inside"):
            if frame.f_code is _RUN:
                return False
            frame = frame.f_back
        if frame is None:
            return False
        package, name = module_of(frame), frame.f_code.co_qualname
        if package == "anyio" and not name.startswith("TestRunner"):
            return False  # anyio.run, which a test has called
        return any(package == p and name.startswith(n) for p, n in _CLOSERS) or not _in_call(frame)

    def _on_loop_close(self, loop: Any) -> None:
        birth = self._birth(loop)
        if birth is not None and not loop.is_closed():
            birth.ended = not _called_by_destructor()
        for leak in self._tasks(loop, "its loop was closed"):
            self._say(loop, leak)

    def _on_exception(self, loop: Any, context: dict[str, Any]) -> None:
        if loop.get_exception_handler() is None:  # else somebody has asked to be told
            leak = _context_leak(context, self._place_of)
            if leak is not None and (leak.kind != "tasks" or self._remember(context["task"])):
                self._say(loop, leak)

    def _say(self, loop: Any, leak: Leak) -> None:
        birth = self._birth(loop)
        self._said.append((birth.owner if birth is not None and birth.owner else self.owner, leak))

    def _birth(self, loop: Any) -> Birth | None:
        births = (birth for births in self._births for birth in (*reversed(births.new), *reversed(births.old)))
        return next((birth for birth in births if birth.number == id(loop)), None)

    # -------------------------------------------------------------------------------------------------------- looks

    def differs(self) -> bool:
        """Whether there is a loop that was there before, or something was said."""
        return bool(self._said or self._births[0].old or self._births[1].old)

    def news(self) -> list[tuple[str, Leak]]:
        """What is left, with the test that left it: what came up since the last look may be an earlier one's."""
        found, self._said = self._said, []
        for births in self._births:
            for birth in births.take():
                found += [(self.owner, leak) for leak in self._of_birth(birth)]
            births.old = [birth for birth in births.old if not _is_over(birth)]
            for loop in births.living():
                if not loop.is_running():
                    found += [(self.owner, leak) for leak in self._in_loop(loop)]
        return found

    def _of_birth(self, birth: Birth) -> Iterable[Leak]:
        loop: Any = birth.ref()
        if birth.is_machinery or birth.ended or (loop is not None and loop.is_closed()):
            return
        gone = "; the garbage collector closed it" if loop is None else ""
        yield Leak("loops", f"event loop{gone}", birth.where, _closed(birth))

    def _in_loop(self, loop: Any) -> Iterable[Leak]:
        yield from self._tasks(loop, "")
        for generator in list(getattr(loop, "_asyncgens", ())):
            if generator not in self._known and _is_of_tests(generator):
                self._known.add(generator)
                yield _generator_leak(generator)

    def _tasks(self, loop: Any, more: str) -> Iterator[Leak]:
        for task in _pending(loop):
            if task not in self._known:
                self._known.add(task)
                self._remember(task)
                yield _task_leak(task, more)

    def _remember(self, task: Any) -> bool:
        """False for one that was told already: when it is destroyed nothing refers to it any more."""
        key = (str(task.get_name()), _code(task.get_coro(), "cr_code"))
        if key in self._told:
            return False
        if len(self._told) < _MOST_TOLD:
            self._told.add(key)
        return True

    def excuses_thread(self, thread: threading.Thread) -> bool:
        """Whether it is of the pool of a loop that was there before the test, and ends with it."""
        pooled = thread.name.startswith(("asyncio_", "AnyIO worker thread"))
        return pooled and any(not loop.is_closed() for births in self._births for loop in births.living())

    def descriptors(self) -> set[int]:
        """Those that the loops themselves need: a loop that was left is told once, without them."""
        found = set()
        for births in self._births:
            for birth in (*births.old, *births.new):
                loop = birth.ref()
                for name in ("_selector", "_ssock", "_csock"):
                    found.add(_fileno(getattr(loop, name, None)))
        return found


def _before(cls: Any, name: str, look: Callable[..., None]) -> None:
    original = getattr(cls, name)

    @functools.wraps(original)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(Exception):  # loops of all kinds come by here, half made and half gone
            look(self, *args, **kwargs)
        return original(self, *args, **kwargs)

    setattr(cls, name, wrapped)


def _in_call(frame: types.FrameType | None) -> bool:
    """Whether the test itself runs, not one of its fixtures."""
    while frame is not None and frame.f_code.co_name != "pytest_runtest_call":
        frame = frame.f_back
    return frame is not None


def _called_by_destructor() -> bool:
    frame: types.FrameType | None = sys._getframe(2)
    for _ in range(5):
        if frame is None or frame.f_code.co_name == "__del__":
            return frame is not None
        frame = frame.f_back
    return False


def _is_over(birth: Birth) -> bool:
    loop: Any = birth.ref()
    return loop is None or bool(loop.is_closed())


def _closed(birth: Birth) -> Callable[[], bool]:
    return lambda: _is_over(birth)


def _fileno(thing: Any) -> int:
    try:
        return int(thing.fileno())
    except Exception:  # noqa: BLE001 - closed, or none at all
        return -1


def _pending(loop: Any) -> list[Any]:
    """Tasks that wait; those of what runs tests are its own, and one that closes a generator is no coroutine's."""
    found = []
    for task in asyncio.all_tasks(loop):
        code = getattr(task.get_coro(), "cr_code", None)
        if code is not None and not _is_machinery(code.co_filename):
            found.append(task)
    return sorted(found, key=lambda task: str(task.get_name()))


def _is_machinery(path: str) -> bool:
    return any(part in path for part in ("/anyio/", "/pytest_asyncio/", "/unittest/", "/pytest_aiohttp/"))


def _task_leak(task: Any, more: str) -> Leak:
    coroutine = task.get_coro()
    frame = _innermost(coroutine)
    at = f", waits at {frame_place(frame)}" if frame is not None else ""
    what = f"task {task.get_name()} still pending{at}{'; ' + more if more else ''}"
    return Leak("tasks", what, _made(task), task.done)


def _made(task: Any) -> str:
    """The line that made a task; that of its coroutine where nobody saw it, as in loops of another kind."""
    return made_place(ages.made(task)) or _code(task.get_coro(), "cr_code")


def _innermost(coroutine: Any) -> types.FrameType | None:
    """The last frame of the code under test in a chain of awaits."""
    found = None
    for _ in range(100):
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "ag_frame", None)
        if frame is None:
            return found
        if found is None or module_of(frame) != "asyncio":
            found = frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None)
    return found


def _code(thing: Any, name: str) -> str:
    code = getattr(thing, name, None)
    if code is None:
        return ""
    return f"{shown(code.co_filename)}:{code.co_firstlineno} in {code.co_qualname}"


def _is_of_tests(generator: Any) -> bool:
    """Whether it is still open, and was written by those who can close it: a library's is closed by its loop."""
    return generator.ag_frame is not None and not is_library(generator.ag_code.co_filename)


def _generator_leak(generator: Any) -> Leak:
    what = f"asynchronous generator {generator.__qualname__} stopped at line {generator.ag_frame.f_lineno}"
    where = made_place(ages.begun(generator)) or _code(generator, "ag_code")
    return Leak("generators", what, where, lambda: generator.ag_frame is None)


def _context_leak(context: dict[str, Any], place_of: Callable[[object], str]) -> Leak | None:
    message = str(context.get("message", ""))
    task = context.get("task") or context.get("future")
    where = _made(task) if isinstance(task, asyncio.Task) else ""
    error = context.get("exception")
    if isinstance(error, BaseException):
        return Leak("exceptions", f"{message}: {message_of(error)}{_raised(error)}", where or _callback(context))
    if message.startswith("Task was destroyed"):
        return Leak("tasks", f"task {context['task'].get_name()} destroyed, though it was still pending", where)
    if message.startswith("Unclosed"):
        return Leak("clients", f"aiohttp: {message}", _created(context) or place_of(context.get("client_session")))
    return None


def _raised(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return f", raised at {shown(frames[-1].filename)}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""


def _callback(context: dict[str, Any]) -> str:
    handle = context.get("handle")
    callback = getattr(handle, "_callback", None)
    return code_place(callback) if callback is not None else ""


def _created(context: dict[str, Any]) -> str:
    """In debug mode, asyncio and aiohttp keep the stack in which something was made."""
    for frame in reversed(context.get("source_traceback") or ()):
        if is_of_tests(frame.filename):
            return f"{shown(frame.filename)}:{frame.lineno} in {frame.name}"
    return ""
