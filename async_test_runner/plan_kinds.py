"""The kinds of values in a plan. A kind reads a YAML node, describes itself as JSON Schema, and names its type.

``read`` returns the value or raises `Refused` with a text that ends with the remedy; a kind with parts reports each bad
part to `Problems` itself and raises `Abandoned`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .durations import LONGEST, PATTERN, format_duration, parse_duration
from .wording import did_you_mean, quoted, shortened
from .yaml_reading import Items, Node, Scalar, Table

Schema = dict[str, Any]

MOST_PROBLEMS = 50
LONGEST_TEXT = 10_000
NAME_SHAPE = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,59}"
NAME_TEXT = "letters, digits, '.', '_' and '-', not beginning with '.' or '-', at most 60"


class Refused(Exception):  # noqa: N818  # control flow inside the reading of a plan, never seen outside
    """The value does not fit; the text ends with the remedy. ``node`` is the culprit when it is a part of the value."""

    def __init__(self, text: str, node: Node | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.node = node


class Abandoned(Exception):  # noqa: N818  # as above
    """The value does not fit, and its problems have been reported already."""


class TooMany(Exception):  # noqa: N818  # as above
    """Enough problems were found."""


class Problems:
    """Collects the problems of one plan as finished lines, in the order of the file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[tuple[int, int, str]] = []

    def add(self, node: Node, key: str, text: str) -> None:
        """One problem at the place of a node; `TooMany` after the fiftieth."""
        self.add_at(node.line, node.column, key, text)

    def add_at(self, line: int, column: int, key: str, text: str) -> None:
        """One problem at a place."""
        self._found.append((line, column, f"{self._file}:{line}:{column}: {key}: {text}"))
        if len(self._found) >= MOST_PROBLEMS:
            raise TooMany

    def lines(self) -> tuple[str, ...]:
        """All of them, once each."""
        return tuple(dict.fromkeys(line for _, _, line in sorted(self._found)))


def below(key: str, part: str) -> str:
    """The path of a part: ``phases[0]`` and ``timeout`` make ``phases[0].timeout``."""
    return f"{key}.{shortened(part)}" if key else shortened(part)


def what(node: Node) -> str:
    """A node as a message names it: ``the number 3``, ``a list``, ``nothing``."""
    match node:
        case Items():
            return "a list"
        case Table():
            return "a mapping"
        case Scalar(kind="null"):
            return "nothing"
        case Scalar(kind="boolean"):
            return f"the boolean {node.text}"
        case Scalar(kind="whole" | "number"):
            return f"the number {shortened(node.text)}"
        case _:
            return quoted(node.text)


class Kind(Protocol):
    """How one sort of value is read and described."""

    @property
    def shown(self) -> str:
        """The type as the reference names it."""
        ...

    def read(self, node: Node, key: str, problems: Problems) -> Any:
        """The value. `Refused` or `Abandoned` when it does not fit."""
        ...

    def schema(self) -> Schema:
        """The JSON Schema of the value."""
        ...


def read_part(kind: Kind, node: Node, key: str, problems: Problems, into: Callable[[Any], None]) -> bool:
    """Read one part of a larger value; report it when it does not fit. Whether it did."""
    try:
        if node.tag:
            raise Refused(f"the tag {quoted(node.tag)} is not supported; remove it")
        into(kind.read(node, key, problems))
    except Refused as refused:
        problems.add(refused.node or node, key, refused.text)
    except Abandoned:
        pass
    else:
        return True
    return False


# --------------------------------------------------------------------------------------------------- single values


class Text:
    """A string. ``example`` is what the message shows; ``check`` answers with a problem or an empty string."""

    def __init__(
        self,
        expected: str,
        example: str,
        *,
        shape: str = "",
        check: Callable[[str], str] | None = None,
        shown: str = "text",
        one_line: bool = True,
    ) -> None:
        self.shown = shown
        self._expected = expected
        self._example = example
        self._shape = shape
        self._check = check
        self._one_line = one_line

    def read(self, node: Node, key: str, problems: Problems) -> str:
        if not isinstance(node, Scalar) or node.kind != "text":
            quote = f' or put it in quotes: "{node.text}"' if isinstance(node, Scalar) and node.kind != "null" else ""
            raise Refused(f'expected {self._expected}, got {what(node)}; write for example "{self._example}"{quote}')
        text = " ".join(node.text.split("\n")).strip() if self._one_line else node.text
        if not text and self._one_line:
            raise Refused(f'expected {self._expected}, got an empty text; remove it or write "{self._example}"')
        refuse_unusable(text, one_line=self._one_line)
        if self._shape and not re.fullmatch(self._shape, text):
            raise Refused(f'expected {self._expected}, got {quoted(text)}; write for example "{self._example}"')
        problem = self._check(text) if self._check else ""
        if problem:
            raise Refused(problem)
        return text

    def schema(self) -> Schema:
        schema: Schema = {"type": "string"}
        if self._shape:
            schema["pattern"] = f"^(?:{self._shape})$"
        elif self._one_line:
            schema["pattern"] = r"\S"
        return schema


