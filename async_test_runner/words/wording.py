"""How values that we did not write appear in our messages: printable, short, and with the nearest known word."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable

_LIMIT = 60
_LONGEST_WORD = 300  # difflib is quadratic: a longer word is no typing error
_MOST_WORDS = 2000


def printable(text: str) -> str:
    """The text with every control, format and surrogate character written as its escape (``\\x1b``)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str, limit: int = _LIMIT) -> str:
    """At most ``limit`` printable characters, an ellipsis in place of the rest."""
    shown = printable(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def quoted(text: str, limit: int = _LIMIT) -> str:
    """A value in double quotes, printable and short."""
    return f'"{shortened(text, limit)}"'


def closest(word: str, known: Iterable[str], most: int = _MOST_WORDS) -> str:
    """The known word that was probably meant, of the first ``most``; empty when none is near."""
    if not word or len(word) > _LONGEST_WORD:
        return ""
    candidates = {name.lower(): name for name in itertools.islice(known, most)}
    found = difflib.get_close_matches(word.lower(), candidates, n=1, cutoff=0.6)
    return candidates[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean "timeout"?``, or an empty string when nothing is near."""
    found = closest(word, known)
    return f"did you mean {quoted(found, 2 * _LIMIT)}?" if found else ""


def listed(words: Iterable[str], most: int = 12) -> str:
    """``a, b, c`` with the number of those that did not fit."""
    every = list(words)
    shown = ", ".join(shortened(word) for word in every[:most])
    return shown if len(every) <= most else f"{shown} and {len(every) - most} more"
