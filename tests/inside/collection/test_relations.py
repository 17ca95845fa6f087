"""Who needs whom, by the marks of pytest-dependency and pytest-depends."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from async_test_run_inside.collection.relations import Relations


class Item:
    """A test with marks; its file and class are in its id."""

    def __init__(self, nodeid: str, **marks: dict[str, Any]) -> None:
        self.nodeid = nodeid
        self._marks = marks

    def get_closest_marker(self, name: str) -> Any:
        return SimpleNamespace(args=(), kwargs=self._marks[name]) if name in self._marks else None

    def getparent(self, kind: type) -> Any:
        file, *names = self.nodeid.split("::")
        if kind is pytest.Module:
            return _place(file)
        if kind is pytest.Class:
            return _place(f"{file}::{names[0]}") if len(names) > 1 else None
        return _place(kind.__name__)


def _place(name: str, places: dict[str, object] = {}) -> object:  # noqa: B006 - one object a place
    return places.setdefault(name, object())


def needs(*items: Item) -> dict[str, list[str]]:
    relations = Relations(items)  # type: ignore[arg-type]
    found = {item.nodeid: relations.of(item) for item in items}  # type: ignore[arg-type]
    return {id: others for id, others in found.items() if others}


def test_names_are_looked_for_in_the_file_unless_the_mark_says_otherwise() -> None:
    first = Item("a.py::first", dependency={})
    other = Item("b.py::first", dependency={})
    by_name = Item("a.py::pay", dependency={"depends": ["first"]})
    by_id = Item("b.py::pay", dependency={"depends": ["a.py::first"], "scope": "session"})
    assert needs(first, other, by_name, by_id) == {"a.py::pay": ["a.py::first"], "b.py::pay": ["a.py::first"]}


def test_a_test_of_a_class_is_named_with_or_without_it() -> None:
    first = Item("a.py::Test::first", dependency={})
    in_file = Item("a.py::Test::pay", dependency={"depends": ["Test::first"]})
    in_class = Item("a.py::Test::ship", dependency={"depends": ["first"], "scope": "class"})
    elsewhere = Item("a.py::Other::ship", dependency={"depends": ["first"], "scope": "class"})
    found = needs(first, in_file, in_class, elsewhere)
    assert found == {"a.py::Test::pay": ["a.py::Test::first"], "a.py::Test::ship": ["a.py::Test::first"]}


def test_a_name_that_a_test_was_given_stands_for_it() -> None:
    named = Item("a.py::first[1]", dependency={"name": "one"})
    wanted = Item("a.py::pay", dependency={"depends": "one"})
    assert needs(named, wanted) == {"a.py::pay": ["a.py::first[1]"]}


def test_the_marks_of_pytest_depends_are_known() -> None:
    first = Item("a.py::first", depends={"name": ["one"]})
    assert needs(first, Item("b.py::pay", depends={"on": ["one"]})) == {"b.py::pay": ["a.py::first"]}


def test_what_is_no_name_or_nobodys_is_passed_over() -> None:
    strange = Item("a.py::pay", dependency={"depends": 3}, depends={"on": [None, "nobody"]})
    assert needs(strange, Item("a.py::other")) == {}
    assert needs(Item("a.py::pay", dependency={"depends": ["pay"]})) == {}
