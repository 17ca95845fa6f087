"""Ids of an earlier run, and the tests that they mean in a later collection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from async_test_runner.model.inventory import CollectedTest
from async_test_runner.suite import red

IDS = (
    "tests/a/test_x.py::test_one",
    "tests/a/test_x.py::test_one_more",
    "tests/a/test_x.py::TestA::test_two[1]",
    "tests/a/test_x.py::TestA::test_two[2]",
    "tests/a/test_y.py::test_one",
    "tests/ab.py::test_one",
)
TESTS = tuple(CollectedTest(id=id, file=id.partition("::")[0], line=1) for id in IDS)


@pytest.mark.parametrize(
    ("entry", "meant"),
    [
        (IDS[0], [0]),
        (IDS[2], [2]),
        ("tests/a/test_x.py::TestA::test_two[at 0x7f]", [2, 3]),  # values that differ from one collection to the next
        ("tests/a/test_x.py::test_one[new]", [0]),  # parameters that it has no more
        ("tests/a/test_x.py::TestA::test_two", [2, 3]),  # or has by now
        ("tests/a/test_x.py::TestA", [2, 3]),  # collectors that had failed
        ("tests/a/test_x.py", [0, 1, 2, 3]),
        ("tests/a", [0, 1, 2, 3, 4]),
        ("", [0, 1, 2, 3, 4, 5]),
        ("tests/a/test_x.py::test_on", []),
        ("tests/gone.py::test_one", []),
    ],
)
def test_what_an_id_means_now(entry: str, meant: list[int]) -> None:
    holds = red.matcher((entry,), TESTS)
    assert [number for number, test in enumerate(TESTS) if holds(test)] == meant
    assert red.gone((entry,), TESTS) == ([] if meant else [entry])


def test_several_ids_mean_what_each_means() -> None:
    holds = red.matcher((IDS[0], "tests/ab.py"), TESTS)
    assert [test.id for test in TESTS if holds(test)] == [IDS[0], IDS[5]]


def test_brackets_in_a_value_may_hold_anything() -> None:
    test = CollectedTest(id="a.py::test[x::y/z[0]]", file="a.py", line=1)
    assert red.matcher(("a.py::test[other]",), (test,))(test)
    assert not red.matcher(("a.py::test[x::y",), ())(CollectedTest(id="a.py::more[x]", file="a.py", line=1))


def test_without_ids_of_an_earlier_run_no_test_is_looked_at() -> None:
    def tests() -> Iterator[CollectedTest]:
        raise AssertionError("they may be a hundred thousand")
        yield

    assert red.gone((), tests()) == []
