"""Leaks belong to attempts."""

from __future__ import annotations

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import (
    TestFinished,
)
from async_test_runner.record.fold import fold
from tests.support.events import AT, PLANNED, RUN, leak


def test_a_leak_belongs_to_its_attempt_whenever_it_is_found() -> None:
    first, second = (
        TestFinished(**AT, phase="p", id="a", attempt=number, outcome=Outcome.PASSED, retry=number == 1)
        for number in (1, 2)
    )
    result = fold((RUN, PLANNED, leak("early", 2), first, second, leak("late", 1), leak("early", 1)))
    test = next(result.tests())
    assert [[leak.what for leak in attempt.leaks] for attempt in test.attempts] == [["late", "early"], ["early"]]
    assert [leak.what for leak in test.leaks] == ["late", "early"]


def test_a_leak_of_a_test_without_an_attempt_is_no_outcome() -> None:
    result = fold((RUN, PLANNED, leak("early", 1)))
    assert next(result.tests()).outcome is Outcome.NOT_RUN
