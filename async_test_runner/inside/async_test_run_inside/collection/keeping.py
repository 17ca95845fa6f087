"""What the project's own plugins keep in memory while tests run, and look at when their session ends.

A conftest.py collects in its fixtures, and writes in ``pytest_sessionfinish``. In one process that is right. Where
tests run in other processes than their session, what was collected is there, and the session writes of nothing.

Its source is read for that: what is changed by functions that run with a test, and read by those that run at the end.
"""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import NamedTuple

WORDS = frozenset({"workerinput", "workeroutput", "is_xdist_worker", "PYTEST_XDIST_WORKER"})  # who knows workers
INSTALLED = ("site-packages", "dist-packages")

_ENDS = ("pytest_sessionfinish", "pytest_terminal_summary", "pytest_unconfigure")
_WITH_A_TEST = frozenset(
    {
        *("pytest_runtest_protocol", "pytest_runtest_setup", "pytest_runtest_call", "pytest_runtest_teardown"),
        *("pytest_runtest_makereport", "pytest_pyfunc_call", "pytest_exception_interact"),
        *("pytest_fixture_setup", "pytest_fixture_post_finalizer"),
    }
)
_HEARD = frozenset({"pytest_runtest_logstart", "pytest_runtest_logreport", "pytest_runtest_logfinish"})
_CHANGING = frozenset(
    {
        *("add", "append", "appendleft", "clear", "difference_update", "discard", "extend", "extendleft", "insert"),
        *("pop", "popleft", "popitem", "put", "put_nowait", "remove", "setdefault", "subtract", "update"),
    }
)
# By the names under which functions have them: what keeps its attributes when a function is over.
_HOLDERS = {"self": "self", "cls": "self", "config": "config", "pytestconfig": "config", "session": "session"}
_CONTAINERS = frozenset({"list", "dict", "set", "deque", "defaultdict", "Counter", "OrderedDict", "Queue"})
_LISTS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_OUTCOMES = frozenset({"exitstatus", "testsfailed"})

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Kept(NamedTuple):
    """``names`` are what ``end``, a hook, finds changed by tests of its own process only; ``judges``: a run may turn
    red by it.
    """

    end: str
    path: str
    names: tuple[str, ...]
    judges: bool


def kept(plugin: object) -> tuple[Kept, ...]:
    """What a plugin of the project keeps until its session ends, by hook; installed ones are known otherwise."""
    module = str(getattr(plugin, "__name__" if hasattr(plugin, "__file__") else "__module__", ""))
    path = str(getattr(sys.modules.get(module, plugin), "__file__", "") or "")
    if not any(hasattr(plugin, end) for end in _ENDS) or not path.endswith(".py"):
        return ()
    if module.startswith(("_pytest.", "async_test_run")) or any(name in path for name in INSTALLED):
        return ()
    return _kept(path, "" if hasattr(plugin, "__file__") else type(plugin).__name__)


@cache
def _kept(path: str, name: str) -> tuple[Kept, ...]:
    """``name`` is the class of the plugin; empty for the file itself."""
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except (SyntaxError, ValueError, RecursionError):
        return ()
    file = _File(tree, name)
    changed = file.all_of(file.with_a_test(), file.changed) - file.all_of(file.heard(), file.changed)
    found = []
    for function in file.ends():
        names = sorted(changed & file.all_of([function], file.read))
        if names and not file.knows_workers(function):
            found.append(Kept(function.name, path, tuple(names), file.judges(function)))
    return tuple(found)