def refuse_unusable(text: str, *, one_line: bool) -> None:
    """`Refused` for a text that no process argument, file name or report can hold."""
    if len(text) > LONGEST_TEXT:
        raise Refused(f"is {len(text)} characters long; shorten it to at most {LONGEST_TEXT}")
    if "\0" in text:
        raise Refused("contains a NUL character; remove it")
    if one_line and any(c != "\t" and not c.isprintable() for c in text):
        raise Refused(f"{quoted(text)} contains a control character; remove it")


class ScalarText:
    """Text, a number or a boolean, taken as it is written: ``1`` is "1", ``true`` is "true"."""

    def __init__(self, example: str, *, check: Callable[[str], str] | None = None, shown: str = "text") -> None:
        self.shown = shown
        self._example = example
        self._check = check

    def read(self, node: Node, key: str, problems: Problems) -> str:
        if not isinstance(node, Scalar) or node.kind == "null":
            raise Refused(f'expected text, got {what(node)}; write for example "{self._example}", or "" for none')
        refuse_unusable(node.text, one_line=False)
        problem = self._check(node.text) if self._check else ""
        if problem:
            raise Refused(problem)
        return node.text

    def schema(self) -> Schema:
        return {"type": ["string", "number", "boolean"]}


class Choice:
    """One of a few words; ``refused`` maps words that people try to the reason and the remedy."""

    def __init__(self, *words: str, refused: Mapping[str, str] | None = None) -> None:
        self._words = words
        self._refused = refused or {}
        self.shown = " or ".join(f"`{word}`" for word in words)

    def read(self, node: Node, key: str, problems: Problems) -> str:
        if isinstance(node, Scalar) and node.kind == "text":
            if node.text in self._words:
                return node.text
            if node.text in self._refused:
                raise Refused(self._refused[node.text])
            meant = did_you_mean(node.text, self._words)
            raise Refused(f"expected {self._listed()}, got {quoted(node.text)}; {meant or f'write {self._words[0]}'}")
        raise Refused(f"expected {self._listed()}, got {what(node)}; write {self._words[0]}")

    def _listed(self) -> str:
        return " or ".join((", ".join(self._words[:-1]), self._words[-1]))

    def schema(self) -> Schema:
        return {"enum": list(self._words)}


class Whole:
    """A whole number within bounds; ``words`` are texts and null that may stand in its place."""

    def __init__(self, least: int, most: int, *, word: str = "", nullable: bool = False) -> None:
        self._least = least
        self._most = most
        self._word = word
        self._nullable = nullable
        self.shown = "whole number" + (f" or `{word}`" if word else "") + (" or null" if nullable else "")

    def read(self, node: Node, key: str, problems: Problems) -> int | str | None:
        if isinstance(node, Scalar):
            if node.kind == "null" and self._nullable:
                return None
            if self._word and node.text == self._word:
                return self._word
            if node.kind == "whole" and self._least <= int(node.text) <= self._most:
                return int(node.text)
        word = f" or {self._word}" if self._word else ""
        remedy = f"write null for no limit, or {self._example()}" if self._nullable else f"write {self._example()}"
        raise Refused(f"expected a whole number from {self._least} to {self._most}{word}, got {what(node)}; {remedy}")

    def _example(self) -> str:
        return self._word or str(max(1, self._least))

    def schema(self) -> Schema:
        number: Schema = {"type": "integer", "minimum": self._least, "maximum": self._most}
        if self._nullable:
            number["type"] = ["integer", "null"]
        return {"anyOf": [number, {"const": self._word}]} if self._word else number


class Version:
    """The version of the plan's format: 1."""

    shown = "`1`"

    def read(self, node: Node, key: str, problems: Problems) -> int:
        if isinstance(node, Scalar) and node.kind == "whole" and int(node.text) == 1:
            return 1
        raise Refused(f"expected 1, the only version that this runner reads, got {what(node)}; write version: 1")

    def schema(self) -> Schema:
        return {"const": 1}


class Boolean:
    """``true`` or ``false``."""

    shown = "`true` or `false`"

    def read(self, node: Node, key: str, problems: Problems) -> bool:
        if isinstance(node, Scalar) and node.kind == "boolean":
            return node.text.lower() == "true"
        raise Refused(f"expected a boolean, got {what(node)}; write true or false")

    def schema(self) -> Schema:
        return {"type": "boolean"}


