"""Keeps pytest's ``--lf`` memory whole when several sessions write it.

pytest's own session loads the failures of the last run when it starts and writes its own view when it ends: of two
sessions at a time the later one forgets what the earlier one found. Here each session changes only what it knows.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from typing import IO, Any

import pytest

from ..early import standard_library
from ..hangs.files import opened

_now, _sleep = time.monotonic, time.sleep  # as they are now: tests put something else in their places
_PATIENCE = 2.0  # seconds to wait for another session: one that is stopped, or a test, may hold the lock for ever
_KEY = "cache/lastfailed"


class LastFailed:
    """The ids that this session saw fail or pass."""

    def __init__(self, directory: str) -> None:
        self._lock = os.path.join(os.path.dirname(directory), "lastfailed.lock")
        self._failed: dict[str, bool] = {}
        self._passed: set[str] = set()

    def add(self, report: pytest.TestReport) -> None:
        """Remember one report as pytest's cache plugin does."""
        nodeid = str(report.nodeid)
        if report.failed:
            self._failed[nodeid] = True
        elif report.when == "call" and nodeid not in self._failed:
            self._passed.add(nodeid)

    @contextlib.contextmanager
    def merged(self, config: pytest.Config, is_worker: bool) -> Iterator[None]:
        """Around the moment at which pytest writes its memory: put together what all sessions know."""
        cache = getattr(config, "cache", None)
        if cache is None or is_worker:
            yield
            return
        with _locked(self._lock):
            before = cache.get(_KEY, {})
            yield
            known = dict(before) if isinstance(before, dict) else {}
            for nodeid in self._passed:
                known.pop(nodeid, None)
            known.update(self._failed)
            if known != cache.get(_KEY, {}):
                cache.set(_KEY, known)


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    try:
        with standard_library():
            import fcntl
    except ImportError:
        yield
        return
    try:
        file = open(path, "a", opener=opened)  # noqa: SIM115
    except OSError:  # a test has deleted the run directory: better an unlocked memory than a session that fails
        yield
        return
    with file:
        until = _now() + _PATIENCE
        while not _taken(file, fcntl) and _now() < until:
            _sleep(0.01)
        yield


def _taken(file: IO[str], fcntl: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True
