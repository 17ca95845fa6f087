"""Names each conftest.py before it is imported, and says why one could not be.

pytest has no hook for that, and the import may end the process.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_MACHINERY = re.compile(r"[/\\](?:_pytest|pluggy|async_test_run_inside)[/\\]|<frozen ")


class Watch:
    """A finder that finds nothing, first on ``sys.meta_path``; ``tell`` gets the path of a conftest.py."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def find_spec(self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None) -> None:
        """Importing goes on as it would without us."""
        if name.rpartition(".")[2] == "conftest":
            spec: ModuleSpec | None = PathFinder.find_spec(name, path)
            if spec is not None and spec.origin:
                self._tell(spec.origin)


def trace(error: BaseException, conftest: str, root: str) -> str:
    """An exception of a conftest.py as pytest prints it: a place a line, from there on, then ``E`` and why."""
    return "\n".join(line for one in _chain(error) for line in _lines(one, conftest, root))


def _chain(error: BaseException) -> list[BaseException]:
    """It, and before it what it came of."""
    found = [error]
    while (earlier := _earlier(found[0])) is not None and earlier not in found:
        found.insert(0, earlier)
    return found


def _earlier(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _lines(error: BaseException, conftest: str, root: str) -> Iterator[str]:
    frames = traceback.extract_tb(error.__traceback__)
    first = next((position for position, frame in enumerate(frames) if frame.filename == conftest), 0)
    for frame in frames[first:]:
        if _MACHINERY.search(frame.filename):
            continue
        name = frame.filename.removeprefix(root.rstrip(os.sep) + os.sep)
        yield f"{name}:{frame.lineno}: in {frame.name}"
        if frame.line:
            yield f"    {frame.line}"
    for line in "".join(traceback.format_exception_only(error)).splitlines():
        yield f"E   {line}"
