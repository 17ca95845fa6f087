"""Warnings by message and place, and the bounds of what is told."""

from __future__ import annotations

import warnings

from async_test_run_inside.collection.warned import KINDS, TESTS, Warnings


def warning(text: object = "old", line: int = 1, path: str = "/p/a.py") -> warnings.WarningMessage:
    return warnings.WarningMessage(text, DeprecationWarning, path, line)  # type: ignore[arg-type]


def test_what_is_new_is_told_at_once_and_its_repetitions_are_counted() -> None:
    it = Warnings("/p")
    new = it.heard(warning(), "a")
    assert new == {"category": "DeprecationWarning", "where": "a.py:1", "text": "old", "count": 1, "tests": ["a"]}
    assert it.heard(warning(), "b") is None
    assert it.heard(warning(), "b") is None
    assert it.heard(warning(line=2), "b") is not None
    assert list(it.rest()) == [{**new, "count": 2, "tests": ["a", "b"]}]
    assert [one["count"] for one in it.all()] == [3, 1]


def test_the_first_tests_are_named_and_different_warnings_beyond_a_limit_are_counted() -> None:
    it = Warnings("/p")
    for number in range(KINDS + 7):
        it.heard(warning(line=number), "")
    for number in range(TESTS + 3):
        it.heard(warning(line=0), f"t{number}")
    first, beyond = it.rest()
    assert (first["count"], len(first["tests"])) == (TESTS + 3, TESTS)
    assert beyond == {"category": "", "where": "", "text": "", "count": 7, "tests": []}
    assert sum(one["count"] for one in it.all()) == KINDS + 7 + TESTS + 3


def test_a_long_text_says_what_is_cut() -> None:
    said = Warnings("/p").heard(warning("x" * 1500), "")
    assert said is not None
    assert said["text"] == "x" * 1000 + "… 500 more characters"


def test_a_warning_without_a_text_and_one_that_is_no_unicode_are_told_all_the_same() -> None:
    class Mute(Warning):
        def __str__(self) -> str:
            raise RuntimeError

    it = Warnings("/p")
    said = it.heard(warning(Mute()), "")
    assert said is not None
    assert said["text"] == "<its text could not be had: RuntimeError>"
    odd = it.heard(warning("\udcff", path="/elsewhere/\udcff.py"), "")
    assert odd is not None
    assert (odd["where"], odd["text"]) == ("/elsewhere/\\udcff.py:1", "\\udcff")
