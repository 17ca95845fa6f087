"""What the runner wants to know about one collected item."""

from __future__ import annotations

import functools
import inspect
import itertools
import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ..wire.contract import Entry
from ..wire.facts import plain
from .parameters import shown

RESOURCES = "resources"  # @pytest.mark.resources("database"): the test holds the named capacities of the plan


def item_id(item: pytest.Item) -> str:
    """The id of an item on the wire: pytest's node id, without the group that xdist appends for ``loadgroup``."""
    nodeid = str(item.nodeid)
    mark = item.get_closest_marker("xdist_group")
    if mark is not None:
        group = mark.args[0] if mark.args else mark.kwargs.get("name", "default")
        nodeid = nodeid.removesuffix(f"@{group}")
    return plain(nodeid)


def tell_apart(items: Sequence[pytest.Item]) -> list[str]:
    """Give every item an id of its own, and return those that are new: ``a.yaml::check`` and ``a.yaml::check#2``.

    Collectors that are not pytest's own give one id to several items. Everything after the collection, a report of
    pytest's own too, knows an item by its id alone.
    """
    distinct = list({id(item): item for item in items}.values())  # a plugin may repeat an item
    taken = {str(item.nodeid) for item in distinct}
    if len(taken) == len(distinct):
        return []
    met: set[str] = set()
    renamed = []
    for item in distinct:
        nodeid = str(item.nodeid)
        if nodeid in met:
            nodeid = next(name for name in map(f"{nodeid}#{{}}".format, itertools.count(2)) if name not in taken)
            _rename(item, nodeid)
            taken.add(nodeid)
            renamed.append(item_id(item))
        met.add(nodeid)
    return renamed


def _rename(item: pytest.Item, nodeid: str) -> None:
    """Both attributes are private: whether it helped is looked at."""
    node: Any = item
    parse = getattr(type(getattr(item, "_id", None)), "parse", None)  # since pytest 9.2
    try:
        if parse is not None:
            node._id = parse(nodeid)
        else:
            node._nodeid = nodeid
    except AttributeError:
        pass  # a pytest that keeps it elsewhere
    if item.nodeid != nodeid:
        place = f"{item.location[0]}:{(item.location[1] or 0) + 1}"
        raise pytest.UsageError(f"{place}: another item has the id {item.nodeid} already; give each an id of its own")


class Describe:
    """The inventory's entry of an item. ``nobody_awaits`` is asked about each coroutine test."""

    def __init__(self, rootdir: str, nobody_awaits: Callable[[pytest.Item], bool] = lambda item: False) -> None:
        self._rootdir = rootdir
        self._nobody_awaits = nobody_awaits
        self._files: dict[str, str] = {}  # most items share their file with others

    def __call__(self, item: pytest.Item, matches: list[int], depends: list[str]) -> Entry:
        """``matches``: positions of the expressions that are true for it. ``depends``: ids of tests that it needs."""
        file = self._file(str(item.path))
        marks = list(item.iter_markers())
        coroutine = is_async(item)
        return {
            "id": item_id(item),
            "file": file,
            "line": _line(item, file),
            "marks": list(dict.fromkeys(plain(mark.name) for mark in marks)),
            "is_async": coroutine,
            "fixtures": [plain(name) for name in getattr(item, "fixturenames", ())],
            "resources": sorted({str(name) for mark in marks if mark.name == RESOURCES for name in mark.args}),
            "matches": matches,
            "class_id": _class_id(item),
            "source": self._source(item),
            "parameters": _parameters(item),
            "depends": depends,
            "unawaited": coroutine and self._nobody_awaits(item),
        }

    def meaning(self, item: pytest.Item) -> str:
        """What the id of an item stands for, as ``CollectedTest.meant`` in the runner has it."""
        said = [f"line {_line(item, self._file(str(item.path)))}", _parameters(item)]
        return " ".join(part for part in said if part)

    def _source(self, item: pytest.Item) -> str:
        collector = item.getparent(pytest.File)  # type: ignore[type-abstract]
        if collector is None:
            return "?"
        return "" if collector.path == item.path else self._file(str(collector.path))

    def _file(self, path: str) -> str:
        if path not in self._files:
            self._files[path] = plain(relative(path, self._rootdir))
        return self._files[path]


def _line(item: pytest.Item, file: str) -> int:
    place, line, _ = item.location
    return (line + 1) if line is not None and _same(place, file) else 1


def _parameters(item: pytest.Item) -> str:
    parameters = getattr(getattr(item, "callspec", None), "params", None)
    return plain(shown(parameters)) if parameters else ""


def is_async(item: pytest.Item) -> bool:
    """Whether the test itself is a coroutine function or an async generator, behind hypothesis and partials too."""
    function = getattr(item, "obj", None)
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", None)
    function = inner or function
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _class_id(item: pytest.Item) -> str:
    parent = item.getparent(pytest.Class)
    return plain(str(parent.nodeid)) if parent is not None else ""


def relative(path: str, rootdir: str) -> str:
    """A path as ids have it."""
    try:
        return os.path.relpath(path, rootdir).replace(os.sep, "/")
    except ValueError:  # another drive on Windows
        return path.replace(os.sep, "/")


def _same(place: str, file: str) -> bool:
    return place.replace(os.sep, "/") == file
