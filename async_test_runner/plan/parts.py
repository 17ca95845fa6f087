"""The kinds of values that have parts: lists, arguments, mappings of free names."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..words.wording import quoted
from .document import Items, Node, Scalar, Table
from .kinds import NAME_SHAPE, Kind, ScalarText, Schema, Whole, read_part, refuse_unusable
from .problems import Abandoned, Problems, Refused, below, entries, what


class ListOf:
    """A list of one kind, or a single one of it. ``least``: a list that selects must not be empty."""

    def __init__(self, kind: Kind, *, shown: str, unique: bool = True, least: int = 0) -> None:
        self._kind = kind
        self._unique = unique
        self._least = least
        self.shown = shown

    def read(self, node: Node, key: str, problems: Problems) -> tuple[Any, ...]:
        if not isinstance(node, Items):
            return (self._kind.read(node, key, problems),)
        if len(node.items) < self._least:
            raise Refused("is an empty list; remove the key, or write what it is to hold")
        values: list[Any] = []
        seen: set[Any] = set()
        for index, item in enumerate(node.items):
            part = f"{key}[{index}]"
            if not read_part(self._kind, item, part, problems, values.append) or not self._unique:
                continue
            if values[-1] in seen:
                problems.add(item, part, f"{quoted(str(values[-1]))} is there already; remove it")
            seen.add(values[-1])
        if len(values) < len(node.items):
            raise Abandoned
        return tuple(values)

    def schema(self) -> Schema:
        item = self._kind.schema()
        many: Schema = {"type": "array", "items": item}
        if self._least:
            many["minItems"] = self._least
        if self._unique:
            many["uniqueItems"] = True
        return {"anyOf": [*_alone(item), many]}


def _alone(item: Schema) -> list[Schema]:
    """What of an item may stand without a list around it: a list there is always the list of items."""
    options: list[Schema] = item.get("anyOf", [item])
    return [option for option in options if option.get("type") != "array"]


class Arguments:
    """A list of arguments, or one text that is split the way a POSIX shell does."""

    shown = "list of arguments, or text split like a shell does"

    def __init__(self, check: Callable[[Sequence[str]], list[tuple[int, str]]] | None = None) -> None:
        self._check = check
        self._item = ScalarText("-q")

    def read(self, node: Node, key: str, problems: Problems) -> tuple[str, ...]:
        if isinstance(node, Items):
            values: list[str] = []
            fits = [
                read_part(self._item, item, f"{key}[{index}]", problems, values.append)
                for index, item in enumerate(node.items)
            ]
            if not all(fits):
                raise Abandoned
        else:
            values = split(node, "-q --tb=short")
        refused = self._check(values) if self._check else []
        for index, problem in refused:
            if isinstance(node, Items):
                problems.add(node.items[index], f"{key}[{index}]", problem)
            else:
                problems.add(node, key, problem)
        if refused:
            raise Abandoned
        return tuple(values)

    def schema(self) -> Schema:
        return {"anyOf": [{"type": "string"}, {"type": "array", "items": self._item.schema()}]}


def split(node: Node, example: str) -> list[str]:
    """A text split the way a POSIX shell does, without expanding anything."""
    if not isinstance(node, Scalar) or node.kind != "text":
        raise Refused(f'expected a text or a list of arguments, got {what(node)}; write for example "{example}"')
    refuse_unusable(node.text, one_line=False)
    try:
        return shlex.split(node.text)
    except ValueError as error:
        said = f"cannot split {quoted(node.text)}: {str(error).lower()}"
        raise Refused(f"{said}; close the quote, or write a list of arguments") from error


class Variables:
    """Environment variables: name -> text with templates. ``checks`` has what else some of them are to be."""

    shown = "mapping of names to text"

    def __init__(self, check: Callable[[str], str], checks: Mapping[str, Callable[[str], str]]) -> None:
        self._value = ScalarText("1", check=check)
        self._values = {
            name: ScalarText("1", check=lambda text, more=more: check(text) or more(text))  # type: ignore[misc]
            for name, more in checks.items()
        }

    def read(self, node: Node, key: str, problems: Problems) -> tuple[tuple[str, str], ...]:
        def kind(name: str) -> Kind:
            return self._values.get(name, self._value)

        return read_names(node, key, problems, r"[A-Za-z_][A-Za-z0-9_]*", "a variable such as DEBUG: 1", kind)

    def schema(self) -> Schema:
        return {
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "additionalProperties": self._value.schema(),
        }


class Capacities:
    """Named resources: name -> how many may be held at once."""

    shown = "mapping of names to whole numbers"
    _capacity = Whole(1, 10_000)

    def read(self, node: Node, key: str, problems: Problems) -> tuple[tuple[str, int], ...]:
        return read_names(node, key, problems, NAME_SHAPE, "a resource such as database: 1", lambda _: self._capacity)

    def schema(self) -> Schema:
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{NAME_SHAPE}$"},
            "additionalProperties": self._capacity.schema(),
        }


def read_names(
    node: Node, key: str, problems: Problems, shape: str, example: str, kind: Callable[[str], Kind]
) -> tuple[tuple[str, Any], ...]:
    """A mapping of free names to values; ``kind`` has the kind of each by its name."""
    if not isinstance(node, Table):
        raise Refused(f"expected a mapping, got {what(node)}; write {example} below it")
    found: list[tuple[str, Any]] = []
    fits = True
    for name, name_node, value in entries(node, key, problems):
        if re.fullmatch(shape, name):
            into: list[Any] = []
            fits &= read_part(kind(name), value, below(key, name), problems, into.append)
            found += [(name, read) for read in into]
        else:
            fits = False
            problems.add(name_node, below(key, name), f"{quoted(name)} cannot be a name here; write {example}")
    if not fits:
        raise Abandoned
    return tuple(found)
