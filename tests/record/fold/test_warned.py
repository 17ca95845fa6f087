"""Warnings of a run: the same one once, with its count."""

from __future__ import annotations

from async_test_runner.model.inventory import SuiteWarning
from async_test_runner.record.fold.warned import KINDS, TESTS, WarningFold


def said(where: str = "a.py:1", count: int = 1, *tests: str) -> SuiteWarning:
    return SuiteWarning("UserWarning", where, "old", count, tests)


def test_the_same_warning_of_several_processes_is_one() -> None:
    it = WarningFold()
    for warning in (said("a.py:1", 1, "a"), said("b.py:1"), said("a.py:1", 4, "a", "b")):
        it.add(warning)
    assert it.all([]) == (said("a.py:1", 5, "a", "b"), said("b.py:1"))


def test_those_of_the_collection_come_first() -> None:
    it = WarningFold()
    it.add(said("b.py:1", 2, "t"))
    assert it.all([said("c.py:1"), said("b.py:1")]) == (said("c.py:1"), said("b.py:1", 3, "t"))
    assert it.all([said("c.py:1")]) == (said("c.py:1"), said("b.py:1", 2, "t"))  # asked again, the same


def test_what_is_beyond_the_bounds_is_counted() -> None:
    it = WarningFold()
    it.add(SuiteWarning("", "", "", 5))
    for number in range(KINDS + 2):
        it.add(said(f"a.py:{number}", 3))
    it.add(said("a.py:0", TESTS + 9, *map(str, range(TESTS + 9))))
    found = it.all([])
    assert len(found) == KINDS + 1
    assert found[-1] == SuiteWarning("", "", "", 5 + 2 * 3)
    assert len(found[0].tests) == TESTS
    assert sum(warning.count for warning in found) == 5 + 3 * (KINDS + 2) + TESTS + 9
