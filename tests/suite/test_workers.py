"""How many workers a phase has."""

from __future__ import annotations

from typing import Any

import pytest

from async_test_runner.model.inventory import PytestFacts
from async_test_runner.model.plan import Phase
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.suite.workers import processors, workers_of


@pytest.mark.parametrize(
    ("workers", "isolation", "numprocesses", "expected"),
    [
        (None, Isolation.PHASE, 0, 1),
        (None, Isolation.PHASE, 3, 3),
        (None, Isolation.TEST, 3, 1),
        (2, Isolation.PHASE, 3, 2),
        (4, Isolation.TEST, 0, 4),
        ("auto", Isolation.TEST, 0, processors()),
    ],
)
def test_how_many_workers_a_phase_has(workers: Any, isolation: Isolation, numprocesses: int, expected: int) -> None:
    facts = PytestFacts(numprocesses=numprocesses)
    assert workers_of(Phase(name="p", workers=workers, isolation=isolation), facts) == expected
