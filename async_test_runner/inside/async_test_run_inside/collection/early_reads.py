"""Who asks, while a host collects, which worker this process is: forks would share what came of the answer.

The variables are not there yet, so a conftest.py that names a database after its worker at import takes the name for a
run without workers, and every fork has that name. What is watched is the dictionary below `os.environ`: whoever has
imported the object itself, or asks through `os.getenv` or ``in``, is seen as well.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from ..hangs.stacks import PACKAGE, is_machinery, is_own
from ..wire.facts import plain

NAMES = ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")
_MOST = 5  # readers that are named
_DEEPEST = 50  # frames from a read to the line of the project's that wants it
_THROUGH = ("<frozen os>", "<frozen _collections_abc>", os.__file__, sys.modules["_collections_abc"].__file__)
_KIT = os.path.join(PACKAGE, "kit", "")

_read: dict[tuple[str, int], str] = {}  # place -> variable
_plain: list[dict[Any, Any]] = []  # what the watched dictionary stands for


class _Watched(dict[Any, Any]):
    """The variables as the system has them: encoded, and as text on Windows."""

    def __getitem__(self, key: Any) -> Any:
        name = _ASKED.get(key)
        if name is not None and len(_read) < _MOST:
            _note(name, sys._getframe(1))
        return dict.__getitem__(self, key)


_ASKED: dict[object, str] = {**{os.fsencode(name): name for name in NAMES}, **{name: name for name in NAMES}}


def watch() -> None:
    """From now on notice who asks, in this process."""
    _read.clear()
    data = getattr(os.environ, "_data", None)
    if type(data) is dict:  # nobody has put something else in its place
        _plain.append(data)
        _put(data, _Watched(data))


def stop() -> None:
    """Notice nothing more. What was noticed stays known, in forks too; the dictionary is the one that it was."""
    watched = getattr(os.environ, "_data", None)
    if _plain and type(watched) is _Watched:
        plain = _plain.pop()
        plain.clear()
        plain.update(watched)
        _put(watched, plain)


def _put(old: dict[Any, Any], new: dict[Any, Any]) -> None:
    views: tuple[Any, ...] = (os.environ, getattr(os, "environb", None))
    for view in views:
        if view is not None and view._data is old:
            view._data = new


def any_noticed() -> bool:
    """Whether somebody asked."""
    return bool(_read)


def noticed(root: str) -> list[str]:
    """``conftest.py:3 reads PYTEST_XDIST_WORKER`` for each line of the project's that asked; paths from ``root`` on."""
    return [plain(f"{_shown(file, root)}:{line} reads {name}") for (file, line), name in _read.items()]


def _shown(file: str, root: str) -> str:
    return os.path.relpath(file, root) if file.startswith(root + os.sep) else file


def _note(name: str, frame: FrameType | None) -> None:
    for caller in _callers(frame):
        if is_own(caller.f_code.co_filename):
            _read.setdefault((caller.f_code.co_filename, caller.f_lineno or 0), name)
            return


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    """From whoever asks outwards, as long as one function has called the other.

    A library may ask on behalf of the project, by a name that it was given. What pytest or the import of a module calls
    asks for itself: pytest-xdist and pytest-django do.
    """
    for _ in range(_DEEPEST):
        if frame is None or _asks_for_itself(frame.f_code.co_filename):
            return
        if frame.f_code.co_filename not in _THROUGH:
            yield frame
        frame = frame.f_back


def _asks_for_itself(file: str) -> bool:
    """The runner's own testing kit is a library that the project calls."""
    return file.startswith("<frozen importlib") or (is_machinery(file) and not file.startswith(_KIT))
