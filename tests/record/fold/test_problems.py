"""Which problems a run that is resumed still has."""

from __future__ import annotations

import pytest

from async_test_runner.model.result import Problem
from async_test_runner.record.events import PhaseFinished, ProblemFound
from async_test_runner.record.fold import fold
from tests.support.events import AT, PLANNED, RUN, finished, resumed


@pytest.mark.parametrize(
    ("problem", "complete", "stays"),
    [
        (Problem("infrastructure", "m", phase="p"), False, False),
        (Problem("infrastructure", "m", phase="p"), True, True),
        (Problem("infrastructure", "m"), True, False),
        (Problem("failure", "m", phase="p"), False, True),
        (Problem("failure", "m"), False, False),
        (Problem("internal", "m"), False, True),
    ],
)
def test_a_problem_stays_or_is_met_again(problem: Problem, complete: bool, stays: bool) -> None:
    ids = "abc" if complete else "ab"
    over = [*(finished(id) for id in ids), PhaseFinished(**AT, phase="p", wall=1.0)]
    result = fold([RUN, PLANNED, *over, ProblemFound(**AT, problem=problem), resumed()])
    assert (problem in result.problems) is stays
