"""Several sessions write pytest's memory of failures and none forgets what another found."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.session import lastfailed
from async_test_run_inside.session.lastfailed import LastFailed


class Cache:
    """pytest's cache, in memory."""

    def __init__(self, **failed: bool) -> None:
        self.value: Any = dict(failed)
        self.writes = 0

    def get(self, key: str, default: object) -> Any:
        return self.value

    def set(self, key: str, value: object) -> None:
        self.value = value
        self.writes += 1


class Config:
    def __init__(self, cache: Cache | None) -> None:
        if cache is not None:
            self.cache = cache


class Report:
    def __init__(self, nodeid: str, outcome: str, when: str = "call") -> None:
        self.nodeid, self.when, self.failed = nodeid, when, outcome == "failed"


def session(
    tmp_path: Path, cache: Cache | None, *reports: Report, own: dict[str, bool] | None = None, worker: bool = False
) -> None:
    """One session; ``own`` is what pytest itself writes at its end."""
    memory = LastFailed(str(tmp_path / "0001"))
    for report in reports:
        memory.add(report)  # type: ignore[arg-type]
    with memory.merged(Config(cache), worker):  # type: ignore[arg-type]
        if cache is not None and own is not None:
            cache.set("cache/lastfailed", own)


def test_a_session_adds_its_failures_and_takes_away_what_passed(tmp_path: Path) -> None:
    cache = Cache(old=True, fixed=True)
    session(tmp_path, cache, Report("new", "failed"), Report("fixed", "passed"), own={"new": True})
    assert cache.value == {"old": True, "new": True}


def test_a_setup_that_passed_is_not_a_test_that_passed(tmp_path: Path) -> None:
    cache = Cache(a=True)
    session(tmp_path, cache, Report("a", "passed", "setup"))
    assert cache.value == {"a": True}


def test_a_failure_in_any_stage_stays_one(tmp_path: Path) -> None:
    cache = Cache()
    session(tmp_path, cache, Report("a", "failed", "setup"), Report("b", "passed"), Report("b", "failed", "teardown"))
    assert cache.value == {"a": True, "b": True}


def test_what_did_not_change_is_not_written(tmp_path: Path) -> None:
    cache = Cache(a=True)
    session(tmp_path, cache, Report("a", "failed"))
    assert cache.writes == 0


def test_a_memory_that_is_no_memory_is_begun_anew(tmp_path: Path) -> None:
    cache = Cache()
    cache.value = ["damaged"]
    session(tmp_path, cache, Report("a", "failed"))
    assert cache.value == {"a": True}


def test_workers_and_sessions_without_a_cache_write_nothing(tmp_path: Path) -> None:
    cache = Cache()
    session(tmp_path, cache, Report("a", "failed"), worker=True)
    session(tmp_path, None, Report("a", "failed"))
    assert cache.writes == 0


def test_a_directory_that_was_deleted_costs_the_lock_and_not_the_session(tmp_path: Path) -> None:
    cache = Cache()
    session(tmp_path / "gone", cache, Report("a", "failed"))
    assert cache.value == {"a": True}


def test_a_lock_that_somebody_holds_for_ever_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(100))
    monkeypatch.setattr(lastfailed, "_now", lambda: float(next(now)))
    monkeypatch.setattr(lastfailed, "_sleep", lambda seconds: None)
    cache = Cache()
    with (tmp_path / "lastfailed.lock").open("a") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        session(tmp_path, cache, Report("new", "failed"))
    assert cache.value == {"new": True}


def test_a_lock_that_is_a_fifo_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lastfailed.lock")
    cache = Cache()
    session(tmp_path, cache, Report("new", "failed"))
    assert cache.value == {"new": True}
