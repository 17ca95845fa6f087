"""The exit code as a table, and the books."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.inventory import CollectError
from async_test_runner.model.result import Attempt, PhaseResult, Problem, RunResult, TestResult
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.verdict import exit_code, violations


def result(*outcomes: Outcome, **facts: Any) -> RunResult:
    """A finished run with these outcomes; not_run comes with a reason."""
    tests = tuple(
        TestResult(
            id=str(number),
            file="a.py",
            line=1,
            phase="p",
            attempts=() if outcome is Outcome.NOT_RUN else (Attempt(number=1, outcome=outcome),),
            reason="why" if outcome is Outcome.NOT_RUN else "",
        )
        for number, outcome in enumerate(outcomes)
    )
    phase = PhaseResult(name="p", isolation=Isolation.PHASE, workers=1, tests=tests)
    values = {"run_id": "r", "plan": "p", "plan_path": "", "root": "", "at": 0.0, "wall": 0.0, "finished": True}
    return RunResult(**{**values, "phases": (phase,), **facts})


def problem(kind: Any) -> dict[str, Any]:
    return {"problems": (Problem(kind, "m"),)}


GREEN = (Outcome.PASSED, Outcome.SKIPPED, Outcome.XFAILED, Outcome.XPASSED)


@pytest.mark.parametrize(
    ("run", "code"),
    [
        (result(*GREEN), ExitCode.PASSED),
        (result(Outcome.SKIPPED), ExitCode.PASSED),
        (result(), ExitCode.NOTHING_SELECTED),
        (result(Outcome.PASSED, Outcome.FAILED), ExitCode.FAILED),
        (result(Outcome.ERROR), ExitCode.FAILED),
        (result(Outcome.TIMED_OUT), ExitCode.FAILED),
        (result(Outcome.CRASHED), ExitCode.FAILED),
        (result(Outcome.PASSED, Outcome.NOT_RUN), ExitCode.FAILED),
        (result(Outcome.PASSED, collect_errors=(CollectError("a", "b"),)), ExitCode.FAILED),
        (result(collect_errors=(CollectError("a", "b"),)), ExitCode.FAILED),
        (result(Outcome.PASSED, collect_skips=(CollectError("a", "b"),)), ExitCode.PASSED),
        (result(Outcome.PASSED, warnings=("w",)), ExitCode.PASSED),
        (result(Outcome.PASSED, **problem("failure")), ExitCode.FAILED),
        (result(**problem("failure")), ExitCode.FAILED),
        (result(Outcome.FAILED, **problem("infrastructure")), ExitCode.INFRASTRUCTURE),
        (result(Outcome.FAILED, **problem("internal")), ExitCode.INTERNAL),
        (result(Outcome.PASSED, problems=(Problem("infrastructure", ""), Problem("internal", ""))), ExitCode.INTERNAL),
        (result(Outcome.PASSED, duplicates=("a",)), ExitCode.INTERNAL),
        (result(Outcome.PASSED, unplanned=("a",)), ExitCode.INTERNAL),
        (result(Outcome.PASSED, finished=False), ExitCode.FAILED),
        (result(finished=False), ExitCode.FAILED),
        (result(Outcome.PASSED, signal=signal.SIGINT), ExitCode.INTERRUPTED),
        (result(Outcome.PASSED, signal=signal.SIGTERM), ExitCode.TERMINATED),
        (result(Outcome.PASSED, signal=signal.SIGHUP), ExitCode.HANGUP),
        (result(Outcome.FAILED, signal=signal.SIGINT, **problem("internal")), ExitCode.INTERRUPTED),
    ],
)
def test_one_exit_code_for_every_run(run: RunResult, code: ExitCode) -> None:
    assert exit_code(run) is code


def test_the_numbers_are_part_of_the_public_surface() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "PASSED": 0,
        "FAILED": 1,
        "USAGE": 2,
        "INTERNAL": 3,
        "INFRASTRUCTURE": 4,
        "NOTHING_SELECTED": 5,
        "HANGUP": 129,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }


@pytest.mark.parametrize("outcome", Outcome)
def test_only_these_outcomes_are_green(outcome: Outcome) -> None:
    assert (exit_code(result(outcome)) is ExitCode.PASSED) == (outcome in GREEN)


def test_books_that_balance_have_no_violations() -> None:
    assert violations(result(*Outcome)) == ()


def test_a_planned_test_without_outcome_and_without_reason_is_a_violation() -> None:
    lost = TestResult(id="lost", file="a.py", line=1, phase="p")
    run = result(phases=(PhaseResult(name="p", isolation=Isolation.PHASE, workers=1, tests=(lost,)),))
    assert violations(run) == ("phase p: planned, but neither reported nor accounted for: lost",)
    assert exit_code(run) is ExitCode.INTERNAL


def test_every_violation_is_named() -> None:
    assert violations(result(duplicates=("a",), unplanned=("b", "c"))) == (
        "reported without being planned: b",
        "reported without being planned: c",
        "reported twice in one attempt: a",
    )
