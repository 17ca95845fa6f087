"""What a run comes to, as tables."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import (
    Event,
    Interrupted,
    PhaseFinished,
    PhaseStarted,
    SuitePropertyAdded,
    TestNotRun,
    Warned,
)
from async_test_runner.record.fold import Fold, fold
from tests.support.events import AT, COLLECTED, DETAIL, ONE_OF_EACH, PLANNED, RUN, began, finished


@pytest.mark.parametrize(
    ("history", "outcome", "reason"),
    [
        ((), Outcome.NOT_RUN, "the run ended before it"),
        ((began("a"),), Outcome.NOT_RUN, "in flight when the run ended"),
        ((began("a"), finished("a")), Outcome.PASSED, ""),
        ((finished("a", Outcome.CRASHED),), Outcome.CRASHED, ""),
        ((TestNotRun(**AT, phase="p", ids=("a",), reason="why"),), Outcome.NOT_RUN, "why"),
        ((finished("a"), TestNotRun(**AT, phase="p", ids=("a",), reason="late")), Outcome.PASSED, ""),
        ((PhaseFinished(**AT, phase="p", wall=1.0),), Outcome.NOT_RUN, ""),  # a hole in the books: see the verdict
        ((finished("a", Outcome.FAILED), finished("a", attempt=2)), Outcome.PASSED, ""),
        ((finished("a"), finished("a", Outcome.FAILED, attempt=2)), Outcome.FAILED, ""),
        ((finished("a"), finished("a", Outcome.FAILED)), Outcome.PASSED, ""),  # the first word of an attempt counts
        ((finished("a", Outcome.FAILED), began("a", 2)), Outcome.FAILED, ""),
    ],
)
def test_what_events_make_of_a_test(history: tuple[Event, ...], outcome: Outcome, reason: str) -> None:
    test = next(fold([RUN, PLANNED, *history]).tests())
    assert (test.outcome, test.reason) == (outcome, reason)


def test_the_fold_of_a_whole_run_has_everything() -> None:
    result = fold(ONE_OF_EACH)
    assert (result.run_id, result.argv, result.wall, result.finished, result.signal) == ("r", ("-q",), 3.0, True, 2)
    assert result.collect_errors == COLLECTED.errors
    assert result.left_out == COLLECTED.left_out
    assert [problem.message for problem in result.problems] == ["m"]
    assert result.warnings == ("m",)
    (phase,) = result.phases
    assert (phase.wall, phase.reason, phase.started, phase.finished, len(phase.commands)) == (2.0, "r", True, True, 1)
    assert [test.outcome.value for test in phase.tests] == ["failed", "not_run", "not_run"]
    attempt = phase.tests[0].attempts[0]
    assert (attempt.details, attempt.properties, attempt.call) == ((DETAIL,), (("k", "v"),), 0.25)


def test_results_twice_and_results_of_nobody_are_remembered() -> None:
    result = fold([RUN, PLANNED, finished("a"), finished("a"), finished("z")])
    assert (result.duplicates, result.unplanned) == (("a",), ("z",))


def test_no_events_are_no_run_and_a_run_without_an_end_is_not_finished() -> None:
    assert fold([]).run_id == ""
    cut = fold([RUN, msgspec.structs.replace(PLANNED, mono=5010.5)])
    assert (cut.finished, cut.wall) == (False, 10.0)


def test_the_wall_time_of_a_phase_grows_until_it_is_over() -> None:
    state = Fold()
    for event in (RUN, PLANNED, PhaseStarted(at=0, mono=5000.0, phase="p"), Warned(at=0, mono=5004.0, message="")):
        state.add(event)
    assert state.phase("p").wall == 4.0
    state.add(PhaseFinished(**AT, phase="p", wall=9.0))
    assert state.phase("p").wall == 9.0


def test_the_first_signal_is_the_one_that_counts() -> None:
    assert fold([RUN, Interrupted(**AT, signal=15), Interrupted(**AT, signal=2, count=2)]).signal == 15


@given(st.lists(st.sampled_from(ONE_OF_EACH[3:]), max_size=30))
def test_any_order_of_events_folds_to_one_outcome_per_planned_test(history: list[Event]) -> None:
    result = fold([RUN, COLLECTED, PLANNED, *history])
    assert [test.id for test in result.tests()] == ["a", "b", "c"]


def test_a_prefix_of_a_journal_never_shows_an_outcome_that_the_whole_does_not() -> None:
    history = [RUN, PLANNED, began("a"), finished("a"), began("b"), finished("b", Outcome.FAILED)]
    whole = {test.id: test.outcome for test in fold(history).tests()}
    for length in range(2, len(history)):
        for test in fold(history[:length]).tests():
            assert test.outcome in (Outcome.NOT_RUN, whole[test.id])


def test_what_tests_add_to_a_suite_is_kept_once_in_its_order() -> None:
    added = [SuitePropertyAdded(**AT, phase="p", name="build", value=value) for value in ("2", "1", "2")]
    (phase,) = fold([RUN, PLANNED, *added]).phases
    assert phase.properties == (("build", "2"), ("build", "1"))
