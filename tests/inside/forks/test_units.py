"""Which tests go to one worker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.forks import units


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


def test_an_item_of_another_kind_stays_with_its_file() -> None:
    items = [
        SimpleNamespace(nodeid="a.yaml::1"),
        SimpleNamespace(nodeid="a.yaml::2"),
        SimpleNamespace(nodeid="b.yaml::1"),
    ]
    assert grouped(items, 2) == [[0, 1], [2]]
