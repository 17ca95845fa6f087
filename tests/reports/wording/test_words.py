from __future__ import annotations

from collections import Counter

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.reports.wording.words import ORDER, clock, exit_status, plural, seconds, signal_name, tally


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-1.0, "0.00s"),
        (0.034, "0.03s"),
        (9.994, "9.99s"),
        (9.996, "10.0s"),
        (59.94, "59.9s"),
        (59.96, "1m 00s"),
        (125.4, "2m 05s"),
        (3599.6, "1h 00m"),
        (7260, "2h 01m"),
    ],
)
def test_durations_keep_three_digits(value: float, said: str) -> None:
    assert seconds(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(-1, "0:00"), (7.9, "0:07"), (754, "12:34"), (3599.9, "59:59"), (3723, "1:02:03")]
)
def test_clocks_count_whole_seconds(value: float, said: str) -> None:
    assert clock(value) == said


def test_bad_news_stand_first() -> None:
    counts = Counter({Outcome.PASSED: 3, Outcome.TIMED_OUT: 1, Outcome.FAILED: 2, Outcome.SKIPPED: 0})
    assert tally(counts) == "2 failed, 1 timed out, 3 passed"
    assert tally(Counter()) == "no tests"


def test_every_outcome_has_its_place() -> None:
    assert sorted(ORDER) == sorted(Outcome)


def test_plurals() -> None:
    assert (plural(0, "test"), plural(1, "test"), plural(2, "test")) == ("0 tests", "1 test", "2 tests")


def test_signals_and_exit_statuses_are_named() -> None:
    assert signal_name(2) == "SIGINT"
    assert signal_name(999) == "signal 999"
    assert [exit_status(status) for status in (None, 3, -9)] == ["not started", "exit 3", "killed by SIGKILL"]
