"""A process that is asked what it is at: this one, while a coroutine or a function of the test's runs in it."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from async_test_run_inside.hangs import asking
from async_test_run_inside.hangs.asking import Question
from async_test_run_inside.hangs.values import Report, Situation

HERE = str(Path(__file__).parent)


@contextlib.contextmanager
def listening(
    directory: Path,
    answer: Callable[[Question, Report], None],
    heard: Callable[[], object] = lambda: None,
    **situation: Any,
) -> Iterator[int]:
    """While inside, this process answers as the processes of a run do; yields the signal that asks.

    ``heard`` is called when a report is about to be made.
    """

    def situation_now() -> Situation:
        heard()
        return Situation(**situation)

    signals = asking.signals()
    assert signals.python is not None
    before = signal.getsignal(signals.python)
    asking.install(str(directory), "main", situation_now, answer, root=HERE)
    try:
        yield signals.python
    finally:
        signal.signal(signals.python, before or signal.SIG_DFL)
        if signals.c is not None:
            faulthandler.unregister(signals.c)
            asking._files.pop().close()


def asked_during(
    directory: Path, run: Callable[[], object], end: Callable[[], object], until: str, **situation: Any
) -> Report:
    """Ask again and again while ``run`` runs, until a report holds ``until``; then ``end`` ends it."""
    heard: list[Report] = []
    making, answered = threading.Event(), threading.Event()
    over = threading.Event()

    def is_meant(report: Report) -> bool:
        # trio's own task may be the one at work when the signal comes: then it is the likely one, for that moment
        return _holds(report.text, until) and "run_sync_soon task" not in report.likely

    def answer(_asked: Question, report: Report) -> None:
        heard.append(report)
        making.clear()
        answered.set()

    def ask(number: int) -> None:
        while not over.is_set() and not (heard and is_meant(heard[-1])) and len(heard) < 500:
            answered.clear()
            os.kill(os.getpid(), number)
            # A signal just before a system call waits for the next one: in a run the second signal takes its place.
            # None comes while a report is made, which may take longer: the test would get no further for reporting.
            while not answered.wait(0.1) and not over.is_set():
                if not making.is_set():
                    os.kill(os.getpid(), number)
        end()

    with listening(directory, answer, making.set, **situation) as number:
        asker = threading.Thread(target=ask, args=(number,), name="asker", daemon=True)
        asker.start()
        try:
            run()
        finally:
            over.set()
            asker.join()
    found = [report for report in heard if is_meant(report)]
    assert found, heard[-1].text
    return found[-1]


def _holds(text: str, until: str) -> bool:
    """The line of the test itself, which is in the report as well, does not count."""
    return any(until in line and "until=" not in line for line in text.split("\n"))


def asked_in_loop(
    directory: Path,
    main: Callable[[], Coroutine[Any, Any, object]],
    until: str = "which has nothing to do",
    **situation: Any,
) -> Report:
    """The report of a process whose event loop waits, with ``main`` as the coroutine that it is to run to its end."""
    state: dict[str, Any] = {}

    async def body() -> None:
        state["task"] = asyncio.current_task()
        state["loop"] = asyncio.get_running_loop()
        with contextlib.suppress(asyncio.CancelledError):
            await main()

    def end() -> None:
        with contextlib.suppress(RuntimeError, KeyError):  # it has come to its end by itself
            state["loop"].call_soon_threadsafe(state["task"].cancel)

    return asked_during(directory, lambda: asyncio.run(body()), end, until, **situation)


def section(text: str, title: str) -> str:
    """What a report says about one task or thread."""
    lines = text.split("\n")
    start = next(number for number, line in enumerate(lines) if line.strip().startswith(title))
    depth = len(lines[start]) - len(lines[start].lstrip())
    end = start + 1
    while end < len(lines) and lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > depth:
        end += 1
    return "\n".join(lines[start:end])
