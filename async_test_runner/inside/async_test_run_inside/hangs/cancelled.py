"""A task that was cancelled and goes on all the same, and the line that lets it."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FrameType
from typing import Any, NamedTuple

from . import safe, stacks
from .bounds import Look

_MOST = 2000  # lines of a function that is read
_SCOPES = 50  # around a task
_CATCHES = ("CancelledError", "BaseException", "Cancelled", "get_cancelled_exc_class")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)


class Handler(NamedTuple):
    """``line`` of some source is to blame: it ``is_at_work``, or it has taken the exception and gone on."""

    line: int
    is_at_work: bool


def of_task(task: Any, frames: list[FrameType], look: Look) -> str:
    """For a task of asyncio: what is to be said, empty where it was not cancelled, or does not know of it yet."""
    times = _times(task)
    if times:
        return f"was cancelled {times} time{'s' if times > 1 else ''} and goes on: {_culprit(frames, look)}"
    return _in_scope(task)


def _times(task: Any) -> int:
    kind = sys.modules["asyncio"].Task
    times = kind.cancelling(task)
    waiter = safe.own(task, "_fut_waiter")
    on_its_way = safe.own(task, "_must_cancel") is True or safe.own(waiter, "_state") == "CANCELLED"
    return 0 if on_its_way else int(times)


def _culprit(frames: list[FrameType], look: Look) -> str:
    """In the innermost function that catches the exception; the project's own come before those of libraries."""
    inward = [frame for frame in reversed(frames) if not stacks.is_machinery(frame.f_code.co_filename)]
    for frame in sorted(inward, key=lambda frame: not stacks.is_own(frame.f_code.co_filename)):
        found = _in_frame(frame, look) if look.has_time() else None
        if found is not None:
            place = stacks.place_of(frame.f_code, found.line, look)
            return f"it is still in {place}" if found.is_at_work else f"{place} swallows CancelledError"
    leaving = next((frame for frame in reversed(frames) if frame.f_code.co_name in ("__aexit__", "_aexit")), None)
    if leaving is not None:
        return f"it is still in {safe.text(leaving.f_code.co_qualname, 80)}"
    return "something swallows CancelledError"


def _in_frame(frame: FrameType, look: Look) -> Handler | None:
    code = frame.f_code
    lines = stacks.lines(code.co_filename, look)
    function = _parsed(code, lines)
    found = handler(function, frame.f_lineno or 0) if function is not None else None
    return found._replace(line=_header(lines, found.line)) if found is not None and found.is_at_work else found


def _header(lines: list[str], line: int) -> int:
    """The line of the ``except`` or ``finally`` whose body begins at ``line``, which is up to a comment away."""
    above = range(line, max(0, line - 20), -1)
    return next((n for n in above if lines[n - 1].lstrip().startswith(("finally", "except"))), line)


def _parsed(code: CodeType, lines: list[str]) -> ast.AST | None:
    """The function of some code, with the lines that it has in its file."""
    first = code.co_firstlineno
    try:
        block = inspect.getblock(lines[first - 1 : first - 1 + _MOST])
        text = "".join(block)
        indented = text[:1] in " \t"
        tree: ast.AST = ast.parse(f"if True:\n{text}" if indented else text)
    except (SyntaxError, ValueError, IndexError, RecursionError, MemoryError):  # a lambda, a file that has changed
        return None
    ast.increment_lineno(tree, first - (2 if indented else 1))
    names = (ast.FunctionDef, ast.AsyncFunctionDef)
    return next((n for n in ast.walk(tree) if isinstance(n, names) and n.name == code.co_name), None)


def handler(function: ast.AST, line: int) -> Handler | None:
    """What lets a function go on that is at ``line`` although it was cancelled.

    The body of a ``finally`` or ``except`` that it is in; else the line that takes the exception of a statement that it
    has left before: one above, or one in a loop around it.
    """
    nodes = list(_inner(function))
    working = [body[0].lineno for node, _ in nodes for body in _ends(node) if _spans(body, line)]
    if working:
        return Handler(max(working), is_at_work=True)
    caught = [at for node, loops in nodes for at in _catching(node) if _was_left(node, loops, line)]
    around = [at for node, _ in nodes for at in _catching(node) if at in caught and _spans([node], line)]
    lines = around or [at for at in caught if at <= line] or caught
    return Handler(max(lines), is_at_work=False) if lines else None


def _inner(node: ast.AST, loops: tuple[ast.AST, ...] = ()) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Every node of a function but those of functions in it, each with the loops that it is in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            continue
        yield child, loops
        yield from _inner(child, (*loops, child) if isinstance(child, _LOOPS) else loops)


def _spans(body: Iterable[Any], line: int) -> bool:
    return any(node.lineno <= line <= (node.end_lineno or node.lineno) for node in body)


def _ends(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The bodies in which the exception has been caught, or waits until they are over."""
    if isinstance(node, ast.Try | ast.TryStar):
        yield from (each.body for each in node.handlers if _catches(each.type))
        if node.finalbody:
            yield node.finalbody


def _catching(node: ast.AST) -> Iterator[int]:
    """The lines of a statement that take the exception and go on."""
    if isinstance(node, ast.Try | ast.TryStar):
        yield from (
            each.lineno for each in node.handlers if _catches(each.type) and not isinstance(each.body[-1], ast.Raise)
        )
        leaves = (ast.Return, ast.Break, ast.Continue)
        yield from (each.lineno for each in node.finalbody if isinstance(each, leaves))
    elif isinstance(node, ast.With | ast.AsyncWith):
        calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
        for call in calls:
            if _name(call.func) == "suppress" and any(_catches(argument) for argument in call.args):
                yield call.lineno


def _catches(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    if isinstance(kind, ast.Tuple):
        return any(_catches(each) for each in kind.elts)
    return _name(kind.func if isinstance(kind, ast.Call) else kind) in _CATCHES


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _was_left(node: Any, loops: tuple[ast.AST, ...], line: int) -> bool:
    """Whether a statement has been left before its function came to ``line``: it ends above, or a loop came back."""
    return (node.end_lineno or node.lineno) < line or any(_spans([loop], line) for loop in loops)


# -------------------------------------------------------------------------------------------------- cancel scopes


def _in_scope(task: Any) -> str:
    """What anyio knows of a task of asyncio: it does not cancel a task in a shielded scope, and waits for it."""
    module = sys.modules.get("anyio._backends._asyncio")
    states = getattr(module, "_task_states", None)
    try:
        scope = safe.own(states.get(task), "cancel_scope") if states is not None else None
    except Exception:  # noqa: BLE001 - a task that cannot be a key
        return ""
    shielded = False
    for _ in range(_SCOPES):
        if scope is None:
            break
        if safe.own(scope, "_cancel_called") is True:
            return _SHIELDED if shielded else ""
        shielded = shielded or safe.own(scope, "_shield") is True
        scope = safe.own(scope, "_parent_scope")
    return ""


_SHIELDED = "a scope around it was cancelled, and it goes on in a shielded one"


def of_trio(task: Any) -> str:
    """For a task of trio, which cancels what waits as long as it is in a cancelled scope."""
    status = safe.own(task, "_cancel_status")
    if status is None:
        return ""
    if safe.own(status, "effectively_cancelled") is True:
        return "was cancelled and goes on: what it waits for cannot be cancelled"
    for _ in range(_SCOPES):
        if status is None:
            break
        if safe.own(safe.own(status, "_scope"), "_cancel_called") is True:
            return _SHIELDED
        status = safe.own(status, "_parent")
    return ""
