"""Threads that a test leaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from async_test_run_inside.leaks.threads import Threads, holding


@pytest.fixture
def end() -> Iterator[threading.Event]:
    """Set when the test is over, so that its threads are too."""
    event = threading.Event()
    before = set(threading.enumerate())
    yield event
    event.set()
    for thread in set(threading.enumerate()) - before:
        thread.join()


def test_a_thread_is_named_with_what_it_runs_and_where_it_is_and_told_once(end: threading.Event) -> None:
    threads = Threads()
    assert not threads.differs()
    threading.Thread(target=end.wait, name="poller").start()
    assert threads.differs()
    (leak,) = threads.news(settle=False)
    assert leak.kind == "threads"
    assert leak.what.startswith("thread poller, now at ")
    assert "in Event.wait" in leak.where
    assert not leak.gone()
    assert threads.news(settle=False) == []
    assert any(what.startswith("thread poller") for what in holding())


def test_a_daemon_and_what_is_excused_are_nobodys_leak(end: threading.Event) -> None:
    threads = Threads()
    threading.Thread(target=end.wait, daemon=True).start()
    threading.Thread(target=end.wait, name="pooled").start()
    assert threads.news(settle=True, is_excused=lambda thread: thread.name == "pooled") == []


def test_one_that_is_about_to_end_may_do_so(end: threading.Event) -> None:
    threads = Threads()
    thread = threading.Thread(target=end.wait)
    thread.start()
    end.set()
    assert threads.news(settle=True) == []
    thread.join()
