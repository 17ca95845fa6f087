"""The catalogue covers every line, and the plan's part of the matrix meets every launcher and every isolation."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.fault import ISOLATIONS, LAUNCHERS, Fault
from tests.faults.fault_lines import LINES
from tests.faults.faults_catalogue import FAULTS, chosen

NUMBERED = pytest.mark.parametrize(("number", "fault"), list(enumerate(FAULTS)), ids=[f.name for f in FAULTS])


@pytest.mark.parametrize("line", LINES)
def test_every_line_is_covered_by_a_fault(line: str) -> None:
    assert [fault.name for fault in FAULTS if line in fault.covers] != []


def test_faults_cover_lines_that_there_are() -> None:
    assert {line for fault in FAULTS for line in fault.covers} == set(LINES)


def test_at_least_fifteen_faults_are_of_our_own_thinking() -> None:
    assert len([fault for fault in FAULTS if not fault.covers]) >= 15


def test_every_fault_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(fault.name for fault in FAULTS).items() if count > 1] == []


@NUMBERED
def test_the_chosen_combination_is_one_that_the_fault_is_about(number: int, fault: Fault) -> None:
    assert chosen(fault, number) in fault.combinations()


def test_every_combination_is_chosen_for_a_fifth_of_all_faults_at_least() -> None:
    counts = Counter(chosen(fault, number) for number, fault in enumerate(FAULTS))
    assert set(counts) == {(launcher, isolation) for launcher in LAUNCHERS for isolation in ISOLATIONS}
    assert min(counts.values()) >= len(FAULTS) / 5


@pytest.mark.parametrize("shape", ["hasty", "patient"])
def test_every_combination_is_chosen_for_faults_of_both_shapes(shape: str) -> None:
    counts = Counter(chosen(fault, number) for number, fault in enumerate(FAULTS) if fault.hasty == (shape == "hasty"))
    assert len(counts) == len(LAUNCHERS) * len(ISOLATIONS)
    assert min(counts.values()) >= 4


@NUMBERED
def test_every_red_test_that_is_expected_is_named_by_what_the_report_says(number: int, fault: Fault) -> None:
    for launcher, isolation in fault.combinations():
        here = fault.under(launcher, isolation)
        if here.drive is not None:
            continue
        red = {name for name, outcome in here.expect.items() if outcome in ("failed", "error", "crashed", "timed_out")}
        assert bool(red or here.problems or here.collect_errors or "not_run" in here.expect.values()) == bool(here.code)
        assert "test_fault" not in red or "test_fault" in here.says
