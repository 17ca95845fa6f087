"""Keeps files that took an earlier process down from being imported again."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ..wire.facts import plain


class LeavingOut:
    """Collects nothing from these files; with ``--ignore`` pytest would collect one that its command line names."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = frozenset(paths)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> Generator[None, Any, Any]:
        """In place of the file's own collectors: one that has nothing."""
        collectors = yield
        if plain(str(file_path)) in self._paths:
            return [_Nothing.from_parent(parent, path=file_path)]
        return collectors


class _Nothing(pytest.File):
    def collect(self) -> Iterable[pytest.Item]:
        return ()
