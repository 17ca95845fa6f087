"""Fixtures that return before their teardown."""

from __future__ import annotations

import linecache
import textwrap
from pathlib import Path
from typing import Any

import pytest
from async_test_run_inside.leaks.found import Leak
from async_test_run_inside.leaks.teardowns import Teardowns

DECORATED = """
import functools

def passed_through(function):
    @functools.wraps(function)
    def inner():
        return function()
    return inner

"""


def leak_of(directory: Path, text: str, expression: str) -> Leak | None:
    """What is said of a function in a module with this text."""
    path = directory / "fixtures.py"
    path.write_text(textwrap.dedent(text))
    linecache.checkcache(str(path))
    space: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    return Teardowns().of("db", eval(expression, space))


@pytest.mark.parametrize(
    ("text", "expression", "statement", "line"),
    [
        ("async def db():\n    return 1\n    await close()", "db", "await close()", 3),
        ("def db():\n    database = 1\n    return database\n    database.close()", "db", "database.close()", 4),
        ("def db():\n    with start() as it:\n        return it\n        it.stop()", "db", "it.stop()", 4),
        ("def db():\n    try:\n        return 1\n        stop()\n    finally: end()", "db", "stop()", 4),
        ("def db():\n    return 1\n    for it in all: it.stop()", "db", "for it in all:", 3),
        ("class T:\n    def db(self):\n        return 1\n        self.stop()", "T().db", "self.stop()", 4),
        (f"{DECORATED}@passed_through\ndef db():\n    return 1\n    stop()", "db", "stop()", 13),
    ],
)
def test_what_stands_behind_the_return_is_named_with_its_line(
    tmp_path: Path, text: str, expression: str, statement: str, line: int
) -> None:
    leak = leak_of(tmp_path, text, expression)
    assert leak is not None
    assert leak.kind == "teardowns"
    assert leak.what.startswith(f"fixture db returns before its teardown, which never runs: {statement}")
    assert leak.what.endswith(f"fixtures.py:{line})")
    assert leak.where.endswith(" in db") or leak.where.endswith(" in T.db")


@pytest.mark.parametrize(
    "text",
    [
        "async def db():\n    yield 1\n    await close()",
        "def db():\n    if start():\n        return 1\n    stop()\n    return 2",
        "def db():\n    if not start(): return\n    yield 1\n    stop()",
        "def db():\n    if False: stop()\n    return 1",
        "def db():\n    def inner():\n        return 1\n        stop()\n    return inner",
        "def db():\n    return 1\n    never = None",
        "db = len",
        "db = 7",
        "class db: pass",
    ],
)
def test_other_fixtures_are_in_order(tmp_path: Path, text: str) -> None:
    assert leak_of(tmp_path, text, "db") is None


def test_code_without_a_source_is_not_judged() -> None:
    space: dict[str, Any] = {}
    exec("def made():\n    return 1\n    close()", space)
    assert Teardowns().of("db", space["made"]) is None
