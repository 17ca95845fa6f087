"""What of a run came later than its deadlines allow, by its journal: a pure function over events.

A test has its deadline and two graces, a silence without a running test the time that a session may take to end or to
collect, and a run that was told to end its grace. `SLACK` is what anything may be late.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from async_test_runner.record.events import (
    Collected,
    Event,
    Interrupted,
    RunFinished,
    RunResumed,
    RunStarted,
    TestFinished,
    TestNotRun,
    TestStarted,
)

SLACK = 5.0
_HOST_GRACE = 2.0  # seconds that a host has to end


class Deadlines(NamedTuple):
    """Of the plan, in seconds."""

    test_timeout: float
    grace: float
    leak_timeout: float
    collect_timeout: float


def late(events: Iterable[Event], deadlines: Deadlines, paused: float = 0.0) -> Iterator[str]:
    """What came too late, and by how much. ``paused`` are seconds in which the runner itself was stopped."""
    slack = SLACK + paused
    running: dict[tuple[str, str], float] = {}
    last: float | None = None
    collecting, told = True, None
    for event in events:
        if isinstance(event, RunStarted | RunResumed):
            running, last, collecting, told = {}, None, True, None
        elif last is not None and not running:
            limit = deadlines.collect_timeout if collecting else deadlines.leak_timeout
            yield from _over(event.mono - last, limit + 2 * deadlines.grace, slack, f"silence before {_name(event)}")
        last = event.mono
        if isinstance(event, Collected):
            collecting = False
        elif isinstance(event, TestStarted):
            running[event.phase, event.id] = event.mono
        elif isinstance(event, TestFinished) and (event.phase, event.id) in running:
            took = event.mono - running.pop((event.phase, event.id))
            yield from _over(took, deadlines.test_timeout + 2 * deadlines.grace, slack, event.id)
        elif isinstance(event, TestNotRun):
            for id in event.ids:
                running.pop((event.phase, id), None)
        elif isinstance(event, Interrupted):
            told = told if told is not None else event.mono
        elif isinstance(event, RunFinished) and told is not None:
            limit = 2 * deadlines.grace + 2 * _HOST_GRACE
            yield from _over(event.mono - told, limit, slack, "the end after a signal")


def _over(took: float, limit: float, slack: float, what: str) -> Iterator[str]:
    if took > limit + slack:
        yield f"{what} took {took:.1f} s, {took - limit:.1f} s more than {limit:g} s"


def _name(event: Event) -> str:
    return type(event).__name__
