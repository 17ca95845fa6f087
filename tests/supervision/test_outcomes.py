"""From stages to one outcome, as a table."""

from __future__ import annotations

import pytest

from async_test_runner.contract.messages import Stage
from async_test_runner.model.result import Detail
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.supervision.outcomes import attempts, details, outcome


def stages(text: str) -> list[Stage]:
    """``call:failed teardown:failed sub:failed``; ``sub`` is a subtest's call."""
    pairs = [word.split(":") for word in text.split()]
    return [Stage("call" if when == "sub" else when, what, "m", "t", when == "sub") for when, what in pairs]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", "passed"),
        ("call:failed", "failed"),
        ("setup:failed", "error"),
        ("teardown:failed", "error"),
        ("call:failed teardown:failed", "failed"),
        ("setup:failed teardown:failed", "error"),
        ("setup:skipped", "skipped"),
        ("call:skipped", "skipped"),
        ("call:skipped teardown:failed", "error"),
        ("setup:xfailed", "xfailed"),
        ("call:xfailed", "xfailed"),
        ("call:xfailed teardown:failed", "error"),
        ("call:xpassed", "xpassed"),
        ("call:xpassed teardown:failed", "error"),
        ("sub:failed", "failed"),
        ("sub:skipped", "passed"),
        ("sub:xfailed", "passed"),
        ("sub:skipped call:skipped", "skipped"),
        ("sub:failed call:skipped", "failed"),
        ("call:rerun", "failed"),
        ("setup:rerun", "error"),
        ("call:made-up", "error"),
        ("call:made-up teardown:skipped", "error"),
        ("sub:made-up", "error"),
        ("call:passed", "passed"),
    ],
)
def test_one_outcome_for_the_stages_of_a_test(said: str, expected: str) -> None:
    assert outcome(stages(said)) is Outcome(expected)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("async def function and no async plugin installed (see warnings)", "failed"),
        ("Skipped: async def function and no async plugin installed (see warnings)", "failed"),
        ("Skipped: not here", "skipped"),
    ],
)
def test_a_coroutine_that_pytest_skips_because_nothing_awaits_it_has_failed(message: str, expected: str) -> None:
    assert outcome([Stage("call", "skipped", message)]) is Outcome(expected)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", ["passed"]),
        ("call:rerun", ["failed", "passed"]),
        ("call:rerun setup:rerun call:failed", ["failed", "error", "failed"]),
        ("call:rerun call:failed teardown:failed", ["failed", "failed"]),
    ],
)
def test_tries_within_one_execution_are_attempts(said: str, expected: list[str]) -> None:
    assert [outcome(each).value for each in attempts(stages(said))] == expected


def test_details_keep_each_stage_with_its_own_outcome() -> None:
    assert details(stages("call:failed teardown:failed")) == (
        Detail("call", Outcome.FAILED, "m", "t"),
        Detail("teardown", Outcome.ERROR, "m", "t"),
    )
