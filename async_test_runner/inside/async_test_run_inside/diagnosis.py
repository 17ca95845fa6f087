"""What a process can say about itself when the runner asks: the stacks, and what every asyncio task waits for.

The runner sends one signal. `faulthandler` answers in C, without the GIL, so a thread that blocks in C is shown too;
then Python's own handler, as soon as Python runs again, writes the await chains and calls back.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, TextIO


def dump_signal() -> int | None:
    """The signal that asks for a dump: a real-time one, which tests hardly use; SIGUSR2 elsewhere; None on Windows."""
    realtime = getattr(signal, "SIGRTMIN", None)
    if realtime is not None:
        return int(realtime) + 7
    return getattr(signal, "SIGUSR2", None)


_files: list[TextIO] = []  # faulthandler keeps the descriptor only: the file must live as long as the process


def install(directory: str, name: str, callback: Callable[[str], None] | None) -> int | None:
    """Answer the dump signal by writing ``dump-<name>.txt``; ``callback`` gets the await chains. Returns the signal."""
    number = dump_signal()
    if number is None:
        return None
    file = open(os.path.join(directory, f"dump-{name}.txt"), "a", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    _files.append(file)

    def handle(_signum: int, _frame: types.FrameType | None) -> None:
        __tracebackhide__ = True
        text = tasks()
        file.write(text)
        file.flush()
        if callback is not None:
            callback(text)

    faulthandler.unregister(number)  # once registered it would not take its place in front of the new handler again
    signal.signal(number, handle)
    faulthandler.register(number, file=file, all_threads=True, chain=True)
    return number


def tasks() -> str:
    """For every task of the event loop that runs in this thread: its name and its await chain, outermost first."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return ""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return ""
    lines = []
    for task in sorted(asyncio.all_tasks(loop), key=lambda task: str(task.get_name())):
        lines.append(f"task {task.get_name()} waits in")
        lines += [f"    {place}" for place in await_chain(task.get_coro())]
    return "\n".join(lines) + "\n" if lines else ""


def await_chain(awaitable: Any) -> Iterator[str]:
    """``file:line in function`` for each frame between a coroutine and what it waits for in the end."""
    for _ in range(100):  # a chain is a list; the bound is for objects that lie
        for frame_name, next_name in (("cr_frame", "cr_await"), ("ag_frame", "ag_await"), ("gi_frame", "gi_yieldfrom")):
            frame = getattr(awaitable, frame_name, None)
            if frame is not None:
                yield f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
                awaitable = getattr(awaitable, next_name, None)
                break
        else:
            if awaitable is not None:
                yield f"-> {type(awaitable).__module__}.{type(awaitable).__qualname__}"
            return
