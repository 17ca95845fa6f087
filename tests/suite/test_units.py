"""A phase divided by its isolation."""

from __future__ import annotations

import pytest

from async_test_runner.model.inventory import CollectedTest
from async_test_runner.model.plan import Phase
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.suite.units import units


def collected(id: str, class_id: str = "") -> CollectedTest:
    return CollectedTest(id, id.partition("::")[0], 1, class_id=class_id)


TESTS = (
    collected("a::C::1", "a::C"),
    collected("b::1"),
    collected("a::C::2", "a::C"),
    collected("a::D::1", "a::D"),
    collected("a::2"),
)


@pytest.mark.parametrize(
    ("isolation", "expected"),
    [
        (Isolation.PHASE, ["a::C::1 b::1 a::C::2 a::D::1 a::2"]),
        (Isolation.FILE, ["a::C::1 a::C::2 a::D::1 a::2", "b::1"]),
        (Isolation.CLASS, ["a::C::1 a::C::2", "b::1", "a::D::1", "a::2"]),
        (Isolation.TEST, ["a::C::1", "b::1", "a::C::2", "a::D::1", "a::2"]),
    ],
)
def test_isolation_divides_a_phase_in_the_order_of_the_collection(isolation: Isolation, expected: list[str]) -> None:
    found = units(Phase(name="p", isolation=isolation), TESTS)
    assert [" ".join(test.id for test in unit) for unit in found] == expected


@pytest.mark.parametrize("isolation", Isolation)
def test_no_tests_are_no_units(isolation: Isolation) -> None:
    assert units(Phase(name="p", isolation=isolation), ()) == []
