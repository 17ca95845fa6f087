"""The way out: a stream that never raises, what it can show, and text cut to columns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, TextIO, cast

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ...model.vocabulary import Outcome
from ...system.outlet import Outlet, may_stall, silence

STYLES: dict[Outcome, str] = {
    Outcome.PASSED: "green",
    Outcome.FAILED: "bold red",
    Outcome.ERROR: "bold red",
    Outcome.SKIPPED: "yellow",
    Outcome.XFAILED: "yellow",
    Outcome.XPASSED: "yellow",
    Outcome.TIMED_OUT: "bold magenta",
    Outcome.CRASHED: "bold magenta",
    Outcome.NOT_RUN: "bold yellow",
}

PARTING = 0.5  # seconds that a reader has before the runner stops: what it has printed should stand there

# Our own typography and the ASCII that stands in for it, column for column, where the encoding has no such characters.
_ASCII = str.maketrans({"✓": "+", "✗": "x", "●": "*", "○": "o", "·": ".", "━": "=", "─": "-", "│": "|", "…": "~"})
_TYPOGRAPHY = "✓✗●○·━─│…"

_CI = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "TEAMCITY_VERSION", "JENKINS_URL", "BUILDKITE")


class Output:
    """A text stream that swallows its own failures: a closed pipe or a full disk silences the view, never ends the run.

    Nor does a reader who stops reading hold the run up: what is written waits for them in an `Outlet`. Characters that
    the stream's encoding lacks become ASCII stand-ins or ``\\x…`` escapes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.encoding = getattr(stream, "encoding", None) or "utf-8"
        self._typographic = _encodes(self.encoding, _TYPOGRAPHY)
        self._failed = False
        self._outlet = _outlet(stream)

    @property
    def gone(self) -> bool:
        """Whether nobody reads any more."""
        return self._failed or (self._outlet is not None and self._outlet.gone)

    @property
    def is_behind(self) -> bool:
        """Whether something waits for a reader."""
        return self._outlet is not None and self._outlet.is_behind

    def write(self, text: str) -> int:
        """Write if there is still someone to read it."""
        shown = self._shown(text)
        if self._outlet is not None:
            self._outlet.put(shown.encode(self.encoding))
        elif not self._failed:
            self._guarded(shown)
        return len(text)

    def flush(self) -> None:
        """Pass on what is buffered."""
        if self._outlet is None and not self._failed:
            self._guarded("")

    def drain(self, limit: float | None = None) -> None:
        """Wait until all is read, or can be, at most so many seconds."""
        if self._outlet is not None:
            self._outlet.drain(limit)

    def isatty(self) -> bool:
        """Whether a person looks at a terminal there."""
        return is_terminal(self._stream)

    def _shown(self, text: str) -> str:
        if not self._typographic:
            text = text.translate(_ASCII)
        if _encodes(self.encoding, text):
            return text
        return text.encode(self.encoding, "backslashreplace").decode(self.encoding)

    def _guarded(self, text: str) -> None:
        try:
            if text:
                self._stream.write(text)
            else:
                self._stream.flush()
        except BlockingIOError:
            pass  # a terminal that another program made non-blocking: this piece is lost, the next may pass
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._give_up()

    def _give_up(self) -> None:
        self._failed = True
        with suppress(OSError, ValueError):  # no descriptor behind it: nothing is flushed at exit either
            silence(self._stream.fileno())  # otherwise the interpreter fails there, and turns the exit code into 120


def _outlet(stream: TextIO) -> Outlet | None:
    """None where no reader can hold a write up: files, and streams without a descriptor."""
    try:
        stream.flush()
        return Outlet(stream.fileno()) if may_stall(stream.fileno()) else None
    except (AttributeError, OSError, ValueError):
        return None


def _encodes(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def is_terminal(stream: TextIO) -> bool:
    """Whether the stream is a terminal; False for one that is closed already."""
    try:
        return stream.isatty()
    except (AttributeError, OSError, ValueError):
        return False


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether a CI service says that it runs us."""
    return any(environ.get(name, "").lower() not in {"", "0", "false"} for name in _CI)


def is_dumb(environ: Mapping[str, str]) -> bool:
    """Whether the terminal says that it cannot move its cursor."""
    return environ.get("TERM", "").lower() in {"dumb", "unknown"}


def wants_color(stream: TextIO, color: bool | None, environ: Mapping[str, str]) -> bool:
    """``--color`` or ``--no-color`` decides, then ``NO_COLOR``, ``FORCE_COLOR``, and what kind of stream it is."""
    if color is not None:
        return color
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "0") not in {"", "0", "false"}:
        return True
    return is_terminal(stream) and not is_dumb(environ)


def size(stream: TextIO, environ: Mapping[str, str]) -> tuple[int, int]:
    """Columns and rows of the terminal behind the stream; ``COLUMNS``, ``LINES`` or 100 x 30 where there is none."""
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (AttributeError, OSError, ValueError):
        columns, rows = 0, 0
    return columns or _number(environ.get("COLUMNS"), 100), rows or _number(environ.get("LINES"), 30)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) > 0 else default


def console(output: Output, *, color: bool, terminal: bool, width: int, height: int) -> Console:
    """A console that takes every text literally and asks neither the environment nor the real terminal.

    Only the eight standard colours are used, so there is no colour system to detect.
    """
    return Console(
        file=cast("IO[str]", output),
        color_system="standard" if color else None,
        force_terminal=terminal or color,
        force_interactive=terminal,
        force_jupyter=False,
        legacy_windows=False,
        no_color=not color,
        width=width,
        height=height,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )


def drain(console: Console, limit: float | None = None) -> None:
    """Wait until what the console has printed can be read, at most so many seconds."""
    output = console.file
    if isinstance(output, Output):
        output.drain(limit)


def is_behind(console: Console) -> bool:
    """Whether something that the console has printed waits for a reader."""
    output = console.file
    return isinstance(output, Output) and output.is_behind


def cut(text: str, width: int) -> str:
    """The text in at most ``width`` columns, its middle replaced by ``…``; the end keeps most, it tells tests apart.

    East Asian characters count double. The work is bounded by the width, not by the text.
    """
    if len(text) <= width * 8 and cell_len(text) <= width:
        return text
    if width <= 1:
        return "…" * max(0, width)
    left = (width - 1) // 3
    head, tail = text[: width * 4], text[-width * 4 :]
    return _fitting(head, left) + "…" + _fitting(tail[::-1], width - 1 - left)[::-1]


def _fitting(text: str, width: int) -> str:
    used = 0
    for position, char in enumerate(text):
        used += cell_len(char)
        if used > width:
            return text[:position]
    return text


def padded(text: str, width: int) -> str:
    """The text cut or filled to exactly ``width`` columns."""
    text = cut(text, width)
    return text + " " * (width - cell_len(text))


def aligned(rows: Sequence[Sequence[tuple[str, str]]], right: range) -> list[Text]:
    """Rows of ``(text, style)`` in columns two apart; the columns ``right`` flush right, the others left."""
    widths = [max(cell_len(text) for text, _ in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        line = Text("  ")
        for position, ((text, style), width) in enumerate(zip(row, widths, strict=True)):
            fill = " " * (width - cell_len(text))
            line.append("  " if position else "")
            line.append(fill + text if position in right else text + fill, style)
        line.rstrip()
        lines.append(line)
    return lines
