"""Files of the project at the end of a session that has not run all tests by itself: nobody deletes them there.

A plugin that tidies up what no test has used has seen none of the tests that ran in workers, and a part of them in a
fresh process. It would take everything for unused. What it writes anew is a report as a rule; not so source files.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_stat, _walk = os.stat, os.walk  # as they are now: tests replace them
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND
_SOURCE = (".py", ".pyi")
_OF_TESTS = ("_pytest.runner", "_pytest.fixtures")  # what a fixture does at its end is part of its test
_MOST = 1000  # files of a directory that is removed


def begin_of(run_directory: str) -> float:
    """When the run began: its first process was given its settings then. 0 where they are gone."""
    try:
        return _stat(os.path.join(run_directory, "collection", "0000", "settings.json")).st_mtime
    except OSError:
        return 0.0


class Guard:
    """Refuses to delete files that were there before the run, and to write source files."""

    def __init__(self, root: str, began: float) -> None:
        """``began`` is when the run began."""
        self._root = os.path.realpath(root) + os.sep
        self._began = began
        self.is_told: Callable[[object], bool] = lambda _: False  # of a hook: it has heard of all tests all the same
        self._active = False
        self._installed = False
        self.refused = ""  # what somebody wanted to do first

    @contextlib.contextmanager
    def on(self, wanted: bool) -> Iterator[None]:
        """While inside. What watches stays in the process, which is at its end, and does nothing any more."""
        if wanted and not self._installed:
            self._installed = True
            sys.addaudithook(self._notice)
        self._active = wanted
        try:
            yield
        except PermissionError:
            if not self.refused:
                raise
        finally:
            self._active = False

    def _notice(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active or event not in _EVENTS:
            return
        self._active = False  # what is looked at here is nobody's doing
        try:
            path = _EVENTS[event](arguments)
            if path is not None and self._was_there(path) and not self._may(sys._getframe(1)):
                shown = os.path.relpath(path, self._root)
                verb = "write" if event == "open" else "delete"
                self.refused = self.refused or f"{_actor(sys._getframe(1))} would {verb} {shown}"
                raise PermissionError(errno.EPERM, "refused by async-test-run: not all tests have run here", path)
        finally:
            self._active = True

    def _was_there(self, path: str) -> bool:
        """Whether it is the project's, and was before the run; caches and other hidden things are not."""
        whole = os.path.realpath(path)
        parts = whole.removeprefix(self._root).split(os.sep)
        if not whole.startswith(self._root) or any(part.startswith(".") or part == "__pycache__" for part in parts):
            return False
        if os.path.isdir(whole):
            files = (os.path.join(where, name) for where, _, names in _walk(whole) for name in names)
            return any(self._is_old(file) for _, file in zip(range(_MOST), files, strict=False))
        return self._is_old(whole)

    def _is_old(self, path: str) -> bool:
        try:
            found = _stat(path)
        except OSError:
            return False
        return max(found.st_mtime, found.st_ctime) < self._began

    def _may(self, frame: FrameType) -> bool:
        hook = _hook(frame)
        return hook is None or self.is_told(hook)


def _removed(arguments: tuple[Any, ...]) -> str | None:
    return _text(arguments[0])


def _opened(arguments: tuple[Any, ...]) -> str | None:
    """A source file that is opened to be written."""
    path, _, flags = arguments
    text = _text(path)
    return text if text is not None and text.endswith(_SOURCE) and isinstance(flags, int) and flags & _WRITING else None


def _text(path: object) -> str | None:
    if isinstance(path, int) or path is None:
        return None
    try:
        return os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


_EVENTS: dict[str, Callable[[tuple[Any, ...]], str | None]] = {
    "os.remove": _removed,
    "os.rmdir": _removed,
    "os.rename": _removed,
    "os.truncate": _removed,
    "shutil.rmtree": _removed,
    "open": _opened,
}


def _hook(frame: FrameType | None) -> FrameType | None:
    """The hook of a plugin that is at work; None in what a test does, and in pytest itself."""
    inner = frame
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name in _OF_TESTS:
            return None
        if name.startswith("pluggy.") and inner is not None:
            own = str(inner.f_globals.get("__name__", ""))
            return None if own.startswith(("_pytest.", "pluggy.", "async_test_run_inside.")) else inner
        inner, frame = frame, frame.f_back
    return None


def _actor(frame: FrameType) -> str:
    hook = _hook(frame)
    if hook is None:
        return "something"
    return f"{hook.f_code.co_name} of {hook.f_globals.get('__name__', 'a plugin')}"
