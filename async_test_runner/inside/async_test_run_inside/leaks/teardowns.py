"""Fixtures that return before their teardown: what stands after the ``return`` never runs, and nobody says so.

Python drops such statements when it compiles, but keeps the names that they used. A fixture whose code has names that
no instruction uses is looked at closely, once: its source is parsed.
"""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
import types
from collections.abc import Iterator
from typing import Any

from ..hangs.makers import is_library
from .found import Leak, code_place, shown

_DEPTH = 10  # decorators around a fixture
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


class Teardowns:
    """What is known of the fixtures that were set up so far, by their code."""

    def __init__(self) -> None:
        self._known: dict[types.CodeType, Leak | None] = {}

    def of(self, name: str, function: Any) -> Leak | None:
        """What the fixture leaves undone whenever it is set up."""
        for _ in range(_DEPTH):
            inner = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None)
            if inner is None:
                break
            function = inner
        code = getattr(function, "__code__", None)
        if not isinstance(code, types.CodeType):
            return None
        try:
            return self._known[code]
        except KeyError:
            found = self._known[code] = _looked_at(name, function, code)
            return found


def _looked_at(name: str, function: Any, code: types.CodeType) -> Leak | None:
    generates = code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR)
    if generates or is_library(code.co_filename) or not _unused_names(code):
        return None
    try:
        lines, first = inspect.getsourcelines(code)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError, ValueError):  # no source, or not what was compiled
        return None
    statement = next(_never_reached(tree), None)
    if statement is None:
        return None
    line = f"{shown(code.co_filename)}:{first + statement.lineno - 1}"
    what = f"fixture {name} returns before its teardown, which never runs: {ast.unparse(statement)} ({line})"
    return Leak("teardowns", what, code_place(function))


def _unused_names(code: types.CodeType) -> set[str]:
    used = {str(instruction.argval).rpartition(" ")[2] for instruction in dis.get_instructions(code)}
    return set(code.co_names) - used


def _never_reached(tree: ast.AST) -> Iterator[ast.stmt]:
    """Statements that call something and stand behind a ``return``, those of inner functions and classes left out."""
    todo = list(ast.iter_child_nodes(tree))
    while todo:
        block = todo.pop()
        for field in _BLOCKS:
            statements: list[Any] = getattr(block, field, [])
            returned = False
            for statement in statements:
                if returned and any(isinstance(part, ast.Call) for part in ast.walk(statement)):
                    yield statement
                    break
                returned = returned or isinstance(statement, ast.Return)
            todo += [
                one for one in statements if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            ]
