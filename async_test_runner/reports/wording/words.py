"""How numbers are said: durations, clocks, tallies. Pure text, the same in every view."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator, Mapping

from ...model.result import Leak
from ...model.vocabulary import Outcome

# What a reader looks for first stands first, so that a narrow line cuts the good news.
ORDER = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.TIMED_OUT,
    Outcome.CRASHED,
    Outcome.NOT_RUN,
    Outcome.PASSED,
    Outcome.SKIPPED,
    Outcome.XFAILED,
    Outcome.XPASSED,
)


def seconds(value: float) -> str:
    """A duration for reading: ``0.03s``, ``12.4s``, ``2m 05s``, ``1h 02m``."""
    if value < 9.995:
        return f"{max(0.0, value):.2f}s"
    if value < 59.95:
        return f"{value:.1f}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02}s"
    return f"{minutes // 60}h {minutes % 60:02}m"


def clock(value: float) -> str:
    """A running duration, whole seconds: ``0:07``, ``12:34``, ``1:02:03``."""
    minutes, rest = divmod(int(max(0.0, value)), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def plural(count: int, noun: str, several: str = "") -> str:
    """``1 test``, ``2 tests``; ``several`` for a noun that does not take an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {several or noun + 's'}"


def tallies(counts: Mapping[Outcome, int]) -> Iterator[tuple[Outcome, str]]:
    """``(outcome, "2 failed")`` for every outcome that occurred, in the reading order."""
    for outcome in ORDER:
        if counts.get(outcome):
            yield outcome, f"{counts[outcome]} {outcome.label}"


def tally(counts: Counter[Outcome]) -> str:
    """``2 failed, 35 passed``; ``no tests`` for none."""
    return ", ".join(text for _, text in tallies(counts)) or "no tests"


def leak_line(leak: Leak) -> str:
    """``tasks: task flush still pending; made at tests/test_a.py:6 in flush``. As a test may have written it."""
    return f"{leak.kind}: {leak.what}" + (f"; made at {leak.where}" if leak.where else "")


def signal_name(number: int) -> str:
    """``SIGINT``; ``signal 99`` for a number that this system does not know."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def exit_status(status: int | None) -> str:
    """What became of a process: ``exit 1``, ``killed by SIGKILL``, ``not started``."""
    if status is None:
        return "not started"
    return f"killed by {signal_name(-status)}" if status < 0 else f"exit {status}"
