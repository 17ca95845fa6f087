"""What a run has come to so far, for a view: a small state that takes each event in constant time.

The end of a run is reported from the fold (`record.fold`), which keeps everything. This keeps counts and what runs
now, so that a view of 20 000 tests costs no more per tick than one of twenty. Times are monotonic seconds.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from ...model.vocabulary import Outcome
from ...record.events import (
    Collected,
    CommandFinished,
    DeadlineReached,
    Event,
    HangReported,
    Interrupted,
    LeakFound,
    Paused,
    PhaseFinished,
    PhasePlanned,
    PhaseStarted,
    ProblemFound,
    ProcessExited,
    ProcessStarted,
    PythonFound,
    RunFinished,
    RunResumed,
    RunStarted,
    SuitePropertyAdded,
    TestFinished,
    TestNotRun,
    TestRechecked,
    TestSlow,
    TestStarted,
    Warned,
    WarningRecorded,
    WorkerRetired,
)
from ..wording.words import clock, plural

PATIENCE = 4.0  # of a person, in seconds; with a tick a second, the next line is there before the fifth is over


@dataclass(frozen=True, slots=True)
class Running:
    """A test that runs now."""

    id: str
    phase: str
    since: float
    attempt: int
    line: str = ""  # what it was at when it was last said to be slow


@dataclass(slots=True)
class PhaseProgress:
    """A phase so far. ``done`` counts the tests that ran to their last attempt; ``counts`` also holds ``not_run``."""

    name: str
    total: int
    workers: int
    isolation: str
    counts: Counter[Outcome] = field(default_factory=Counter)
    done: int = 0
    retries: int = 0
    leaks: int = 0
    running: int = 0
    started: float | None = None
    wall: float | None = None  # not None: the phase has ended
    reason: str = ""
    _settled: set[str] = field(default_factory=set)
    _retrying: dict[str, Outcome] = field(default_factory=dict)
    _rechecking: dict[str, Outcome] = field(default_factory=dict)
    _busy: float = 0.0
    _finished: int = 0
    _last: float = 0.0

    @property
    def is_red(self) -> bool:
        """Whether something in it fails the run already."""
        return any(self.counts[outcome] for outcome in self.counts if outcome.is_red)

    @property
    def left(self) -> int:
        """How many tests have no outcome yet."""
        return max(0, self.total - self.done - self.counts[Outcome.NOT_RUN])

    @property
    def is_running(self) -> bool:
        """Started and not ended."""
        return self.started is not None and self.wall is None

    def elapsed(self, now: float) -> float | None:
        """Seconds since it started, or that it took; None before."""
        if self.wall is not None:
            return self.wall
        return None if self.started is None else max(0.0, now - self.started)

    def rest(self, now: float) -> float | None:
        """Seconds that the tests left will take if they are like those that ended; None while none has.

        The mean duration over the workers, but never less than the pace that was kept: a process per test costs time
        that no test reports.
        """
        if not self._finished or self.started is None:
            return None
        pace = (self._last - self.started) / (self.done + self.running or 1)
        each = max(self._busy / self._finished / max(1, self.workers), pace)
        return max(0.0, self.left * each - (now - self._last))

    def keep(self, counts: Mapping[Outcome, int]) -> None:
        """Outcomes from before the run was resumed."""
        self.counts.update(counts)
        self.done += sum(counts.values())
        if self.total and self.done >= self.total:
            self.wall = 0.0

    def finish_test(self, event: TestFinished) -> None:
        """Take in one attempt; it counts when no other follows."""
        self._busy += event.duration
        self._finished += 1
        self._last = event.mono
        if event.retry:
            self.retries += 1
            self._retrying[event.id] = event.outcome
        else:
            self._retrying.pop(event.id, None)
            if event.recheck:
                self._rechecking[event.id] = event.outcome
            self._settle(event.id, Outcome.FAILED if event.fails else event.outcome)

    def recheck_test(self, event: TestRechecked) -> None:
        """It may pass after all."""
        before = self._rechecking.pop(event.id, None)
        if before is not None and event.passes:
            self.counts = +(self.counts - Counter({before: 1})) + Counter({event.outcome: 1})

    def skip_test(self, id: str) -> None:
        """It will not run, or not again: then its last attempt stands."""
        self._settle(id, self._retrying.pop(id, Outcome.NOT_RUN))

    def end(self, wall: float, reason: str) -> None:
        """The phase is over; what waited for another attempt keeps the last one."""
        self.wall, self.reason = wall, reason
        for id in list(self._retrying):
            self.skip_test(id)

    def _settle(self, id: str, outcome: Outcome) -> None:
        if id in self._settled:
            return
        self._settled.add(id)
        self.counts[outcome] += 1
        self.done += outcome is not Outcome.NOT_RUN


class Progress:
    """The state of a whole run; events of phases that were never planned are passed over."""

    def __init__(self) -> None:
        self.run: RunStarted | RunResumed | None = None
        self.collected: Collected | None = None
        self.phases: dict[str, PhaseProgress] = {}
        self.signal = 0
        self.is_finished = False
        self.waits_for = ""
        self._waits_since = 0.0
        self._idle_since: float | None = None  # None while a test runs
        self._moved = 0.0  # when the last event came
        self._processes: dict[str, bool] = {}  # those that live, and whether a test has begun in each
        self._running: dict[tuple[str, str], Running] = {}  # in the order of their start: the longest first

    def add(self, event: Event) -> None:
        """Take one event in."""
        self._take(event)
        self._moved = event.mono
        if self._running:
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = event.mono

    def waits(self, what: str, now: float) -> None:
        """The runner waits for this from now on; empty when it is for its processes again."""
        self.waits_for, self._waits_since = what, now

    def is_waiting(self, now: float) -> bool:
        """Whether no test has run for as long as a person has patience."""
        if self._idle_since is None or self.run is None or self.is_finished:
            return False
        return now - self._idle_since >= PATIENCE

    def waited_for(self, now: float) -> str:
        """What the runner waits for, and for how long."""
        since = self._waits_since if self.waits_for else self._moved
        return f"{self.waits_for or self._derived()} ({clock(max(0.0, now - since))})"

    def _derived(self) -> str:
        if self.collected is None:
            return "tests to be collected"
        fresh = [name for name, has_begun in self._processes.items() if not has_begun]
        if fresh:
            return f"{plural(len(fresh), 'process', 'processes')} to begin the first test"
        if self._processes and not any(phase.left for phase in self.phases.values() if phase.is_running):
            return f"{plural(len(self._processes), 'process', 'processes')} to end"
        return "the next test to begin"

    def _take(self, event: Event) -> None:
        match event:
            case RunStarted() | RunResumed():
                self.run = event
            case Collected():
                self.collected = event
            case PhasePlanned():
                planned = PhaseProgress(event.phase, len(event.tests), event.workers, str(event.isolation))
                planned.keep(event.kept)
                self.phases[event.phase] = planned
            case Interrupted():
                self.signal = self.signal or event.signal
            case RunFinished():
                self.is_finished = True
            case LeakFound():
                if event.phase in self.phases:
                    self.phases[event.phase].leaks += 1
            case TestSlow():
                running = self._running.get((event.phase, event.id))
                if running is not None:
                    self._running[event.phase, event.id] = replace(running, line=event.line)
            case PhaseStarted() | PhaseFinished() | TestStarted() | TestFinished() | TestRechecked() | TestNotRun():
                phase = self.phases.get(event.phase)
                if phase is not None:
                    self._add_to(phase, event)
            case ProcessStarted():
                self._processes[event.process] = False
            case ProcessExited():
                self._processes.pop(event.process, None)
            case CommandFinished() | DeadlineReached() | HangReported() | WorkerRetired():
                pass  # evidence: it is told, not counted
            case Warned() | WarningRecorded() | ProblemFound() | Paused() | SuitePropertyAdded() | PythonFound():
                pass
            case _:
                assert_never(event)

    def _add_to(
        self,
        phase: PhaseProgress,
        event: PhaseStarted | PhaseFinished | TestStarted | TestFinished | TestRechecked | TestNotRun,
    ) -> None:
        match event:
            case PhaseStarted():
                phase.started = event.mono
            case PhaseFinished():
                phase.end(event.wall, event.reason)
                for key in [key for key in self._running if key[0] == phase.name]:
                    self._stop(phase, key[1])
            case TestStarted():
                if event.process in self._processes:
                    self._processes[event.process] = True
                self._stop(phase, event.id)  # started twice: its process died, and it begins anew at the end
                self._running[phase.name, event.id] = Running(event.id, phase.name, event.mono, event.attempt)
                phase.running += 1
            case TestFinished():
                self._stop(phase, event.id)
                phase.finish_test(event)
            case TestRechecked():
                self._stop(phase, event.id)
                phase.recheck_test(event)
            case TestNotRun():
                for id in event.ids:
                    self._stop(phase, id)
                    phase.skip_test(id)
            case _:
                assert_never(event)

    def _stop(self, phase: PhaseProgress, id: str) -> None:
        if self._running.pop((phase.name, id), None):
            phase.running -= 1

    def running(self, count: int) -> list[Running]:
        """The ``count`` tests that have run for longest."""
        return list(itertools.islice(self._running.values(), count))

    @property
    def running_count(self) -> int:
        """How many tests run now."""
        return len(self._running)

    def elapsed(self, now: float) -> float:
        """Seconds since the run started."""
        return max(0.0, now - self.run.mono) if self.run else 0.0
