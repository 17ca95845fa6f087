"""The problems of a plan: what is wrong with a value, where it stands, and the finished lines."""

from __future__ import annotations

from ..words.wording import quoted, shortened
from .document import Items, Node, Scalar, Table

MOST_PROBLEMS = 50


class Refused(Exception):  # noqa: N818  # control flow inside the reading of a plan, never seen outside
    """The value does not fit; the text ends with the remedy."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


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
