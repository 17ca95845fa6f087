"""Why a test has no outcome."""

from __future__ import annotations

from typing import Any

import pytest

from async_test_runner.record.events import Event, HangReported, TestNotRun
from async_test_runner.record.fold import fold
from tests.support.events import AT, PLANNED, RUN, began, finished, resumed

HANGS = "in flight when the run ended; it hangs, most likely: a.py:1 in f"


def hang(**facts: Any) -> HangReported:
    values = {"id": "a", "attempt": 1, "why": "overdue", "age": 9.0, "likely": "a.py:1 in f", "text": "t"}
    return HangReported(**{**AT, "phase": "p", "process": "p/0001", **values, **facts})


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ((began("a"), hang()), HANGS),
        ((began("a"), hang(), hang(likely="b.py:2 in g")), HANGS.replace("a.py:1 in f", "b.py:2 in g")),
        ((began("a"), hang(why="asked")), "in flight when the run ended"),
        ((began("a"), hang(id="")), "in flight when the run ended"),
        ((began("a"), hang(phase="nobody")), "in flight when the run ended"),
        ((hang(),), "the run ended before it"),
        ((began("a"), TestNotRun(**AT, phase="p", ids=("a",), reason="why")), "why"),
        ((began("a"), hang(), finished("a")), ""),
        ((began("a"), hang(), finished("a", retry=True), began("a", 2)), ""),
        ((began("a"), hang(), resumed(), PLANNED), "the run ended before it"),
        ((TestNotRun(**AT, phase="p", ids=("a",), reason="why"), resumed(), PLANNED), "the run ended before it"),
    ],
)
def test_the_reason_of_a_test_without_an_outcome(events: tuple[Event, ...], reason: str) -> None:
    assert next(fold([RUN, PLANNED, *events]).tests()).reason == reason


def test_a_hang_of_before_says_nothing_about_a_test_that_runs_in_a_resumed_run() -> None:
    result = fold([RUN, PLANNED, began("a"), hang(), resumed(), PLANNED, began("a")])
    assert next(result.tests()).reason == "in flight when the run ended"
