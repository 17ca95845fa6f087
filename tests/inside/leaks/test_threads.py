"""Threads that a test leaves."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from async_test_run_inside.leaks import threads as threads_module
from async_test_run_inside.leaks.threads import Threads, holding, watch


@pytest.fixture
def end() -> Iterator[threading.Event]:
    """Set when the test is over, so that its threads are too."""
    event = threading.Event()
    before = set(threading.enumerate())
    yield event
    event.set()
    for thread in set(threading.enumerate()) - before:
        thread.join()


def test_a_thread_is_named_with_what_it_runs_and_where_it_is_and_told_once(
    end: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads_module, "_made", {})  # who runs this test may watch, too
    threads = Threads()
    assert not threads.differs()
    threading.Thread(target=end.wait, name="poller").start()
    assert threads.differs()
    monkeypatch.setattr(threads_module, "_made", {})
    (leak,) = threads.news(settle=False)
    assert leak.kind == "threads"
    assert leak.what.startswith("thread poller, now at ")
    assert "in Event.wait" in leak.where
    assert not leak.gone()
    assert threads.news(settle=False) == []
    assert any(what.startswith("thread poller") for what in holding())


class Poller(threading.Thread):
    def __init__(self, end: threading.Event) -> None:
        super().__init__()
        self.end = end

    def run(self) -> None:
        self.end.wait()


@pytest.mark.parametrize("kind", ["a function of the library", "a class of its own", "a pool"])
def test_the_line_that_made_a_thread_is_told(end: threading.Event, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(threading.Thread, "__init__", threading.Thread.__init__)
    watch()
    threads = Threads()
    before = sys._getframe().f_lineno
    if kind == "a pool":
        ThreadPoolExecutor(1).submit(end.wait)
    else:
        (Poller(end) if "class" in kind else threading.Thread(target=end.wait)).start()
    after = sys._getframe().f_lineno
    (leak,) = threads.news(settle=False)
    file, line, name = leak.where.replace(" in ", ":").split(":")
    assert (file.rpartition("/")[2], name) == ("test_threads.py", "test_the_line_that_made_a_thread_is_told")
    assert before < int(line) < after


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
