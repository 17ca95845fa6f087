from __future__ import annotations

from async_test_runner.model.result import TestResult
from async_test_runner.reports.wording import rechecks
from tests.reports.event_script import planned, polluted, retried_alone


def red(before: int) -> TestResult:
    return list(polluted(before).result().tests())[-1]


def test_a_test_that_was_not_rechecked_has_nothing_to_say() -> None:
    script = planned("a")
    script.end("async", "a", 3.0)
    (test,) = script.result().tests()
    assert rechecks.said(test) == ""
    assert rechecks.before(test, 5) == []


def test_of_many_tests_before_it_the_nearest_are_shown() -> None:
    assert rechecks.before(red(3), 3) == ["t.py::test_0", "t.py::test_1", "t.py::test_2"]
    assert rechecks.before(red(3), 2) == ["… 1 more before these, in summary.json", "t.py::test_1", "t.py::test_2"]
    assert rechecks.before(red(3), None) == rechecks.before(red(3), 3)


def test_a_retry_that_passes_alone_is_called_what_it_probably_shows() -> None:
    test = list(retried_alone().result().tests())[-1]
    said = "passed alone in a fresh process, but not after 1 test in async/0001: probably order-dependent"
    assert rechecks.said(test) == said
    assert rechecks.before(test, 5) == ["t.py::test_0"]