class Duration:
    """Seconds, as a number or a text such as ``1h30m``."""

    def __init__(self, *, zero: bool = False, nullable: bool = True) -> None:
        self._zero = zero
        self._nullable = nullable
        self.shown = "duration or null" if nullable else "duration"

    def read(self, node: Node, key: str, problems: Problems) -> float | None:
        if isinstance(node, Scalar) and node.kind == "null" and self._nullable:
            return None
        if not isinstance(node, Scalar) or node.kind in ("null", "boolean"):
            raise Refused(f"expected a duration, got {what(node)}; write 90s, 10m or 1h30m{self._null_remedy()}")
        try:
            seconds = parse_duration(node.text)
        except ValueError as error:
            said, _, remedy = str(error).partition("; ")
            remedy = (remedy or "write for example 90s") + self._null_remedy()
            raise Refused(f"{said}, got {what(node)}; {remedy}") from error
        if not seconds and not self._zero:
            raise Refused(f"expected more than zero; write for example 90s{self._null_remedy()}")
        return seconds

    def _null_remedy(self) -> str:
        return " (null: no limit)" if self._nullable else ""

    def schema(self) -> Schema:
        types = ["string", "number", "null"] if self._nullable else ["string", "number"]
        nonzero = "" if self._zero else "(?=.*[1-9])"
        bound = {"minimum": 0} if self._zero else {"exclusiveMinimum": 0}
        return {"type": types, "pattern": f"^{nonzero}{PATTERN}$", **bound, "maximum": LONGEST}


def shown_value(value: Any) -> str:
    """A default as the reference writes it."""
    match value:
        case None:
            return "no limit"
        case float():
            return f"`{format_duration(value)}`"
        case () | "":
            return "none"
        case _:
            return f"`{value}`"


# ------------------------------------------------------------------------------------------------ values with parts


class ListOf:
    """A list of one kind, or a single one of it."""

    def __init__(self, kind: Kind, *, shown: str, unique: bool = True) -> None:
        self._kind = kind
        self._unique = unique
        self.shown = shown

    def read(self, node: Node, key: str, problems: Problems) -> tuple[Any, ...]:
        if not isinstance(node, Items):
            return (self._kind.read(node, key, problems),)
        values: list[Any] = []
        fits = True
        for index, item in enumerate(node.items):
            part = f"{key}[{index}]"
            before = len(values)
            fits &= read_part(self._kind, item, part, problems, values.append)
            if self._unique and len(values) > before and values[-1] in values[:-1]:
                problems.add(item, part, f"{quoted(str(values[-1]))} is there already; remove it")
        if not fits:
            raise Abandoned
        return tuple(values)

    def schema(self) -> Schema:
        item = self._kind.schema()
        many: Schema = {"type": "array", "items": item}
        if self._unique:
            many["uniqueItems"] = True
        return {"anyOf": [item, many]}


class Arguments:
    """A list of arguments, or one text that is split the way a POSIX shell does."""

    shown = "list of arguments, or text split like a shell does"

    def __init__(self, check: Callable[[tuple[str, ...]], tuple[int, str]] | None = None) -> None:
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
        if self._check:
            index, problem = self._check(tuple(values))
            if problem:
                raise Refused(problem, node.items[index] if isinstance(node, Items) else node)
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
    """Environment variables: name -> text with templates."""

    shown = "mapping of names to text"

    def __init__(self, check: Callable[[str], str]) -> None:
        self._value = ScalarText("1", check=check)

    def read(self, node: Node, key: str, problems: Problems) -> tuple[tuple[str, str], ...]:
        return read_names(node, key, problems, r"[A-Za-z_][A-Za-z0-9_]*", "a variable such as DEBUG: 1", self._value)

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
        return read_names(node, key, problems, NAME_SHAPE, "a resource such as database: 1", self._capacity)

    def schema(self) -> Schema:
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{NAME_SHAPE}$"},
            "additionalProperties": self._capacity.schema(),
        }


def read_names(
    node: Node, key: str, problems: Problems, shape: str, example: str, kind: Kind
) -> tuple[tuple[str, Any], ...]:
    """A mapping of free names to one kind of value."""
    if not isinstance(node, Table):
        raise Refused(f"expected a mapping, got {what(node)}; write {example} below it")
    found: list[tuple[str, Any]] = []
    fits = True
    for name, name_node, value in entries(node, key, problems):
        if re.fullmatch(shape, name):
            into: list[Any] = []
            fits &= read_part(kind, value, below(key, name), problems, into.append)
            found += [(name, read) for read in into]
        else:
            fits = False
            problems.add(name_node, below(key, name), f"{quoted(name)} cannot be a name here; write {example}")
    if not fits:
        raise Abandoned
    return tuple(found)


def entries(table: Table, key: str, problems: Problems) -> list[tuple[str, Node, Node]]:
    """The usable ``(key, node of the key, value)`` of a mapping; reports keys that are no text, merged, or repeated."""
    first: dict[str, int] = {}
    usable: list[tuple[str, Node, Node]] = []
    for entry in table.entries:
        name = entry.key
        if not isinstance(name, Scalar) or name.tag or name.text == "":
            problems.add(name, below(key, "?"), f"a key must be a word, got {what(name)}; write a word and a colon")
        elif name.text == "<<" and name.kind == "text":
            problems.add(name, below(key, "<<"), "merge keys are not supported; put what phases share under `defaults`")
        elif name.text in first:
            problems.add(
                name, below(key, name.text), f"is given twice, first in line {first[name.text]}; remove one of the two"
            )
        else:
            first[name.text] = name.line
            usable.append((name.text, name, entry.value))
    return usable
