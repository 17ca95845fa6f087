"""Who knows that tests may run in workers: code that names what pytest-xdist tells a worker from its controller by.

A plugin often asks in a function that its hook calls. So functions of the same package are looked into as well, by the
names that the code uses: what is found too much is called as under pytest-xdist.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import CodeType, ModuleType
from typing import Any

from ..collection.keeping import INSTALLED, WORDS

_MOST = 500  # functions that are looked into


def knows_workers(function: Callable[..., object]) -> bool:
    """Whether its code, or what it calls in its own package, names what tells a worker from a session."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    space = _space(function)
    called = _functions(_package(space)) if is_installed(function) else _defined(space)
    seen: set[CodeType] = set()
    waiting = [code]
    while waiting and len(seen) < _MOST:
        found = waiting.pop()
        if found in seen:
            continue
        seen.add(found)
        names = set(_names(found))
        if not WORDS.isdisjoint(names):
            return True
        waiting += [other for name in names for other in called.get(name, ())]
    return False


def home(code: Any) -> str:
    """What a function, or a frame, belongs to: an installed package, or a file of the project."""
    space = _space(code)
    return _package(space) if is_installed(code) else str(space.get("__file__", ""))


def _space(code: Any) -> dict[str, Any]:
    found: dict[str, Any] = getattr(code, "f_globals", None) or getattr(code, "__globals__", None) or {}
    return found


def _package(space: dict[str, Any]) -> str:
    return str(space.get("__name__", "")).partition(".")[0]


def is_installed(code: Any) -> bool:
    """Whether a function, or a frame, is of an installed package."""
    return any(name in str(_space(code).get("__file__", "")) for name in INSTALLED)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from _names(constant)


@cache
def _functions(package: str) -> dict[str, list[CodeType]]:
    """All code of a package that is imported, by name."""
    found: dict[str, list[CodeType]] = {}
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and (name == package or name.startswith(f"{package}.")):
            for called, codes in _defined(vars(module)).items():
                found.setdefault(called, []).extend(codes)
    return found


def _defined(space: dict[str, Any]) -> dict[str, list[CodeType]]:
    """The code of the functions and methods of a module, by name."""
    module = space.get("__name__")
    found: dict[str, list[CodeType]] = {}
    for value in list(space.values()):
        if getattr(value, "__module__", None) != module:
            continue
        for function in vars(value).values() if isinstance(value, type) else (value,):
            code = getattr(_plain(function), "__code__", None)
            if isinstance(code, CodeType) and not code.co_name.startswith("pytest_"):  # hooks are called by pytest
                found.setdefault(code.co_name, []).append(code)
    return found


def _plain(function: Any) -> Any:
    """What stands behind a property, or a method of a class."""
    if isinstance(function, property):
        return function.fget
    return function.__func__ if isinstance(function, classmethod | staticmethod) else function
