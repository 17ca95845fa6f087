"""Keeps files from being imported: those that took an earlier process down, and those that a session does not need.

Arguments, directories and their conftests stay those of the collection.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..wire.facts import plain
from .items import relative


class LeavingOut:
    """Collects nothing from the files in ``paths``, and from all files but ``only`` (relative to the rootdir), if any.

    With ``--ignore`` pytest would collect one that its command line names.
    """

    def __init__(self, paths: Sequence[str], only: Sequence[str]) -> None:
        self._paths = frozenset(paths)
        self._only = frozenset(only)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Generator[None, Any, Any]:
        """In place of the file's own collectors: one that has nothing."""
        collectors = yield
        if collectors and self._is_left_out(str(file_path), str(parent.config.rootpath)):
            return [_Nothing.from_parent(parent, path=file_path)]
        return collectors

    def _is_left_out(self, path: str, rootdir: str) -> bool:
        if plain(path) in self._paths:
            return True
        return bool(self._only) and plain(relative(path, rootdir)) not in self._only


class _Nothing(pytest.File):
    def collect(self) -> Iterable[pytest.Item]:
        return ()
