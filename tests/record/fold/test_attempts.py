"""Attempts, and what of them a run that is resumed keeps."""

from __future__ import annotations

import msgspec
import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import Event
from async_test_runner.record.fold import Fold
from tests.support.events import PLANNED, RUN, finished, resumed


def folded(*events: Event) -> Fold:
    state = Fold()
    for event in (RUN, PLANNED, *events):
        state.add(event)
    return state


RETRIED = finished("a", Outcome.FAILED, retry=True)


@pytest.mark.parametrize(
    ("events", "settled", "following"),
    [
        ((), set(), {}),
        ((finished("a"), finished("b", Outcome.FAILED)), {"a", "b"}, {}),
        ((RETRIED, finished("b")), {"b"}, {"a": 2}),
        ((RETRIED, finished("a", attempt=2)), {"a"}, {}),
        ((RETRIED, finished("a", Outcome.FAILED, attempt=2, retry=True)), set(), {"a": 3}),
    ],
)
def test_what_a_resumed_run_finds_done(events: tuple[Event, ...], settled: set[str], following: dict[str, int]) -> None:
    kept = folded(*events).kept()["p"]
    assert (kept.settled, kept.attempts) == (settled, following)


def test_attempts_stay_with_the_tests_that_are_still_there() -> None:
    fewer = msgspec.structs.replace(PLANNED, tests=PLANNED.tests[1:])
    state = folded(finished("a"), finished("b"), resumed(), fewer)
    assert [(test.id, len(test.attempts)) for test in state.phase("p").tests] == [("b", 1), ("c", 0)]


def test_an_attempt_has_what_its_test_added_to_the_xml() -> None:
    event = msgspec.structs.replace(finished("a"), properties=(("owner", "b"),), attributes=(("rank", "3"),))
    (attempt,) = folded(event).phase("p").tests[0].attempts
    assert (attempt.properties, attempt.attributes) == ((("owner", "b"),), (("rank", "3"),))


def test_a_test_that_comes_back_after_it_was_to_be_tried_again_is_settled_by_its_next_outcome() -> None:
    fewer = msgspec.structs.replace(PLANNED, tests=PLANNED.tests[1:])
    state = folded(RETRIED, resumed(), fewer, resumed(), PLANNED, finished("a"))
    assert state.kept()["p"].settled == {"a"}


def test_a_test_that_the_plan_wants_to_fail_fails_although_its_last_attempt_is_green() -> None:
    state = folded(RETRIED, finished("a", attempt=2, fails=True))
    assert [test.outcome for test in state.phase("p").tests][:1] == [Outcome.FAILED]
