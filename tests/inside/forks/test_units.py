"""Which tests go to one worker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.forks import units
from hypothesis import given
from hypothesis import strategies as st


class Item:
    def __init__(self, nodeid: str, *scopes: str, parent: str = "") -> None:
        self.nodeid = nodeid
        definitions = {f"fixture_{scope}": [SimpleNamespace(scope=scope)] for scope in scopes}
        self._fixtureinfo = SimpleNamespace(name2fixturedefs=definitions)
        self._parent = SimpleNamespace(nodeid=parent) if parent else None

    def getparent(self, kind: type) -> Any:
        return self._parent if kind is pytest.Class else None


def grouped(items: list[Any], workers: int) -> list[list[int]]:
    return list(units.groups(items, workers))


def test_tests_of_a_file_with_a_module_fixture_stay_together() -> None:
    items = [Item(f"a.py::test_{n}", "function", "module") for n in range(40)]
    assert grouped([*items, Item("b.py::test", "module")], 2) == [list(range(40)), [40]]


def test_tests_of_a_class_with_a_class_fixture_stay_together() -> None:
    items = [Item(f"a.py::A::test_{n}", "class", parent="a.py::A") for n in range(3)]
    items += [Item(f"a.py::B::test_{n}", "class", parent="a.py::B") for n in range(2)]
    assert grouped(items, 2) == [[0, 1, 2], [3, 4]]


def test_independent_tests_are_cut_into_slices_small_enough_for_all_workers() -> None:
    groups = grouped([Item(f"a.py::test_{n}") for n in range(800)], 2)
    assert [position for group in groups for position in group] == list(range(800))
    assert max(map(len, groups)) == 25
    assert len(groups) >= 16


def taken(shares: units.Shares, *workers: int) -> list[list[int] | None]:
    return [shares.take(worker) for worker in workers]


def test_workers_begin_far_apart_and_take_the_end_of_what_is_left_to_another() -> None:
    shares = units.Shares([[n] for n in range(8)], 2)
    assert taken(shares, 0, 1, 0) == [[0], [4], [1]]
    assert taken(shares, 1, 1, 1, 1) == [[5], [6], [7], [3]]
    assert taken(shares, 0, 0, 1) == [[2], None, None]


def test_shares_have_as_many_tests_and_not_as_many_groups() -> None:
    shares = units.Shares([[0, 1, 2, 3], [4], [5], [6], [7]], 2)
    assert taken(shares, 1, 0, 0) == [[4], [0, 1, 2, 3], [7]]


def test_with_one_share_all_take_what_is_next() -> None:
    shares = units.Shares([[0], [1], [2]], 1)
    assert taken(shares, 3, 0) == [[0], [1]]
    shares.give_back(3, [1])
    assert (len(shares), taken(shares, 7)) == (2, [[1]])


def test_what_does_not_fit_now_waits() -> None:
    shares = units.Shares([[0], [1], [2], [3]], 2)
    assert shares.take(0, lambda unit: unit == [1]) == [1]
    assert shares.take(0, lambda unit: unit == [2]) == [2]
    assert shares.take(0, lambda unit: False) is None
    shares.clear()
    assert (len(shares), shares.take(0)) == (0, None)


@given(st.lists(st.integers(1, 5), max_size=30), st.integers(1, 5), st.lists(st.integers(0, 4)))
def test_everything_is_taken_once(sizes: list[int], workers: int, order: list[int]) -> None:
    numbers = iter(range(1000))
    waiting = [[next(numbers) for _ in range(size)] for size in sizes]
    shares = units.Shares(waiting, workers)
    found = [unit for unit in taken(shares, *order, *[0] * len(waiting)) if unit is not None]
    assert sorted(found) == sorted(waiting)


def test_an_item_of_another_kind_stays_with_its_file() -> None:
    items = [
        SimpleNamespace(nodeid="a.yaml::1"),
        SimpleNamespace(nodeid="a.yaml::2"),
        SimpleNamespace(nodeid="b.yaml::1"),
    ]
    assert grouped(items, 2) == [[0, 1], [2]]


def saw(*tests: int, left: bool = True) -> units.Lone:
    """Workers that have ended after so many tests each."""
    lone = units.Lone()
    for number in tests:
        lone.saw(number, left=left)
    return lone


def test_workers_get_one_test_each_once_nearly_none_has_stayed_clean_for_two() -> None:
    assert [bool(saw(*[1] * number)) for number in (7, 8)] == [False, True]
    assert saw(1, 1, 1, 5, 1, 1, 1, 5, 1, 1)
    assert not saw(1, 1, 1, 5, 1, 1, 5, 1, 1, 5)
    assert not saw(1, 1, 1, 1, 1, 1, 1, 1, 5, 5, 5)


def test_a_worker_that_had_no_more_to_run_says_nothing_of_the_others() -> None:
    assert not saw(*[1] * 20, left=False)
    assert not saw(*[0] * 20)


def test_every_sixteenth_worker_tries_whether_one_stays_clean_again() -> None:
    lone = saw(*[1] * 8)
    assert [lone.next() for _ in range(33)].count(False) == 2
    lone.saw(1, left=True)
    assert lone.next()
    lone.saw(2, left=True)
    assert not lone.next()
    assert not saw(*[1] * 7).next()
