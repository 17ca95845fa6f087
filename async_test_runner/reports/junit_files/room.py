"""How much of a run stands in its JUnit XML: all of it, or what has room.

GitLab reads no file of more than 30 MB, and none of it then. So of a larger one something is left out, in this order:
what green tests have printed, the properties of all testcases, and last the middle of texts. The longest texts are cut
first, all to the same length. A testcase is never left out. A property of each suite says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable

from . import xml

LIMIT = 29_000_000  # bytes
_CLOSING = 20  # bytes of an end tag, which an element without text does not have
_MARK = "…"


class Whole:
    """Writes everything."""

    missing = ""

    def properties(self, markup: str) -> str:
        """Those of a testcase."""
        return markup

    def output_of_green(self, write: Callable[[Whole], str]) -> str:
        """What a test has printed that is not red."""
        return write(self)

    def text(self, value: str) -> str:
        """Character data."""
        return xml.text(value)

    def message(self, value: str) -> str:
        """The value of an attribute, before it is escaped."""
        return value


WHOLE = Whole()


class Measured(Whole):
    """Writes the bare testcases, and counts what the rest would take."""

    def __init__(self) -> None:
        self._properties = self._outputs = 0
        self._texts: list[int] = []

    def properties(self, markup: str) -> str:
        self._properties += len(markup.encode())
        return ""

    def output_of_green(self, write: Callable[[Whole], str]) -> str:
        self._outputs += len(write(WHOLE).encode())
        return ""

    def text(self, value: str) -> str:
        self._texts.append(len(xml.text(value).encode()) + _CLOSING)
        return ""

    def message(self, value: str) -> str:
        self._texts.append(len(xml.attribute(value).encode()))
        return ""

    def fitting(self, bare: int, limit: int) -> Whole:
        """What keeps the file within the limit, of which the bare testcases take so much."""
        room = limit - bare
        texts = sum(self._texts)
        if self._properties + texts <= room:
            return Cut(outputs=self._outputs > 0)
        if texts <= room:
            return Cut(outputs=self._outputs > 0, properties=self._properties > 0)
        length = level(self._texts, room)
        return Cut(outputs=self._outputs > 0, properties=self._properties > 0, length=max(0, length - _CLOSING))


class Cut(Whole):
    """Leaves out what the arguments name. ``length`` is what a text may take, in bytes."""

    def __init__(self, *, outputs: bool = False, properties: bool = False, length: int | None = None) -> None:
        self._properties = properties
        self._length = length
        said = [
            *(["the output of green tests"] if outputs else []),
            *(["properties of testcases"] if properties else []),
            *([f"the middle of texts longer than {length} bytes"] if length is not None else []),
        ]
        self.missing = "; ".join(said)

    def properties(self, markup: str) -> str:
        return "" if self._properties else markup

    def output_of_green(self, write: Callable[[Whole], str]) -> str:
        return ""

    def text(self, value: str) -> str:
        return xml.text(value if self._length is None else cut(value, self._length, xml.text))

    def message(self, value: str) -> str:
        return value if self._length is None else cut(value, self._length, xml.attribute)


def level(sizes: list[int], room: int) -> int:
    """The largest length to which all may be cut so that their sum has room; those that are shorter stay whole."""
    left = len(sizes)
    for size in sorted(sizes):
        if size * left > room:
            return max(0, room // left)
        room -= size
        left -= 1
    return max(sizes, default=0)


def cut(value: str, room: int, escape: Callable[[str], str]) -> str:
    """The text without its middle, so that it takes at most so many bytes where it is escaped."""
    if len(escape(value).encode()) <= room:
        return value
    keep = min(len(value) - 1, room - len(_MARK.encode()))
    while keep > 0:
        head = keep // 3
        kept = value[:head] + _MARK + value[len(value) - (keep - head) :]
        size = len(escape(kept).encode())
        if size <= room:
            return kept
        keep = min(keep - 1, keep * room // size)
    return ""
