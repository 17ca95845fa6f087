"""YAML text -> a small tree with places. Safe for any input: bounded in depth, size and time, and never a traceback.

The tree is built from the parser's events, not by PyYAML's composer: the composer recurses, and expands what anchors
multiply. Scalars follow the YAML 1.2 core schema (without infinities), so ``on``, ``yes`` and ``1:30`` are text, and
``text`` is always what the file says.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec
import yaml

from ..words.wording import quoted, shortened

MOST_BYTES = 1024 * 1024
MOST_NODES = 50_000  # after aliases are expanded; a scalar counts once more per 64 characters
DEEPEST = 40
_TOO_DEEP = f"nested deeper than {DEEPEST} levels; a plan needs six: check brackets, dashes and indentation"

ScalarKind = Literal["text", "whole", "number", "boolean", "null"]


class Scalar(msgspec.Struct, frozen=True):
    """A value without parts. ``text`` is as written (quotes and escapes resolved); lines and columns count from 1."""

    text: str
    kind: ScalarKind
    line: int
    column: int
    tag: str = ""


class Items(msgspec.Struct, frozen=True):
    """A sequence."""

    items: tuple[Node, ...]
    line: int
    column: int
    tag: str = ""


class Entry(msgspec.Struct, frozen=True):
    """A key and its value."""

    key: Node
    value: Node


class Table(msgspec.Struct, frozen=True):
    """A mapping; its entries in the order of the file, duplicates included."""

    entries: tuple[Entry, ...]
    line: int
    column: int
    tag: str = ""


Node = Scalar | Items | Table


class YamlError(Exception):
    """The text is not YAML that we read; ``text`` ends with the remedy."""

    def __init__(self, line: int, column: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.column = column
        self.text = text


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE: tuple[tuple[ScalarKind, re.Pattern[str]], ...] = (
    ("null", re.compile(r"~|null|Null|NULL|")),
    ("boolean", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("whole", re.compile(r"[-+]?[0-9]{1,300}")),
    ("number", re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")),
)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_TEXT: ScalarKind = "text"
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")


def decode(data: bytes) -> str:
    """The text of a file: UTF-8, with or without a byte order mark, at most 1 MiB. `YamlError` otherwise."""
    if len(data) > MOST_BYTES:
        raise YamlError(1, 1, "is larger than 1 MiB; a plan is a short text: name tests by paths, markers or globs")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise YamlError(1, 1, "is UTF-16 or UTF-32 text; save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        line, column = _place(before, len(before))
        raise YamlError(
            line, column, f"is not UTF-8 text (byte 0x{data[error.start]:02x}); save it as UTF-8"
        ) from error


def read(text: str) -> Node | None:
    """The tree of the only document, or None for a text without one. `YamlError` for what cannot be read."""
    text = text.removeprefix("\ufeff")
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        line, column = _place(text, forbidden.start())
        said = f"the character {quoted(forbidden.group())} is not allowed in YAML"
        raise YamlError(line, column, f"{said}; remove it, or write it as an escape in double quotes")
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(text, error) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # escapes of impossible characters surface as other errors in the parser written in Python
        raise YamlError(1, 1, f"not valid YAML: {shortened(str(error), 120)}; correct it") from error
    return builder.root


def _place(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _syntax_error(text: str, error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = shortened(" ".join(filter(None, (error.context, error.problem))), 160)
    lines = text.split("\n")
    here = lines[line - 1] if line <= len(lines) else ""
    indent = here[: len(here) - len(here.lstrip())]
    if "\t" in indent:
        remedy = "indent with spaces, not with tabs"
    elif "cannot start any token" in said:
        remedy = "put the value in quotes"
    elif "mapping values" in said:
        remedy = "put a value that contains ': ' in quotes, and check the indentation"
    else:
        remedy = "check quotes, brackets and indentation up to here"
    return YamlError(line, column, f"not valid YAML: {said}; {remedy}")


class _Open:
    """A container that is being read."""

    def __init__(self, event: yaml.CollectionStartEvent) -> None:
        self.event = event
        self.children: list[Node] = []
        self.height = 0


class _Builder:
    """Puts events together without recursion, and counts what aliases multiply."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._unfinished: dict[str, int] = {}
        self._nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        line, column = _start(event)
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise YamlError(line, column, "a second document begins here; keep one, without a '---' between")
            case yaml.ScalarEvent():
                self._add(_scalar(event, line, column), event.anchor, 1 + len(event.value) // 64, 0, line, column)
            case yaml.AliasEvent():
                self._take_alias(str(event.anchor), line, column)
            case yaml.CollectionStartEvent():
                if len(self._open) >= DEEPEST:
                    raise YamlError(line, column, _TOO_DEEP)
                self._open.append(_Open(event))
                if event.anchor:
                    self._anchors.pop(event.anchor, None)
                    self._unfinished[event.anchor] = self._nodes
            case yaml.CollectionEndEvent():
                self._close()

    def _take_alias(self, anchor: str, line: int, column: int) -> None:
        if anchor in self._anchors:
            node, size, height = self._anchors[anchor]
            self._add(node, None, size, height, line, column)
            return
        if anchor in self._unfinished:
            raise YamlError(
                line, column, f"the alias {quoted('*' + anchor)} stands inside its own anchor; write it out"
            )
        raise YamlError(
            line,
            column,
            f"the alias {quoted('*' + anchor)} has no anchor before it; quote the value if it begins with '*'",
        )

    def _close(self) -> None:
        done = self._open.pop()
        event = done.event
        line, column = _start(event)
        tag = event.tag or ""
        node: Node
        if isinstance(event, yaml.SequenceStartEvent):
            node = Items(tuple(done.children), line, column, tag)
        else:
            pairs = zip(done.children[::2], done.children[1::2], strict=True)
            node = Table(tuple(Entry(key, value) for key, value in pairs), line, column, tag)
        size = 1
        if event.anchor:
            size += self._nodes - self._unfinished.pop(event.anchor)
            self._anchors[event.anchor] = (node, size, done.height)
        self._attach(node, 1, done.height, line, column)

    def _add(self, node: Node, anchor: str | None, size: int, height: int, line: int, column: int) -> None:
        if anchor:
            self._anchors[anchor] = (node, size, height)
        self._attach(node, size, height, line, column)

    def _attach(self, node: Node, size: int, height: int, line: int, column: int) -> None:
        self._nodes += size
        if self._nodes > MOST_NODES:
            raise YamlError(line, column, f"more than {MOST_NODES} values, aliases counted; write a smaller plan")
        if len(self._open) + height >= DEEPEST:
            raise YamlError(line, column, _TOO_DEEP)
        if self._open:
            parent = self._open[-1]
            parent.children.append(node)
            parent.height = max(parent.height, height + 1)
        else:
            self.root = node


def _start(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _scalar(event: yaml.ScalarEvent, line: int, column: int) -> Scalar:
    text: str = event.value
    tag = "" if event.tag is None or event.tag in _TEXT_TAGS else event.tag
    plain = event.tag is None and event.implicit[0]
    kind = next((kind for kind, shape in _CORE if plain and shape.fullmatch(text)), _TEXT)
    return Scalar(text, kind, line, column, tag)
