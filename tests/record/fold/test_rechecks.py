"""Rechecks: no attempts, and open until one could be made."""

from __future__ import annotations

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import Event, TestRechecked
from async_test_runner.record.fold import Fold, fold
from tests.support.events import AT, DETAIL, PLANNED, RUN, finished, resumed

RED = finished("a", Outcome.FAILED, recheck=True)


def again(outcome: Outcome = Outcome.PASSED, id: str = "a", **facts: object) -> TestRechecked:
    return TestRechecked(**AT, phase="p", id=id, outcome=outcome, **facts)  # type: ignore[arg-type]


def kept(*events: Event) -> dict[str, int]:
    state = Fold()
    for event in (RUN, PLANNED, *events):
        state.add(event)
    return state.kept()["p"].rechecks


@pytest.mark.parametrize(
    ("events", "open_after"),
    [
        ((RED,), {"a": 1}),
        ((RED, again()), {}),
        ((RED, again(Outcome.NOT_RUN, reason="why")), {"a": 1}),
        ((finished("a", Outcome.FAILED),), {}),
    ],
)
def test_a_recheck_is_open_until_it_has_an_outcome(events: tuple[Event, ...], open_after: dict[str, int]) -> None:
    assert kept(*events) == open_after


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (again(Outcome.NOT_RUN, reason="no time"), "no time"),
        (again(Outcome.FAILED, details=(DETAIL,)), "assert 0"),
        (again(), ""),
    ],
)
def test_a_recheck_says_why(event: TestRechecked, message: str) -> None:
    recheck = next(fold([RUN, PLANNED, RED, event]).tests()).recheck
    assert recheck is not None
    assert (recheck.outcome, recheck.message) == (event.outcome, message)


def test_a_recheck_twice_and_one_of_a_test_that_never_ran_break_the_books() -> None:
    result = fold([RUN, PLANNED, RED, again(), again(Outcome.FAILED), again(id="b"), again(id="z")])
    assert (result.duplicates, result.unplanned) == (("a",), ("b", "z"))
    recheck = next(result.tests()).recheck
    assert recheck is not None and recheck.outcome is Outcome.PASSED


def test_a_recheck_that_could_not_be_run_is_made_when_the_run_is_resumed() -> None:
    could_not = (RUN, PLANNED, RED, again(Outcome.NOT_RUN, reason="why"), resumed(), PLANNED)
    assert next(fold(could_not).tests()).recheck is None
    result = fold((*could_not, again()))
    assert result.duplicates == ()
    assert next(result.tests()).order_dependent
