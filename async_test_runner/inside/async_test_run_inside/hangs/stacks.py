"""Threads and where they are."""

from __future__ import annotations

import functools
import linecache
import os
import stat
import sys
import threading
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from . import safe
from .bounds import Look
from .values import Place

_OUTER, _INNER = 70, 70  # frames of one stack; of a deeper one the middle is left out
DEEP = _OUTER + _INNER
_DEEPEST = 100_000  # frames that are walked
_THREADS = 150
_FILES = 200  # whose text is read for one report, and how large one may be, in bytes
_FILE = 2_000_000
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(_HERE))) + os.sep  # the whole runner, its kit too
_INSTALLED = ("site-packages" + os.sep, "dist-packages" + os.sep)
_LIBRARY = (os.path.dirname(os.__file__) + os.sep, os.path.dirname(os.path.realpath(os.__file__)) + os.sep)
# Where a test runs in: whatever hangs, it is none of these lines.
_MACHINERY = tuple(
    part.replace("/", os.sep)
    for part in (
        "/_pytest/",
        "/pytest/",
        "/pluggy/",
        "/pytest_asyncio/",
        "/xdist/",
        "/execnet/",
        "/anyio/pytest_plugin.py",
        "/anyio/_backends/",
        "/uvloop/",
        "/trio/_core/",
    )
)
_LOOP = tuple(library + part for library in _LIBRARY for part in (f"asyncio{os.sep}", "selectors.py"))


@functools.lru_cache(maxsize=4096)
def is_own(file: str) -> bool:
    """Whether a file is the project's own; compiled code names files that nobody has (``asyncpg/protocol.pyx``)."""
    if file.startswith("<doctest "):
        return True
    if not os.path.isabs(file):
        return False
    if file.startswith(("<", _HERE, PACKAGE)) or any(part in file for part in _INSTALLED):
        return False
    return not file.startswith(_LIBRARY)


@functools.lru_cache(maxsize=4096)
def is_machinery(file: str) -> bool:
    """Whether a file belongs to what runs tests: this runner, pytest and its plugins, an event loop."""
    return not is_own(file) and (
        file.startswith((PACKAGE, "<frozen runpy", *_LOOP)) or any(part in file for part in _MACHINERY)
    )


def place(frame: FrameType, look: Look) -> Place:
    """Where a frame is; paths below the project's root are shown from there."""
    return place_of(frame.f_code, frame.f_lineno or 0, look)


def place_of(code: CodeType, line: int, look: Look) -> Place:
    """A line of some code."""
    file, root = code.co_filename, look.root
    shown = file[len(root) + 1 :] if root and file.startswith(root + os.sep) else file
    function = safe.text(code.co_qualname, 120)
    return Place(
        safe.text(shown, 300), line, function, source(file, line, look), own=is_own(file), machinery=is_machinery(file)
    )


def definition(code: CodeType, look: Look) -> Place:
    """The ``def`` of a function: its code begins at its first decorator."""
    first = code.co_firstlineno
    texts = (source(code.co_filename, line, look) for line in range(first, first + 20))
    found = (number for number, text in enumerate(texts) if text.startswith(("def ", "async def ")))
    return place_of(code, first + next(found, 0), look)


def source(file: str, line: int, look: Look) -> str:
    """The text of a line of a file, if it can be had."""
    return safe.text(next(iter(lines(file, look)[line - 1 : line]), "").strip(), 160) if line > 0 else ""


def lines(file: str, look: Look) -> list[str]:
    """The lines of a file; none of one that is too large, or that the report has no time for."""
    try:
        if file not in linecache.cache:
            if look.looked.get("files", 0) >= _FILES or not look.has_time():
                look.leave_out("files", f"the text of only {look.looked.get('files', 0)} files was read")
                return []
            look.count("files")
            if os.path.isabs(file) and not _is_readable(file):
                return []
        return linecache.getlines(file)
    except Exception:  # noqa: BLE001 - tests replace what reads files
        return []


def _is_readable(file: str) -> bool:
    """Whether reading a file comes to an end soon."""
    status = os.stat(file)
    return stat.S_ISREG(status.st_mode) and status.st_size <= _FILE


def frames(innermost: FrameType | None, look: Look) -> list[FrameType]:
    """The frames of a stack, outermost first. Of a deep one the middle is left out, but for a line of the project's."""
    found: list[FrameType] = []
    for _ in range(_DEEPEST):
        if innermost is None:
            break
        found.append(innermost)
        innermost = innermost.f_back
    found.reverse()
    look.count("frames", len(found))
    if len(found) <= DEEP:
        return found
    look.leave_out("frames", f"a stack or chain is {len(found):,} deep: its middle was left out")
    return shortened(found)


def shortened(found: list[FrameType]) -> list[FrameType]:
    """Both ends of a long list of frames, and what is the project's next to the inner one, if that has none."""
    outer, middle, inner = found[:_OUTER], found[_OUTER:-_INNER], found[-_INNER:]
    if not any(is_own(frame.f_code.co_filename) for frame in inner):
        own = next((frame for frame in reversed(middle) if is_own(frame.f_code.co_filename)), None)
        return [*outer, *([own] if own is not None else []), *inner]
    return [*outer, *inner]


def threads(current: FrameType | None, look: Look) -> Iterator[tuple[int, str, bool, list[FrameType]]]:
    """``(ident, name, daemon, frames)`` of every thread, this one first: its stack begins at ``current``."""
    known = {ident: thread for thread in threading.enumerate() if (ident := _ident(thread)) is not None}
    here, main = threading.get_ident(), threading.main_thread().ident
    stacks: dict[int, FrameType | None] = {**sys._current_frames(), here: current}
    order = sorted(stacks, key=lambda ident: (ident != here, ident != main, ident))
    for ident in look.some(order, _THREADS, "threads", len(order)):
        thread = known.get(ident)
        name = safe.text(_name(thread), 80) if thread is not None else "a thread of a library"
        yield ident, name, thread is not None and _daemon(thread), frames(stacks[ident], look)


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
