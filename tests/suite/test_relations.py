"""Tests that need others, and processes that keep them apart."""

from __future__ import annotations

import pytest

from async_test_runner.model.errors import UsageError
from async_test_runner.model.inventory import CollectedTest, PytestFacts
from async_test_runner.model.plan import Phase
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.suite.assignment import AssignedPhase
from async_test_runner.suite.relations import apart, check, notes


def made(id: str, *depends: str, marks: tuple[str, ...] = ()) -> CollectedTest:
    file, *names = id.split("::")
    class_id = "::".join([file, *names[:-1]]) if len(names) > 1 else ""
    return CollectedTest(id=id, file=file, line=1, marks=marks, depends=depends, class_id=class_id)


FACTS = PytestFacts()
NEEDED = made("a.py::first")
SAME_FILE = made("a.py::pay", "a.py::first")
OTHER_FILE = made("b.py::pay", "a.py::first")


@pytest.mark.parametrize(
    ("isolation", "count", "same_file", "other_file"),
    [
        (Isolation.PHASE, 1, False, False),
        (Isolation.PHASE, 2, True, True),
        (Isolation.FILE, 2, False, True),
        (Isolation.CLASS, 1, False, True),
        (Isolation.TEST, 1, True, True),
    ],
)
def test_a_process_has_what_its_tests_need_or_not(
    isolation: Isolation, count: int, same_file: bool, other_file: bool
) -> None:
    phase = Phase(name="all", isolation=isolation, workers=count)
    for test, is_apart in ((SAME_FILE, same_file), (OTHER_FILE, other_file)):
        found = apart([AssignedPhase(phase, (NEEDED, test))], FACTS)
        assert [(each.test.id, each.needed.id) for each in found] == ([(test.id, NEEDED.id)] if is_apart else [])


def test_what_no_phase_runs_is_missing_under_pytest_too() -> None:
    phase = Phase(name="all", isolation=Isolation.TEST)
    assert apart([AssignedPhase(phase, (SAME_FILE,))], FACTS) == []


def test_methods_are_in_the_process_of_their_class() -> None:
    phase = Phase(name="all", isolation=Isolation.CLASS)
    method = made("a.py::Test::pay", "a.py::Test::first", "a.py::first")
    (found,) = apart([AssignedPhase(phase, (NEEDED, made("a.py::Test::first"), method))], FACTS)
    assert found.needed is NEEDED


@pytest.mark.parametrize(
    ("phases", "remedy"),
    [
        ([AssignedPhase(Phase(name="a", isolation=Isolation.TEST), (NEEDED, SAME_FILE))], "set `isolation: file`"),
        ([AssignedPhase(Phase(name="a", isolation=Isolation.FILE), (NEEDED, OTHER_FILE))], "set `isolation: phase`"),
        ([AssignedPhase(Phase(name="a"), (NEEDED,)), AssignedPhase(Phase(name="b"), (SAME_FILE,))], "let one phase"),
    ],
)
def test_it_is_refused_with_the_place_and_a_remedy(phases: list[AssignedPhase], remedy: str) -> None:
    with pytest.raises(UsageError, match=r"runner.yaml:0: phase \w: tests would be skipped") as refused:
        check("runner.yaml", phases, FACTS)
    assert "pay needs a.py::first" in refused.value.message
    assert remedy in (refused.value.hint or "")


def test_where_all_are_together_nothing_is_refused() -> None:
    check("runner.yaml", [AssignedPhase(Phase(name="a"), (NEEDED, SAME_FILE))], FACTS)


@pytest.mark.parametrize(("count", "said"), [(1, 0), (2, 1)])
def test_an_order_that_several_workers_do_not_keep_is_said(count: int, said: int) -> None:
    phase = AssignedPhase(Phase(name="a", workers=count), (made("a.py::x", marks=("order",)),))
    found = notes([phase], FACTS)
    assert len(found) == said
    assert all("do not keep the order of the marks order; `workers: 1` does" in note for note in found)
