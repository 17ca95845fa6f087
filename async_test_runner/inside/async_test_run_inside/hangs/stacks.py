"""Threads and where they are."""

from __future__ import annotations

import linecache
import os
import sys
import threading
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from . import safe
from .values import Place

_MOST = 120  # frames of one stack; of a deeper one the outer ones are left out
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_INSTALLED = ("site-packages" + os.sep, "dist-packages" + os.sep)
_LIBRARY = (os.path.dirname(os.__file__) + os.sep, os.path.dirname(os.path.realpath(os.__file__)) + os.sep)


def is_own(file: str) -> bool:
    """Whether a file is the project's own; compiled code names files that nobody has (``asyncpg/protocol.pyx``)."""
    if not os.path.isabs(file):
        return False
    if file.startswith(("<", _HERE)) or any(part in file for part in _INSTALLED):
        return False
    return not file.startswith(_LIBRARY)


def place(frame: FrameType, root: str = "") -> Place:
    """Where a frame is; paths below ``root`` are shown from there."""
    code, line = frame.f_code, frame.f_lineno or 0
    return place_of(code, line, root)


def place_of(code: CodeType, line: int, root: str = "") -> Place:
    """A line of some code."""
    file = code.co_filename
    own = is_own(file)
    shown = file[len(root) + 1 :] if root and file.startswith(root + os.sep) else file
    return Place(safe.text(shown, 300), line, safe.text(code.co_qualname, 120), source(file, line), own)


def source(file: str, line: int) -> str:
    """The text of a line of a file, if it can be had."""
    try:
        return safe.text(linecache.getline(file, line).strip(), 160)
    except Exception:  # noqa: BLE001 - tests replace what reads files
        return ""


def frames(innermost: FrameType | None) -> list[FrameType]:
    """The frames of a stack, outermost first."""
    found: list[FrameType] = []
    while innermost is not None and len(found) < _MOST:
        found.append(innermost)
        innermost = innermost.f_back
    found.reverse()
    return found


def threads(current: FrameType | None) -> Iterator[tuple[int, str, bool, list[FrameType]]]:
    """``(ident, name, daemon, frames)`` of every thread, this one first: its stack begins at ``current``."""
    known = {ident: thread for thread in threading.enumerate() if (ident := _ident(thread)) is not None}
    here = threading.get_ident()
    stacks: dict[int, FrameType | None] = {**sys._current_frames(), here: current}
    for ident in sorted(stacks, key=lambda ident: (ident != here, ident)):
        thread = known.get(ident)
        name = safe.text(_name(thread), 80) if thread is not None else "a thread of a library"
        yield ident, name, thread is not None and _daemon(thread), frames(stacks[ident])


# the properties of the class itself: a subclass of the test's may have others
_ident = threading.Thread.ident.fget  # type: ignore[attr-defined]
_name = threading.Thread.name.fget  # type: ignore[attr-defined]
_daemon = threading.Thread.daemon.fget  # type: ignore[attr-defined]


def local(frame: FrameType, name: str) -> Any:
    """A local variable of a frame; None where there is none."""
    try:
        return frame.f_locals.get(name)
    except Exception:  # noqa: BLE001 - a frame that is just coming to its end
        return None


def is_at(frame: FrameType, file: str, *functions: str) -> bool:
    """Whether a frame runs one of these functions of a library file; ``file`` is the end of its path."""
    code = frame.f_code
    return code.co_qualname in functions and code.co_filename.endswith(file) and not is_own(code.co_filename)
