"""Whose line made something."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path

import pytest
from async_test_run_inside.hangs import ages
from async_test_run_inside.hangs.makers import Made, is_library, is_of_tests, maker


@pytest.mark.parametrize(
    ("path", "expected"),
    [(__file__, False), (pytest.__file__, True), (functools.__file__, True), (ages.__file__, False)],
)
def test_installed_packages_and_the_standard_library_are_libraries(path: str, expected: bool) -> None:
    assert is_library(path) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (__file__, True),
        ("/home/me/shop/orders.py", True),
        (ages.__file__, False),
        (functools.__file__, False),
        ("<string>", False),
    ],
)
def test_code_under_test_is_neither_a_librarys_nor_ours(path: str, expected: bool) -> None:
    assert is_of_tests(path) is expected


def line_of(mark: str) -> int:
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {mark}"))


class Thing:
    def __init__(self) -> None:
        self.made = maker(sys._getframe())


def test_the_maker_of_an_object_is_who_calls_its_init() -> None:
    thing = Thing()  # made here
    assert isinstance(thing.made, Made)
    assert (thing.made.line, thing.made.code.co_name) == (line_of("made here"), sys._getframe().f_code.co_name)


def test_frames_of_libraries_are_passed_over() -> None:
    found: list[Made | None] = []
    json.loads("{}", object_hook=lambda _: found.append(maker(sys._getframe(1))))  # there
    assert [made.line for made in found if made is not None] == [line_of("there")]


def test_where_no_code_under_test_is_there_is_no_maker() -> None:
    assert maker(None) is None