class _File:
    """The functions of one file that a plugin may be made of, by name: its own, and those of one class."""

    def __init__(self, tree: ast.Module, name: str) -> None:
        classes = {owner.name: owner.body for owner in tree.body if isinstance(owner, ast.ClassDef)}
        self._own = _functions(classes.get(name, []) if name else tree.body)
        self.functions = _functions(tree.body) | self._own
        self.globals = dict(_assigned(tree.body))

    def ends(self) -> list[_Function]:
        """Those of the plugin itself that run at the end of a session."""
        return [self._own[end] for end in _ENDS if end in self._own]

    def with_a_test(self) -> list[_Function]:
        """Those that run where the test runs."""
        return [one for one in self.functions.values() if one.name in _WITH_A_TEST or _is_fixture(one)]

    def heard(self) -> list[_Function]:
        """Those that a session calls for the tests of its workers, too."""
        return [one for one in self.functions.values() if one.name in _HEARD]

    def knows_workers(self, function: _Function) -> bool:
        """Whether it, or what it calls here, asks which process it is in."""
        return any(
            getattr(node, "attr", getattr(node, "id", getattr(node, "value", None))) in WORDS
            for called in self._called(function)
            for node in ast.walk(called)
            if isinstance(node, ast.Attribute | ast.Name)
            or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        )

    def judges(self, function: _Function) -> bool:
        """Whether the exit status of its session may come from it. What helpers raise may be meant for them alone."""
        raises = any(isinstance(node, ast.Raise | ast.Assert) for node in ast.walk(function))
        return raises or any(_decides(node) for called in self._called(function) for node in ast.walk(called))

    def all_of(self, functions: Iterable[_Function], what: Callable[[_Function], Iterator[str]]) -> set[str]:
        """What is found in these functions, and in what they call here."""
        return {name for function in functions for called in self._called(function) for name in what(called)}

    def _called(self, function: _Function) -> list[_Function]:
        found, waiting = dict[str, _Function](), [function]
        while waiting:
            one = waiting.pop()
            if one.name not in found:
                found[one.name] = one
                names = {_last(node.func) for node in ast.walk(one) if isinstance(node, ast.Call)}
                waiting += [self.functions[name] for name in names if name in self.functions]
        return list(found.values())

    def read(self, function: _Function) -> Iterator[str]:
        """The names of what it looks at."""
        for node in ast.walk(function):
            if isinstance(node, ast.expr) and (name := self._name(node, {})):
                yield name

    def changed(self, function: _Function) -> Iterator[str]:
        """The names of what it changes, or gives to tests that may."""
        own = {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}
        aliases = {node.arg: "" for node in ast.walk(function) if isinstance(node, ast.arg)}
        for node in ast.walk(function):
            for target in _targets(node):
                if isinstance(target, ast.Name) and target.id not in own:
                    value = getattr(node, "value", None)
                    aliases[target.id] = self._name(value, {}) if value is not None else ""
        for node in ast.walk(function):
            for target in _targets(node):
                if not isinstance(target, ast.Name) or target.id in own:
                    yield from filter(None, [self._name(target, aliases)])
            if isinstance(node, ast.Return | ast.Yield) and isinstance(node.value, ast.Name | ast.Attribute):
                name = self._name(node.value, aliases)
                if name and isinstance(self.globals.get(name), _LISTS):
                    yield name

    def _name(self, node: ast.expr, aliases: dict[str, str]) -> str:
        """What stays when a function is over, as the user would name it; empty for what does not."""
        match node:
            case ast.Name(id=name):
                return aliases.get(name, name if name in self.globals else "")
            case ast.Call(func=ast.Name(id="getattr"), args=[holder, ast.Constant(value=str(name)), *_]):
                return f"{_HOLDERS[_last(holder)]}.{name}" if _last(holder) in _HOLDERS else ""
            case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _CHANGING or name == "get":
                return self._name(value, aliases)
            case ast.Subscript(value=ast.Attribute(attr="stash"), slice=key):
                return f"stash[{ast.unparse(key)}]"
            case ast.Subscript(value=value):
                return self._name(value, aliases)
            case ast.Attribute(value=value, attr=name):
                stays = _HOLDERS.get(_last(value), "")
                return f"{stays}.{name}" if stays else self._name(value, aliases)
            case _:
                return ""


def _functions(body: Iterable[ast.stmt]) -> dict[str, _Function]:
    return {found.name: found for found in body if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef)}


def _assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr | None]]:
    """The names of a file's own values; of calls that make a container it is as if one was written."""
    for node in body:
        value = getattr(node, "value", None)
        if isinstance(node, ast.ImportFrom):
            yield from ((name.asname or name.name, None) for name in node.names)
        if isinstance(value, ast.Call) and _last(value.func) in _CONTAINERS:
            value = ast.List([])
        for target in _targets(node):
            if isinstance(target, ast.Name):
                yield target.id, value


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    """What a node changes."""
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            yield from targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            yield target
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _CHANGING:
            if not isinstance(value, ast.Name):
                yield value
            else:
                yield ast.Subscript(value, ast.Constant(0))  # its content, and not what the name stands for


def _is_fixture(function: _Function) -> bool:
    marks = (mark.func if isinstance(mark, ast.Call) else mark for mark in function.decorator_list)
    return any(_last(mark) == "fixture" for mark in marks)


def _last(node: ast.expr) -> str:
    """``c`` of ``a.b.c``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _decides(node: ast.AST) -> bool:
    is_exit = isinstance(node, ast.Call) and ast.unparse(node.func) in ("pytest.exit", "pytest.fail", "sys.exit")
    return is_exit or any(_last(target) in _OUTCOMES for target in _targets(node))


def shown(found: Kept, root: str) -> str:
    """``pytest_sessionfinish of tests/conftest.py``."""
    path = os.path.relpath(found.path, root)
    return f"{found.end} of {found.path if path.startswith(os.pardir) else path}"
