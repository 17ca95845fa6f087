"""A report of the whole process: whose line it begins with, and that it ends whatever there is to look at."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from async_test_run_inside.hangs import bounds, report
from async_test_run_inside.hangs.bounds import Look
from async_test_run_inside.hangs.values import Report, Situation
from async_test_run_inside.leaks.births import Births

ROOT = str(Path(__file__).parent)
SAID: list[Report] = []


def said_now() -> Report:
    return report.report(sys._getframe(1), Situation("test_report.py::test"), Look(ROOT, seconds=3600))


def said_later(frame: FrameType) -> Report:
    return report.report(frame, Situation("test_report.py::test"), Look(ROOT, seconds=3600))


@pytest.fixture
def finalizer_of_a_library(request: pytest.FixtureRequest) -> Iterator[None]:
    # The innermost frame of what pytest calls here is pytest's own, as it is where C waits.
    def look() -> None:
        SAID.append(said_later(sys._getframe(1)))

    request.addfinalizer(functools.partial(look))
    yield
    request.addfinalizer(functools.partial(look))


@pytest.fixture
def around(finalizer_of_a_library: None) -> None:
    """Is torn down before it."""


def test_the_fixture_is_named_of_which_a_finalizer_hangs(around: None) -> None:
    SAID.clear()


def test_that_was_what_it_said() -> None:
    assert len(SAID) == 2
    for said in SAID:
        assert said.likely.startswith("test_report.py:")
        assert "in finalizer_of_a_library: def finalizer_of_a_library(" in said.likely
        assert "tearing down fixture finalizer_of_a_library (scope function); a finalizer calls " in said.likely


def test_a_constructor_that_the_search_for_leaks_wraps_is_not_ours() -> None:
    class Client:
        def __init__(self, then: Callable[[], None]) -> None:
            then()

    def look() -> None:
        SAID.append(said_later(sys._getframe(1)))  # from the wrapped constructor on

    births = Births(__name__, "Client", (), fresh=[])
    vars(sys.modules[__name__])["Client"] = Client
    try:
        assert births.install()
        SAID.clear()
        Client(look)
        outer = SAID[0].likely
        Client(lambda: SAID.append(said_later(sys._getframe(2))))  # from the wrapper on: its own frame is innermost
    finally:
        vars(sys.modules[__name__]).pop("Client")
    assert outer.startswith("test_report.py:")
    assert "Client.__init__: then()" in outer
    assert SAID[1].likely.startswith("test_report.py:")
    assert "test_a_constructor_that_the_search_for_leaks_wraps_is_not_ours: Client(lambda" in SAID[1].likely


def test_the_test_is_named_where_none_of_its_lines_is_at_work() -> None:
    frame: FrameType | None = sys._getframe()
    while frame is not None and not frame.f_code.co_filename.endswith(f"_pytest{os.sep}python.py"):
        frame = frame.f_back
    assert frame is not None
    said = said_later(frame)
    assert said.likely.startswith("test_report.py:")
    assert "in test_the_test_is_named_where_none_of_its_lines_is_at_work: def test_the_test_is_named" in said.likely


def test_no_garbage_is_collected_while_a_report_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    states = []
    monkeypatch.setattr(report, "snapshot", lambda *_: states.append(gc.isenabled()) or report.Snapshot())
    said_now()
    gc.disable()
    try:
        said_now()
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert states == [False, False]


def test_a_report_that_has_no_time_says_what_it_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_monotonic", iter(range(10**9)).__next__)
    said = report.report(sys._getframe(), Situation("test_report.py::test"), Look(ROOT, seconds=2))
    assert said.likely.startswith("test_report.py:")
    assert "note: no sockets were looked at" in said.text
    assert "note: no child processes were looked at" in said.text


def test_a_recursion_of_ten_thousand_frames_is_reported() -> None:
    def deeper(depth: int) -> Report:
        return deeper(depth - 1) if depth else said_now()

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    try:
        said = deeper(10_000)
    finally:
        sys.setrecursionlimit(limit)
    assert "in test_a_recursion_of_ten_thousand_frames_is_reported.<locals>.deeper" in said.likely
    assert "deep: its middle was left out" in said.text
    assert "note: a stack or chain is 10," in said.text


def test_nothing_of_a_hostile_thread_is_called() -> None:
    class Hostile(threading.Thread):
        def __repr__(self) -> str:
            raise AssertionError("asked")

        @property
        def name(self) -> str:
            raise AssertionError("asked")

        @name.setter
        def name(self, value: str) -> None:
            raise AssertionError("asked")

    go_on = threading.Event()
    thread = Hostile(target=go_on.wait, daemon=True)
    thread.start()
    try:
        said = said_now()
    finally:
        go_on.set()
        with contextlib.suppress(AssertionError):
            thread.join()
    assert "(daemon)" in said.text


def test_the_clock_of_a_look_is_not_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1e9)
    assert Look().has_time()
