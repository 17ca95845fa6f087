"""The one line that a test's parameters are: the same in each process, and another where the test is another."""

from __future__ import annotations

import datetime
import decimal
import enum
import re
import types
import uuid
from pathlib import PurePosixPath
from typing import Any

import pytest
from async_test_run_inside.collection.parameters import shown


class Colour(enum.Enum):
    """Something to choose from."""

    RED = 1


class Asks:
    """Must not be asked for its text."""

    def __repr__(self) -> str:
        raise AssertionError("a database was asked")


def function() -> None:
    """Something with a name."""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "1"),
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        ("a\nb", r"'a\nb'"),
        (b"a", "b'a'"),
        (Colour.RED, "Colour.RED"),
        ({"b", "a"}, "{'a', 'b'}"),
        (frozenset({2, 1}), "frozenset(1, 2)"),
        ([1, ("a", {"k": {2, 1}})], "[1, ('a', {'k': {1, 2}})]"),
        (datetime.date(2026, 1, 2), "datetime.date(2026, 1, 2)"),
        (decimal.Decimal("1.0"), "Decimal('1.0')"),
        (uuid.UUID(int=1), "UUID('00000000-0000-0000-0000-000000000001')"),
        (PurePosixPath("a/b"), "PurePosixPath('a/b')"),
        (re.compile("a+"), "re.compile('a+')"),
        (int, "builtins.int"),
        (len, "builtins.len"),
        (function, f"{__name__}.function"),
        (re, "re"),
        (types.SimpleNamespace(a=1), "<types.SimpleNamespace>"),
        (object(), "<builtins.object>"),
        (Asks(), f"<{__name__}.Asks>"),
        ([Asks()], f"[<{__name__}.Asks>]"),
        ([[[[[1]]]]], "[[[[<builtins.list>]]]]"),
    ],
)
def test_a_value_is_shown_by_what_lasts_of_it(value: Any, expected: str) -> None:
    assert shown({"x": value}) == f"x={expected}"


def test_names_stand_in_their_order() -> None:
    assert shown({"b": 1, "a": 2}) == "b=1, a=2"


def test_of_a_long_line_the_end_counts_too() -> None:
    one, other = shown({"x": "a" * 5000 + "1"}), shown({"x": "a" * 5000 + "2"})
    assert one != other
    assert len(one) < 300


def test_a_container_in_itself_comes_to_an_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert shown({"x": endless}).startswith("x=[[[[<builtins.list>")
