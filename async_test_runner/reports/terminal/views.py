"""What a person sees while a run goes on, and the choice between its three forms: live, plain, quiet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TextIO

from rich.text import Text

from ...record.events import Event
from .live import Live
from .plain import Plain, Quiet
from .screen import Output, console, drain, in_ci, is_dumb, is_terminal, size, wants_color

PATIENCE = 2.0  # seconds that a reader has after a signal: what the run has come to is on disk


class Reporter(Protocol):
    """A view of a run's events. It never raises for what happens to its stream."""

    def event(self, event: Event) -> None:
        """Take one event in, in the order of the journal; constant time."""

    def tick(self, now: float) -> None:
        """Show what changed. ``now`` in monotonic seconds; about 8 times a second on a terminal, else once."""

    def waits(self, what: str, now: float) -> None:
        """The runner waits for this from ``now`` on, which the next ticks may tell; empty: for its tests only."""

    def pause(self) -> None:
        """Leave the terminal as it was, for a while; the next tick takes it again."""

    def close(self, patience: float | None = None) -> None:
        """Show what is held back and leave the terminal as it was. The end summary comes after.

        Waits for who reads it, at most ``patience`` seconds: whoever has sent a signal wants an end.
        """


def reporter(
    stream: TextIO,
    *,
    color: bool | None,
    verbosity: int,
    environ: Mapping[str, str],
    width: int | None = None,
    height: int | None = None,
) -> Reporter:
    """The view for this stream: quiet for a negative verbosity, live on a terminal outside CI, plain otherwise.

    ``width`` and ``height`` replace the size of the terminal; ``color`` None lets environment and stream decide.
    """
    live = is_live(stream, verbosity=verbosity, environ=environ)

    def measured() -> tuple[int, int]:
        columns, rows = size(stream, environ)
        return width or columns, height or rows

    columns, rows = measured()
    out = console(Output(stream), color=wants_color(stream, color, environ), terminal=live, width=columns, height=rows)
    if verbosity < 0:
        return Quiet(out)
    if live:
        return Live(out, verbosity=verbosity, size=measured)
    return Plain(out, verbosity=verbosity, often=not in_ci(environ))


def is_live(stream: TextIO, *, verbosity: int, environ: Mapping[str, str]) -> bool:
    """Whether the view redraws itself, and so wants eight ticks a second instead of one."""
    return verbosity >= 0 and is_terminal(stream) and not in_ci(environ) and not is_dumb(environ)


def show(
    lines: Iterable[Text],
    stream: TextIO,
    *,
    color: bool | None,
    environ: Mapping[str, str],
    width: int | None = None,
    patience: float | None = None,
) -> None:
    """Print finished lines, such as those of `final.render`, as they stand: the terminal breaks long ones.

    Waits for who reads them, at most ``patience`` seconds.
    """
    columns, rows = size(stream, environ)
    out = console(
        Output(stream), color=wants_color(stream, color, environ), terminal=False, width=width or columns, height=rows
    )
    out.print(Text("\n").join(lines), soft_wrap=True)
    drain(out, patience)
