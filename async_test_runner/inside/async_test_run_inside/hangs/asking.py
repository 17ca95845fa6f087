"""The runner asks by a signal, and this process answers: with a report of Python's own, or, in C, with bare stacks.

Two signals. The first one runs Python code, as soon as Python runs at all in the main thread; what is asked stands in a
file that was written before it. Where no answer comes the runner sends the second, which `faulthandler` answers without
the interpreter. Asked first, it walks the stacks of threads that are just changing them: busy processes died of that.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from os import getpid
from types import FrameType
from typing import Any, Literal, NamedTuple, TextIO, get_args

from ..early import standard_library
from . import ages
from .bounds import Look
from .files import opened
from .values import Report, Situation

_open = open  # as it is now: tests replace it
_REPORT = f"{__package__}.report"


Why = Literal["overdue", "slow", "asked", "exit", "interrupted"]


class Question(NamedTuple):
    """Why the runner asks; ``id`` is an overdue test's."""

    why: Why = "asked"
    id: str = ""
    message: str = ""


class Signals(NamedTuple):
    """The signals that this process answers; None where the system has none to spare."""

    python: int | None
    c: int | None


_MAKINGS = 2  # of a report that is asked for again while it is made: who asks faster would never be answered else

_files: list[TextIO] = []  # faulthandler keeps the descriptor only: the file must live as long as the process
_answering = False
_asked_again = False


def signals() -> Signals:
    """Real-time signals, which tests hardly use; SIGUSR2 elsewhere; none on Windows."""
    realtime = getattr(signal, "SIGRTMIN", None)
    if realtime is not None:
        return Signals(int(realtime) + 7, int(realtime) + 8)
    return Signals(getattr(signal, "SIGUSR2", None), None)


def install(
    directory: str,
    name: str,
    situation: Callable[[], Situation],
    answer: Callable[[Question, Report], None],
    root: str = "",
) -> Signals:
    """From now on answer both signals; bare stacks go to ``dump-<name>.txt``. ``answer`` may raise, to end the test."""
    numbers = signals()
    ages.watch()
    if numbers.python is not None:
        signal.signal(numbers.python, _handler(directory, situation, answer, root or os.getcwd()))
    if numbers.c is not None:
        file = _open(
            os.path.join(directory, f"dump-{name}.txt"), "a", encoding="utf-8", errors="backslashreplace", opener=opened
        )
        _files.append(file)
        faulthandler.register(numbers.c, file=file, all_threads=True, chain=False)
    return numbers


def _handler(
    directory: str, situation: Callable[[], Situation], answer: Callable[[Question, Report], None], root: str
) -> Callable[[int, FrameType | None], None]:
    def handle(_signum: int, frame: FrameType | None) -> None:
        __tracebackhide__ = True
        global _answering, _asked_again
        if _answering:  # asked again meanwhile: the answer to that follows
            _asked_again = True
            return
        _answering = True
        try:
            for _ in range(_MAKINGS):
                _asked_again = False
                said = made(frame, situation(), root)
                asked = read(directory)
                if not _asked_again:
                    break
        finally:
            _answering = False
        answer(asked, said)

    return handle


def made(frame: FrameType | None, situation: Situation, root: str) -> Report:
    """The report; whatever goes wrong in making it is no trouble of the test's."""
    try:
        preload()
        return sys.modules[_REPORT].report(frame, situation, Look(root))  # type: ignore[no-any-return]
    except Exception as error:  # noqa: BLE001 - objects of the test's may be anything
        return Report("", f"the report could not be made: {type(error).__name__} at {_end(error)}")


def preload() -> None:
    """Import what makes reports. Most processes never need it; those that many are forked from do it once for all."""
    with standard_library():
        importlib.import_module(_REPORT)


def _end(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace is not None else "?"


def read(directory: str) -> Question:
    """What is asked; a report is never wrong, where the file is gone."""
    try:
        with _open(os.path.join(directory, f"ask-{getpid()}.json"), encoding="utf-8", opener=opened) as file:
            value: Any = json.load(file)
        why: Why = value["why"] if value["why"] in get_args(Why) else "asked"
        return Question(why, str(value["id"]), str(value["message"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Question()
