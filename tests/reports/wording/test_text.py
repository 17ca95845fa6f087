from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.reports.wording.text import (
    as_json,
    defused,
    first_line,
    item,
    one_line,
    reason_line,
    shortened,
    tail,
    visible,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb", "a\\rb"),
        ("nul\0", "nul\\0"),
        ("\x9b31m", "\\x9b31m"),
        ("\x7f", "\\x7f"),
        ("abc\u202edef", "abc\\u202edef"),
        ("\u2028", "\\u2028"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
        ("line\n\ttabbed", "line\n\ttabbed"),
        ("ünïcödé 東京 👩‍👩‍👧", "ünïcödé 東京 👩‍👩‍👧"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "L"])))
def test_no_control_survives_but_newline_and_tab(text: str) -> None:
    result = visible(text)
    result.encode("utf-8")
    assert not {char for char in result if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}} - {"\n", "\t"}
    assert not set(result) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


def test_one_line_has_neither_line_ends_nor_tabs() -> None:
    assert one_line("a\nb\tc\x85") == "a\\nb\\tc\\x85"


def test_the_first_line_is_the_first_that_holds_anything() -> None:
    assert first_line("\n  \nassert 1 == 2\nmore") == "assert 1 == 2"
    assert first_line(" \n") == ""


@pytest.mark.parametrize(
    "line",
    ["##[add-mask]x", "text ##vso[task.setvariable]x", "  ##teamcity[testFailed]", "####[x]", "##VSO[task.x]"],
)
def test_commands_of_ci_services_are_broken_wherever_they_stand(line: str) -> None:
    result = defused(line).lower()
    assert not [word for word in ("##[", "##vso[", "##teamcity[") if word in result]


def test_an_item_does_not_begin_like_a_command() -> None:
    assert item("::error::x\n") == ": :error::x\\n"
    assert item("  ::error::x") == "  : :error::x"
    assert item("tests/a.py::test_b") == "tests/a.py::test_b"


def test_headings_are_left_alone() -> None:
    assert defused("## Title [link]") == "## Title [link]"


def test_the_tail_counts_what_it_cuts() -> None:
    text = "".join(f"{number}\n" for number in range(100))
    assert tail(text, 3) == (["97", "98", "99"], 97)
    assert tail(text, 100) == ([str(number) for number in range(100)], 0)
    assert tail("", 3) == ([], 0)


def test_the_tail_shortens_endless_lines_unless_everything_is_wanted() -> None:
    assert tail("x" * 25, 1, width=10) == (["xxxxxxxxxx … 15 more characters"], 0)
    assert tail("x" * 9000, None) == (["x" * 9000], 0)


def test_the_tail_is_made_visible() -> None:
    assert tail("a\x1b[A\nb\r", 5) == (["a\\x1b[A", "b\\r"], 0)


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (
            "ImportError while importing\nE   ModuleNotFoundError: No module named 'x'",
            "ModuleNotFoundError: No module named 'x'",
        ),
        ('E     File "a.py", line 1\nE       def f(:\nE   SyntaxError: invalid syntax', "SyntaxError: invalid syntax"),
        ("\nno traceback at all\nmore", "no traceback at all"),
        ("", ""),
        ("E   \x1b[2Jclear", "\\x1b[2Jclear"),
    ],
)
def test_the_reason_of_a_traceback_is_its_line_that_says_why(shown: str, line: str) -> None:
    assert reason_line(shown) == line


@pytest.mark.parametrize(
    ("text", "limit", "expected"), [("", 3, ""), ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("abcd", 1, "…")]
)
def test_a_shortened_text_takes_no_more_than_its_limit(text: str, limit: int, expected: str) -> None:
    assert shortened(text, limit) == expected


@pytest.mark.parametrize(
    ("indent", "expected"), [(None, '{"a":["\\u0023#vso[x]",1]}'), (1, '{\n "a": [\n  "\\u0023#vso[x]",\n  1\n ]\n}')]
)
def test_json_for_people_to_look_at_is_obeyed_by_nobody(indent: int | None, expected: str) -> None:
    value = {"a": ["##vso[x]", 1]}
    assert as_json(value, indent=indent) == expected
    assert json.loads(expected) == value
