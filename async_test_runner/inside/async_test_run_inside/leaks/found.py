"""What was left behind, as bounded text: no ``repr`` of an object of the tests, which may do anything, is ever made."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from ..hangs.makers import Made

LeakKind = Literal[
    "tasks", "exceptions", "loops", "generators", "threads", "processes", "descriptors", "clients", "state", "teardowns"
]

# Packages that run tests: what they make for that is theirs to clean up, and no test's.
MACHINERY = ("_pytest", "pytest", "pluggy", "pytest_asyncio", "anyio", "unittest", "async_test_run_inside", "xdist")

_LONGEST = 300  # characters of each part
_ROOT = os.getcwd() + os.sep  # pytest's rootdir nearly always; paths below it are shown from there


class Leak(NamedTuple):
    """One thing that was left: its kind, what it is, where it was made; ``gone`` says whether it has gone meanwhile."""

    kind: LeakKind
    what: str
    where: str = ""
    gone: Callable[[], bool] = lambda: False


def bounded(text: str) -> str:
    """Text that fits on the wire, without lone surrogates."""
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def message_of(error: BaseException) -> str:
    """``ValueError: text``, whatever the exception's ``__str__`` does."""
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - of a class of the test's
        text = f"<its text could not be had: {type(broken).__name__}>"
    return f"{type(error).__qualname__}: {text}" if text else type(error).__qualname__


def shown(path: str) -> str:
    """A path as it is shown: from the root of the tests, if it is below it."""
    return path.removeprefix(_ROOT)


def code_place(function: Any) -> str:
    """``file:line in name`` of a function, method, partial or callable object; its type where it has no code."""
    for _ in range(10):
        inner = getattr(function, "__func__", None) or getattr(function, "func", None)
        if inner is None or isinstance(function, types.FunctionType):
            break
        function = inner
    code = getattr(function, "__code__", None)
    if isinstance(code, types.CodeType):
        return f"{shown(code.co_filename)}:{code.co_firstlineno} in {code.co_qualname}"
    return f"{type(function).__module__}.{type(function).__qualname__}"


def made_place(made: Made | None) -> str:
    """``file:line in name`` of a line that made something; empty where it is not known."""
    return f"{shown(made.code.co_filename)}:{made.line} in {made.code.co_qualname}" if made is not None else ""


def frame_place(frame: types.FrameType) -> str:
    """``file:line in name`` of a frame, as it stands."""
    return f"{shown(frame.f_code.co_filename)}:{frame.f_lineno} in {frame.f_code.co_qualname}"


def module_of(frame: types.FrameType) -> str:
    """The package that a frame's code belongs to."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]


def own_frame(frame: types.FrameType | None) -> types.FrameType | None:
    """The innermost frame that is none of the standard library's; the innermost one if there is none."""
    found = frame
    while found is not None and module_of(found) in sys.stdlib_module_names:
        found = found.f_back
    return found or frame


def caller(packages: tuple[str, ...]) -> types.FrameType | None:
    """The innermost frame that is neither ours nor of one of these packages."""
    frame = sys._getframe(1)
    for _ in range(60):
        if frame is None or module_of(frame) not in ("async_test_run_inside", *packages):
            return frame
        frame = frame.f_back  # type: ignore[assignment]
    return None
