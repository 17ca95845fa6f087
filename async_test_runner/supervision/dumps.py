"""Bare stacks, as `faulthandler` writes them where Python does not run: what they come to as a hang report. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_FRAME = re.compile(r'^  File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.*)$')
_THREAD = re.compile(r"^(Current thread|Thread) 0x[0-9a-f]+")
_FOREIGN = ("site-packages/", "dist-packages/", "<frozen", "/async_test_run_inside/")
# What runs tests is never to blame, as in reports of Python's own (``stacks`` inside).
_MACHINERY = (
    "/async_test_run_inside/",
    "/_pytest/",
    "/pluggy/",
    "/pytest/",
    "/asyncio/",
    "/selectors.py",
    "<frozen runpy",
)
_LIBRARY = re.compile(r"/lib/python3\.\d+/")
_LIMIT = 32_000
_SILENT = "it does not answer, neither in Python nor in C: it is stopped, or its signals are blocked"
_IN_C = "it does not return from C, or keeps Python's lock there"


class Described(NamedTuple):
    """The line that most likely hangs, and the whole report, which begins with it."""

    likely: str
    text: str


def described(dump: str) -> Described:
    """The report of a process that answered in C only; of an empty dump, that it did not answer at all."""
    if not dump.strip():
        return Described("", _SILENT)
    stack = _main(_stacks(dump.splitlines()))
    not_ours = (frame for frame in stack if not any(part in frame for part in _MACHINERY))
    found = next((frame for frame in stack if _is_own(frame)), None) or next(not_ours, "")
    likely = f"{found}  ({_IN_C})" if found else _IN_C
    return Described(likely, f"most likely: {likely}\n\nstacks, innermost frame first:\n{dump.strip()[:_LIMIT]}")


def _stacks(lines: Sequence[str]) -> list[list[str]]:
    """The frames of each thread, innermost first."""
    stacks: list[list[str]] = []
    for line in lines:
        if _THREAD.match(line):
            stacks.append([])
        elif stacks and (frame := _FRAME.match(line)):
            stacks[-1].append(f"{frame['file']}:{frame['line']} in {frame['function']}")
    return stacks


def _main(stacks: list[list[str]]) -> list[str]:
    """The thread that runs the tests: it is the oldest, and those are written last."""
    return next((stack for stack in reversed(stacks) if stack), [])


def _is_own(frame: str) -> bool:
    return not any(part in frame for part in _FOREIGN) and not _LIBRARY.search(frame)
