"""The kinds of values in a plan. A kind reads a YAML node, describes itself as JSON Schema, and names its type.

``read`` returns the value or raises `Refused` with a text that ends with the remedy; a kind with parts reports each bad
part to `Problems` itself and raises `Abandoned`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..words.durations import LONGEST, PATTERN, format_duration, parse_duration
from ..words.sizes import LARGEST, format_size, parse_size
from ..words.sizes import PATTERN as PATTERN_OF_SIZES
from ..words.wording import did_you_mean, quoted
from .document import Node, Scalar
from .problems import Abandoned, Problems, Refused, what

Schema = dict[str, Any]

LONGEST_TEXT = 10_000
NAME_SHAPE = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,59}"
NAME_TEXT = "letters, digits, '.', '_' and '-', not beginning with '.' or '-', at most 60"


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
        problems.add(node, key, refused.text)
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
    ) -> None:
        self.shown = shown
        self._expected = expected
        self._example = example
        self._shape = shape
        self._check = check

    def read(self, node: Node, key: str, problems: Problems) -> str:
        if not isinstance(node, Scalar) or node.kind != "text":
            quote = f" or put it in quotes: {quoted(node.text)}" if isinstance(node, Scalar) and node.text else ""
            raise Refused(f'expected {self._expected}, got {what(node)}; write for example "{self._example}"{quote}')
        text = " ".join(node.text.split("\n")).strip()
        if not text:
            raise Refused(f'expected {self._expected}, got an empty text; remove it or write "{self._example}"')
        refuse_unusable(text, one_line=True)
        if self._shape and not re.fullmatch(self._shape, text):
            raise Refused(f'expected {self._expected}, got {quoted(text)}; write for example "{self._example}"')
        problem = self._check(text) if self._check else ""
        if problem:
            raise Refused(problem)
        return text

    def schema(self) -> Schema:
        return {"type": "string", "pattern": f"^(?:{self._shape})$" if self._shape else r"\S"}


def refuse_unusable(text: str, *, one_line: bool) -> None:
    """`Refused` for a text that no process argument, file name or report can hold."""
    if len(text) > LONGEST_TEXT:
        raise Refused(f"is {len(text)} characters long; shorten it to at most {LONGEST_TEXT}")
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise Refused(f"{quoted(text)} contains a character that no process takes; remove it")
    if one_line and any(c != "\t" and unicodedata.category(c) == "Cc" for c in text):
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
    """One of a few words. ``meant`` has words of other tools, and which of ours says the same."""

    def __init__(self, *words: str, meant: Mapping[str, str] | None = None) -> None:
        self._words = words
        self._meant = meant or {}
        self.shown = " or ".join(f"`{word}`" for word in words)

    def read(self, node: Node, key: str, problems: Problems) -> str:
        if isinstance(node, Scalar) and node.kind == "text":
            if node.text in self._words:
                return node.text
            same = self._meant.get(node.text.lower().replace("-", "_"))
            remedy = f"write {same}" if same else did_you_mean(node.text, self._words) or "write one of them"
            raise Refused(f"expected {self._listed()}, got {quoted(node.text)}; {remedy}")
        raise Refused(f"expected {self._listed()}, got {what(node)}; write one of them")

    def _listed(self) -> str:
        return " or ".join((", ".join(self._words[:-1]), self._words[-1]))

    def schema(self) -> Schema:
        return {"enum": list(self._words)}


_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_AS_MANY_AS_FIT = ("max", "all", "cpu", "cpus", "cores", "logical", "nproc")


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
        raise Refused(
            f"expected a whole number from {self._least} to {self._most}{word}, got {what(node)}; {self._remedy(node)}"
        )

    def _remedy(self, node: Node) -> str:
        text = node.text.lower() if isinstance(node, Scalar) else ""
        if text in _NUMBERS and _NUMBERS.index(text) >= self._least:
            return f"write {_NUMBERS.index(text)}"
        if self._word:
            return f"write {self._word}" if text in (self._word, *_AS_MANY_AS_FIT) else f"write 2 or {self._word}"
        number = max(1, self._least)
        return f"write null for no limit, or {number}" if self._nullable else f"write {number}"

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
        seconds = float(node.text) if node.kind in ("whole", "number") else self._parsed(node.text)
        if not 0 <= seconds <= LONGEST:
            raise Refused(f"expected 0 to {LONGEST:.0f} seconds (30 days), got {what(node)}; write for example 90s")
        if not seconds and not self._zero:
            raise Refused(f"expected more than zero; write for example 90s{self._null_remedy()}")
        return seconds

    def _parsed(self, text: str) -> float:
        try:
            return parse_duration(text)
        except ValueError as error:
            said, _, remedy = str(error).partition("; ")
            remedy = remedy or f"write for example 90s{self._null_remedy()}"
            raise Refused(f"{said}, got {quoted(text)}; {remedy}") from error

    def _null_remedy(self) -> str:
        return " (null: no limit)" if self._nullable else ""

    def schema(self) -> Schema:
        types = ["string", "number", "null"] if self._nullable else ["string", "number"]
        nonzero = "" if self._zero else "(?=.*[1-9])"
        bound = {"minimum": 0} if self._zero else {"exclusiveMinimum": 0}
        return {"type": types, "pattern": f"^{nonzero}{PATTERN}$", **bound, "maximum": LONGEST}


class Size:
    """Bytes, as a number or a text such as ``512MB``."""

    def __init__(self, least: int, *, example: str, nullable: bool = False) -> None:
        self._least = least
        self._example = example
        self._nullable = nullable
        self.shown = "size or null" if nullable else "size"

    def read(self, node: Node, key: str, problems: Problems) -> int | None:
        if isinstance(node, Scalar) and node.kind == "null" and self._nullable:
            return None
        remedy = f"write for example {self._example}" + (" (null: no limit)" if self._nullable else "")
        if not isinstance(node, Scalar) or node.kind in ("null", "boolean"):
            raise Refused(f"expected a size, got {what(node)}; {remedy}")
        try:
            size = parse_size(node.text)
        except ValueError as error:
            raise Refused(f"{error}, got {what(node)}; {remedy}") from error
        if size < self._least:
            raise Refused(f"expected at least {format_size(self._least)}, got {what(node)}; {remedy}")
        return size

    def schema(self) -> Schema:
        types = ["string", "integer", "null"] if self._nullable else ["string", "integer"]
        return {"type": types, "pattern": f"^{PATTERN_OF_SIZES}$", "minimum": self._least, "maximum": LARGEST}


def shown_value(value: Any) -> str:
    """A default as the reference writes it."""
    match value:
        case None:
            return "no limit"
        case bool():
            return f"`{str(value).lower()}`"
        case float():
            return f"`{format_duration(value)}`"
        case () | "":
            return "none"
        case _:
            return f"`{value}`"
