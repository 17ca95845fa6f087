"""In how many processes the tests of a clean phase ran, and what ended them."""

from __future__ import annotations

import msgspec

from async_test_runner.model.result import Retirement
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.record.events import WorkerRetired
from async_test_runner.record.fold import fold
from tests.support.events import AT, PLANNED, RUN, finished

CLEAN = msgspec.structs.replace(PLANNED, isolation=Isolation.CLEAN)


def test_a_process_counts_by_its_first_test_and_its_end_is_kept() -> None:
    end = WorkerRetired(**AT, phase="p", process="p/0001", worker="gw0", id="b", why="call failed")
    second = msgspec.structs.replace(finished("b"), nth=1)
    [phase] = fold([RUN, CLEAN, finished("a"), second, end, finished("c")]).phases
    assert phase.shared == 2
    assert phase.retirements == (Retirement("p/0001", "gw0", "b", "call failed"),)


def test_processes_of_other_phases_are_not_counted() -> None:
    [phase] = fold([RUN, PLANNED, finished("a")]).phases
    assert (phase.shared, phase.retirements) == (0, ())
