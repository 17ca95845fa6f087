"""Untrusted text made safe to show: test ids, tracebacks and captured output are written by the code under test.

`visible` is for whole texts, `one_line` for what must stay on its line, `item` for what is printed where a CI service
may read along.
"""

from __future__ import annotations

import json
import re
from typing import Any

# Everything that moves a cursor, hides, reorders or breaks lines: C0 and C1 controls but \n and \t, DEL, bidi marks,
# embeddings and isolates, zero-width spaces, line separators, annotations, tags, and lone surrogates (unencodable).
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_BREAKS = str.maketrans({"\n": "\\n", "\t": "\\t"})
# `##vso[task…]`, `##[add-mask]` and `##teamcity[…]` are found anywhere in a line, not at its start only.
_COMMAND = re.compile(r"##(?=[A-Za-z0-9_.-]*\[)")
# JSON escapes C0 controls only; a terminal that is shown it obeys these too, and a CI service the commands.
_IN_JSON = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]|#(?=#[A-Za-z0-9_.-]*\\[)")
_LEADING = re.compile(r"^(\s*):(?=:)")
_NAMES = {"\r": "\\r", "\0": "\\0"}


def visible(text: str) -> str:
    r"""The text with whatever a terminal would obey, hide or choke on spelled out: ``\x1b``, ``\r``, ``\u202e``."""
    return _UNSAFE.sub(_spelled, text)


def one_line(text: str) -> str:
    r"""`visible`, and line ends and tabs spelled out too: for ids, messages and file names."""
    return visible(text).translate(_BREAKS)


def first_line(text: str) -> str:
    """The first line that holds anything, safe to show; empty if there is none."""
    return next((one_line(line) for line in text.splitlines() if line.strip()), "")


def reason_line(text: str) -> str:
    """Of a traceback as pytest prints it, the line that says why (``E   …``); else the first line. Safe to show."""
    why = next((line[1:] for line in text.splitlines() if line.startswith("E   ") and line[4:5] != " "), "")
    return one_line(why.strip()) if why else first_line(text)


def defused(line: str) -> str:
    """The line with ``##word[`` broken into ``# #word[``: no CI service reads it as a command.

    A command that begins with ``::`` counts at the start of a line only: put a gutter there, or use `item`.
    """
    return _COMMAND.sub("# #", line)


def item(text: str) -> str:
    """`one_line` and `defused`, and a leading ``::`` broken into ``: :``: an id or a message that may begin a line."""
    return _LEADING.sub(r"\1: ", defused(one_line(text)))


def block(text: str) -> str:
    """`visible`, and no line of it a command: for messages of several lines that stand where a CI service reads."""
    return "\n".join(_LEADING.sub(r"\1: ", defused(line)) for line in visible(text).split("\n"))


def unobeyed(document: str) -> str:
    """The same JSON document with what is obeyed where it is shown written as escapes: ``\\u0023#vso[``."""
    return _IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", document)


def as_json(value: Any, *, indent: int | None = None) -> str:
    """The value as JSON, `unobeyed`; in one line, as short as may be, unless it is indented."""
    return unobeyed(json.dumps(value, indent=indent, separators=(",", ":") if indent is None else None))


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters; an ellipsis stands for the rest."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def tail(text: str, lines: int | None, width: int = 2000) -> tuple[list[str], int]:
    """The last ``lines`` lines (None: all, whole) made visible, each at most ``width`` characters; how many are cut."""
    text = text.rstrip("\n")
    if lines is None:
        return (visible(text).split("\n") if text else []), 0
    total = text.count("\n") + 1 if text else 0
    kept = text.rsplit("\n", lines)[-lines:] if text else []
    return [visible(_shortened(line, width)) for line in kept], total - len(kept)


def head_of(text: str, lines: int, width: int = 2000) -> tuple[list[str], int]:
    """The first ``lines`` lines made visible, each at most ``width`` characters; how many are cut."""
    all_lines = text.rstrip("\n").split("\n")
    return [visible(_shortened(line, width)) for line in all_lines[:lines]], max(0, len(all_lines) - lines)


def _shortened(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[:width]} … {len(line) - width} more characters"


def _spelled(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    if char in _NAMES:
        return _NAMES[char]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
