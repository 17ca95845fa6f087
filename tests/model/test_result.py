"""What a result says of itself: which attempt decides, and what flaky and order-dependent mean."""

from __future__ import annotations

from typing import Any

import pytest

from async_test_runner.model.result import Attempt, Leak, PhaseResult, ProcessRun, Recheck, RunResult, TestResult
from async_test_runner.model.vocabulary import Isolation, Outcome

LEAK, OTHER = Leak("tasks", "a task"), Leak("tasks", "another task")


def result(*outcomes: Outcome, **facts: Any) -> TestResult:
    attempts = tuple(
        Attempt(number=number, outcome=outcome, duration=float(number), leaks=(LEAK, OTHER)[:number])
        for number, outcome in enumerate(outcomes, 1)
    )
    return TestResult(id="a", file="a.py", line=1, phase="p", attempts=attempts, **facts)


PASSED, FAILED, CRASHED, SKIPPED = Outcome.PASSED, Outcome.FAILED, Outcome.CRASHED, Outcome.SKIPPED


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        (result(), Outcome.NOT_RUN),
        (result(PASSED), PASSED),
        (result(FAILED, PASSED), PASSED),
        (result(PASSED, CRASHED), CRASHED),
        (result(FAILED, PASSED, fails=True), FAILED),
        (result(FAILED, recheck=Recheck(outcome=PASSED)), FAILED),
        (result(FAILED, recheck=Recheck(outcome=PASSED, passes=True)), PASSED),
        (result(FAILED, fails=True, recheck=Recheck(outcome=PASSED, passes=True)), FAILED),
    ],
)
def test_the_last_attempt_decides_unless_the_plan_says_otherwise(test: TestResult, outcome: Outcome) -> None:
    assert test.outcome is outcome


@pytest.mark.parametrize(
    ("outcomes", "flaky"),
    [((), False), ((PASSED,), False), ((FAILED, PASSED), True), ((FAILED, SKIPPED), True), ((FAILED, FAILED), False)],
)
def test_a_test_is_flaky_that_was_red_and_is_not_any_more(outcomes: tuple[Outcome, ...], flaky: bool) -> None:
    assert result(*outcomes).flaky is flaky


@pytest.mark.parametrize(
    ("outcome", "alone", "depends"),
    [(FAILED, PASSED, True), (FAILED, FAILED, False), (FAILED, SKIPPED, False), (PASSED, PASSED, False)],
)
def test_a_test_depends_on_the_order_that_is_red_after_others_and_green_alone(
    outcome: Outcome, alone: Outcome, depends: bool
) -> None:
    assert result(outcome, recheck=Recheck(outcome=alone)).order_dependent is depends
    assert not result(outcome).order_dependent


def test_what_ran_before_a_test_is_the_first_part_of_its_processes_history() -> None:
    assert Recheck(outcome=PASSED, history=("x", "y", "a"), position=2).before == ("x", "y")


def test_the_same_leak_of_two_attempts_is_one() -> None:
    assert result(FAILED, PASSED).leaks == (LEAK, OTHER)


def test_the_duration_is_that_of_the_attempt_that_decides() -> None:
    assert (result(FAILED, PASSED).duration, result().duration) == (2.0, 0.0)


def test_a_run_counts_the_tests_of_all_its_phases() -> None:
    phases = [
        PhaseResult(name=name, isolation=Isolation.PHASE, workers=1, tests=tests)
        for name, tests in {"p": (result(PASSED), result()), "q": (result(FAILED, PASSED),)}.items()
    ]
    run = RunResult(run_id="r", plan="p", plan_path="", root="", at=0.0, wall=0.0, phases=tuple(phases))
    assert run.counts == {PASSED: 2, Outcome.NOT_RUN: 1}
    assert len([*run.tests()]) == 3


def test_a_process_has_ended_its_duration_after_its_start() -> None:
    made = ProcessRun(name="p/1", phase="p", pid=1, slot=0, workers=1, attempt=1, tests=1, at=5.0, mono=0.0, log="")
    assert made.ended == 5.0
    assert Outcome.TIMED_OUT.label == "timed out"
