"""Slow tests."""

from __future__ import annotations

from async_test_runner.record.events import TestSlow
from async_test_runner.record.fold import fold
from tests.support.events import AT, PLANNED, RUN, finished


def test_the_last_notice_stays_with_the_test() -> None:
    notices = [
        TestSlow(**AT, phase="p", process="p/0001", id="a", attempt=1, age=age, line=line)
        for age, line in ((5.0, "a.py:1 in f"), (10.0, "a.py:2 in g"))
    ]
    result = fold([RUN, PLANNED, *notices, finished("a")])
    assert [test.slow for test in result.tests()] == [(10.0, "a.py:2 in g"), None, None]
