"""What both writers of JUnit XML share: escaping, counting, unique names."""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterable
from typing import NamedTuple

# What XML 1.0 cannot hold at all, plus DEL, as pytest has it.
_ILLEGAL = "[^\t\n\r\x20-\x7e\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
# C1 controls and bidi marks are legal, but a terminal obeys them: they travel as references. So does CR, which a parser
# would drop, and in attributes every line end and tab.
_TEXT = "[&<>\r\x80-\x9f\u2028-\u202e\u2066-\u2069]"
_ATTRIBUTE = '[&<>"\t\n\r\x80-\x9f\u2028-\u202e\u2066-\u2069]'
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
_NAME_LIMIT = 500


def text(value: str) -> str:
    """Character data; what XML cannot hold is spelled out visibly: ``#x1B``."""
    return value if _is_plain(value) else _escaped(value, _patterns(_TEXT))


def attribute(value: str) -> str:
    """The inside of a double-quoted attribute value; line ends and tabs survive a reader's normalisation."""
    return value if _is_plain(value) else _escaped(value, _patterns(_ATTRIBUTE))


def _is_plain(value: str) -> bool:
    """Whether there is nothing to do, as for nearly all names and numbers: asked without any pattern."""
    return (
        value.isascii() and value.isprintable() and not ("&" in value or "<" in value or ">" in value or '"' in value)
    )


class _Patterns(NamedTuple):
    care: re.Pattern[str]
    illegal: re.Pattern[str]
    referred: re.Pattern[str]


@functools.cache  # compiling them takes 25 ms, which a run without a foreign character need not wait for
def _patterns(referred: str) -> _Patterns:
    return _Patterns(re.compile(f"{_ILLEGAL}|{referred}"), re.compile(_ILLEGAL), re.compile(referred))


def _escaped(value: str, patterns: _Patterns) -> str:
    if patterns.care.search(value) is None:  # most texts hold none of these, and looking once is all that they cost
        return value
    return patterns.referred.sub(_reference, patterns.illegal.sub(_spelled, value))


def element(tag: str, attributes: Iterable[tuple[str, str]], content: str = "") -> str:
    """One element; ``content`` is markup already."""
    head = tag + "".join([f' {name}="{attribute(value)}"' for name, value in attributes])
    return f"<{head}>{content}</{tag}>" if content else f"<{head}/>"


def is_attribute(name: str) -> bool:
    """Whether an attribute of any element may have this name; those that begin with ``xml`` are XML's own."""
    return re.fullmatch(r"(?!xml)[A-Za-z_][A-Za-z0-9_.-]*", name, re.IGNORECASE) is not None


def seconds(value: float) -> str:
    """A duration as every reader of JUnit XML understands it."""
    return f"{value:.3f}"


def _reference(match: re.Match[str]) -> str:
    char = match[0]
    return _NAMED.get(char) or f"&#{ord(char)};"


def _spelled(match: re.Match[str]) -> str:
    return spelled(ord(match[0]))


def spelled(code: int) -> str:
    """What stands for a character that XML cannot hold."""
    return f"#x{code:02X}" if code <= 0xFF else f"#x{code:04X}"


def is_legal(code: int) -> bool:
    """Whether XML 1.0 can hold a character."""
    return code in (0x9, 0xA, 0xD) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code <= 0x10FFFF


class Counts:
    """The counts of a suite: every testcase counts once, so that the rest of ``tests`` has passed."""

    __slots__ = ("errors", "failures", "skipped", "tests", "time")

    def __init__(self) -> None:
        self.tests = self.failures = self.errors = self.skipped = 0
        self.time = 0.0

    @property
    def red(self) -> bool:
        """Whether anything failed."""
        return bool(self.failures or self.errors)

    @property
    def passed(self) -> int:
        """What neither failed nor was skipped."""
        return self.tests - self.failures - self.errors - self.skipped

    def add(self, tags: Container[str], time: float = 0.0) -> None:
        """Count one testcase that holds elements with these tags; ``failure`` before ``error`` before ``skipped``."""
        self.tests += 1
        self.time += time
        if "failure" in tags:
            self.failures += 1
        elif "error" in tags:
            self.errors += 1
        elif "skipped" in tags:
            self.skipped += 1

    def include(self, other: Counts) -> None:
        """Add the counts of another suite."""
        self.tests += other.tests
        self.failures += other.failures
        self.errors += other.errors
        self.skipped += other.skipped
        self.time += other.time

    def attributes(self) -> list[tuple[str, str]]:
        """The four counts as attributes."""
        return [
            ("tests", str(self.tests)),
            ("failures", str(self.failures)),
            ("errors", str(self.errors)),
            ("skipped", str(self.skipped)),
        ]


class UniqueNames:
    """Hands out names that do not repeat: the second ``pytest`` is ``pytest#2``."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._last: dict[str, int] = {}

    def take(self, wanted: str) -> str:
        """The wanted name, shortened when it is absurdly long, with a number when it is taken."""
        wanted = wanted if len(wanted) <= _NAME_LIMIT else f"{wanted[:_NAME_LIMIT]}…"
        name, number = wanted, self._last.get(wanted, 1)
        while name in self._taken:
            number += 1
            name = f"{wanted}#{number}"
        self._last[wanted] = number
        self._taken.add(name)
        return name
