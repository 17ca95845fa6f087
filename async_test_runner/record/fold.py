"""The fold: events in, what the run has come to out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import msgspec

from ..model.inventory import PytestFacts, TestRef
from ..model.result import (
    Attempt,
    CommandResult,
    Kept,
    Leak,
    PhaseResult,
    Problem,
    Recheck,
    RunResult,
    TestResult,
)
from ..model.vocabulary import Outcome
from .events import (
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
    RunFinished,
    RunResumed,
    RunStarted,
    TestFinished,
    TestNotRun,
    TestRechecked,
    TestSlow,
    TestStarted,
    Warned,
)


class Fold:
    """Takes events one by one and says at any moment what the run has come to."""

    def __init__(self) -> None:
        self._run: RunStarted | None = None
        self._began = 0.0  # when the part of the run that goes on now began: the first, or one that was resumed
        self._earlier = 0.0  # seconds of the parts before
        self._collected: Collected | None = None
        self._phases: dict[str, _PhaseState] = {}
        self._problems: list[Problem] = []
        self._warnings: list[str] = []
        self._signal = 0
        self._last_mono = 0.0
        self._finished: RunFinished | None = None
        self._duplicates: list[str] = []
        self._unplanned: list[str] = []

    def add(self, event: Event) -> None:
        """Take one event in. Events of one run in the order of its journal."""
        if not isinstance(event, RunResumed):
            self._last_mono = max(self._last_mono, event.mono)
        match event:
            case RunStarted():
                self._run = event
                self._began = event.mono
            case RunResumed():
                self._resume(event)
            case Collected():
                self._collected = event
            case PhasePlanned():
                self._add_planned(event)
            case PhaseStarted():
                self._phases[event.phase].start(event)
            case CommandFinished():
                self._phases[event.result.phase].commands.append(event.result)
            case TestStarted():
                self._add_started(event)
            case TestFinished():
                self._add_finished(event)
            case TestRechecked():
                self._add_rechecked(event)
            case LeakFound():
                self._phases[event.phase].leaks.setdefault((event.id, event.attempt), []).append(event.leak)
            case TestSlow():
                self._phases[event.phase].slow[event.id] = event
            case HangReported():
                self._add_hang(event)
            case TestNotRun():
                self._phases[event.phase].not_run.update(dict.fromkeys(event.ids, event.reason))
            case PhaseFinished():
                self._phases[event.phase].ended = event
            case Warned():
                self._warnings.append(event.message)
            case ProblemFound():
                self._problems.append(event.problem)
            case Interrupted():
                self._signal = self._signal or event.signal
            case RunFinished():
                self._finished = event
            case ProcessStarted() | ProcessExited() | DeadlineReached() | Paused():
                pass  # for the live view and for a person reading the journal; outcomes say what came of them
            case _:
                assert_never(event)

    def _resume(self, event: RunResumed) -> None:
        self._earlier += self._wall
        last = self._last_mono
        self._began = self._last_mono = event.mono
        self._finished = None
        self._signal = 0
        complete = {name for name, state in self._phases.items() if state.is_complete}
        # What stood in the way of the run is to be met again, if it is still there; what its tests have shown stays.
        self._problems = [problem for problem in self._problems if problem.phase in complete or _stays(problem)]
        for name, state in self._phases.items():
            if name not in complete:
                state.reopen(last)

    def _add_planned(self, event: PhasePlanned) -> None:
        state = self._phases.get(event.phase)
        if state is None:
            self._phases[event.phase] = _PhaseState(event)
        else:
            state.replan(event)

    @property
    def _wall(self) -> float:
        return self._finished.wall if self._finished else max(0.0, self._last_mono - self._began)

    def _add_started(self, event: TestStarted) -> None:
        if not event.recheck:
            self._phases[event.phase].running[event.id] = event

    def _add_hang(self, event: HangReported) -> None:
        if event.why == "overdue" and event.id and event.phase in self._phases:
            self._phases[event.phase].hangs[event.id] = event

    def _add_finished(self, event: TestFinished) -> None:
        phase = self._phases[event.phase]
        phase.running.pop(event.id, None)
        phase.hangs.pop(event.id, None)  # its outcome says it all
        attempts = phase.attempts.get(event.id)
        if attempts is None:
            self._unplanned.append(event.id)
            return
        if any(attempt.number == event.attempt for attempt in attempts):
            self._duplicates.append(event.id)
            return
        phase.attempts[event.id] = (*attempts, _attempt(event))
        phase.remember(event)

    def _add_rechecked(self, event: TestRechecked) -> None:
        phase = self._phases[event.phase]
        if not phase.attempts.get(event.id):
            self._unplanned.append(event.id)
        elif event.id in phase.rechecks:
            self._duplicates.append(event.id)
        else:
            phase.rechecks[event.id] = event

    def kept(self) -> dict[str, Kept]:
        """What a process that resumes the run finds done, by phase."""
        return {name: state.kept() for name, state in self._phases.items()}

    def phase(self, name: str) -> PhaseResult:
        """What one phase has come to so far; ``KeyError`` for one that is not planned."""
        return self._phases[name].result(self._last_mono)

    def result(self) -> RunResult:
        """What the events so far come to. A test in flight when they end is ``not_run``, and says so."""
        run, collected = self._run, self._collected
        if run is None:
            return RunResult(run_id="", plan="", plan_path="", root="", at=0.0, wall=0.0)
        return RunResult(
            run_id=run.run_id,
            plan=run.plan,
            plan_path=run.plan_path,
            root=run.root,
            at=run.at,
            wall=self._earlier + self._wall,
            phases=tuple(state.result(self._last_mono) for state in self._phases.values()),
            collect_errors=collected.errors if collected else (),
            collect_skips=collected.skips if collected else (),
            left_out=collected.left_out if collected else (),
            problems=tuple(self._problems),
            warnings=tuple(dict.fromkeys(self._warnings)),
            facts=collected.facts if collected else PytestFacts(),
            argv=run.argv,
            signal=self._signal,
            finished=self._finished is not None,
            duplicates=tuple(self._duplicates),
            unplanned=tuple(self._unplanned),
        )


class _PhaseState:
    def __init__(self, planned: PhasePlanned) -> None:
        self.planned = planned
        self.attempts: dict[str, tuple[Attempt, ...]] = {test.id: () for test in planned.tests}
        self.not_run: dict[str, str] = {}
        self.running: dict[str, TestStarted] = {}
        self.failing: set[str] = set()
        self.rechecks: dict[str, TestRechecked] = {}
        self.places: dict[str, tuple[list[str], int]] = {}  # id -> tests of its process, and its position among them
        self._histories: dict[tuple[str, str], list[str]] = {}
        self._nothing: list[str] = []
        self.hangs: dict[str, HangReported] = {}
        self.slow: dict[str, TestSlow] = {}
        self.commands: list[CommandResult] = []
        self.leaks: dict[tuple[str, int], list[Leak]] = {}  # by test and attempt
        self.retrying: set[str] = set()  # another attempt was to follow
        self.rechecking: set[str] = set()
        self.started: PhaseStarted | None = None
        self.ended: PhaseFinished | None = None
        self._earlier = 0.0  # seconds that it took before the run was resumed

    def start(self, event: PhaseStarted) -> None:
        """It runs, perhaps once more."""
        if self.ended is not None:
            self._close(event.mono)
        self.started = event

    @property
    def is_complete(self) -> bool:
        """It has come to its end, and every test has its outcome."""
        return (
            self.ended is not None and not self.retrying and not self._open_rechecks() and all(self.attempts.values())
        )

    def _open_rechecks(self) -> list[str]:
        done = {id for id, event in self.rechecks.items() if event.outcome is not Outcome.NOT_RUN}
        return sorted(self.rechecking - done)

    def reopen(self, now: float) -> None:
        """The run is resumed, having come to its end at ``now``: what was in flight, or not run, is open again."""
        self._close(now)
        self.running.clear()
        self.not_run.clear()
        self.commands.clear()
        self.rechecks = {id: event for id, event in self.rechecks.items() if event.outcome is not Outcome.NOT_RUN}
        done = {(id, attempt.number) for id, attempts in self.attempts.items() for attempt in attempts}
        self.leaks = {key: leaks for key, leaks in self.leaks.items() if key in done}

    def _close(self, now: float) -> None:
        self._earlier = self._wall(now)
        self.started = self.ended = None

    def replan(self, planned: PhasePlanned) -> None:
        """The collection of a resumed run: outcomes stay with their tests."""
        self.planned = planned
        self.attempts = {test.id: self.attempts.get(test.id, ()) for test in planned.tests}

    def kept(self) -> Kept:
        """What is done of it."""
        rechecks = self._open_rechecks()
        settled = {id for id, attempts in self.attempts.items() if attempts and id not in self.retrying}
        return Kept(
            settled=frozenset(settled),
            attempts={id: self.attempts[id][-1].number + 1 for id in sorted(self.retrying) if self.attempts.get(id)},
            rechecks={id: self.attempts[id][-1].number for id in rechecks if self.attempts.get(id)},
            ended=self.ended is not None,
        )

    def _wall(self, now: float) -> float:
        started, ended = self.started, self.ended
        return self._earlier + (ended.wall if ended else max(0.0, now - started.mono) if started else 0.0)

    def result(self, now: float) -> PhaseResult:
        started, ended = self.started, self.ended
        shared: dict[int, tuple[str, ...]] = {}  # a history stands once, however many tests it tells of
        return PhaseResult(
            name=self.planned.phase,
            isolation=self.planned.isolation,
            workers=self.planned.workers,
            tests=tuple(self._test(test, shared) for test in self.planned.tests),
            wall=self._wall(now),
            started=started is not None or self._earlier > 0.0,
            finished=ended is not None,
            reason=ended.reason if ended else "",
            commands=tuple(self.commands),
        )

    def remember(self, event: TestFinished) -> None:
        """What an attempt says beyond itself: where in the order of its process the test ran, and whether it fails."""
        if event.fails:
            self.failing.add(event.id)
        (self.retrying.add if event.retry else self.retrying.discard)(event.id)
        if event.recheck:
            self.rechecking.add(event.id)
        key = event.process, event.worker
        history = self._histories.get(key, [])
        if event.nth == 0 and history[:1] != [event.id]:
            history = self._histories[key] = []
        if not history or history[-1] != event.id:
            history.append(event.id)
        if event.recheck:
            self.places[event.id] = history, event.nth

    def _recheck(self, test: str, shared: dict[int, tuple[str, ...]]) -> Recheck | None:
        event = self.rechecks.get(test)
        if event is None:
            return None
        history, position = self.places.get(test, (self._nothing, 0))
        return Recheck(
            outcome=event.outcome,
            passes=event.passes,
            message=event.reason or next((detail.message for detail in event.details), ""),
            process=event.process,
            duration=event.duration,
            position=position,
            history=shared.setdefault(id(history), tuple(history)),
        )

    def _test(self, test: TestRef, shared: dict[int, tuple[str, ...]]) -> TestResult:
        attempts = self.attempts[test.id]
        if self.leaks:
            attempts = tuple(self._with_leaks(test.id, attempt) for attempt in attempts)
        reason = "" if attempts else self.not_run.get(test.id) or self._unfinished(test.id)
        slow = self.slow.get(test.id)
        return TestResult(
            id=test.id,
            file=test.file,
            line=test.line,
            phase=self.planned.phase,
            attempts=attempts,
            reason=reason,
            fails=test.id in self.failing,
            recheck=self._recheck(test.id, shared),
            slow=(slow.age, slow.line) if slow is not None else None,
        )

    def _with_leaks(self, id: str, attempt: Attempt) -> Attempt:
        leaks = self.leaks.get((id, attempt.number))
        return msgspec.structs.replace(attempt, leaks=tuple(leaks)) if leaks else attempt

    def _unfinished(self, id: str) -> str:
        if id in self.running:
            hang = self.hangs.get(id)
            at = f"; it hangs, most likely: {hang.likely}" if hang is not None else ""
            return f"in flight when the run ended{at}"
        return "" if self.ended else "the run ended before it"


def _stays(problem: Problem) -> bool:
    return problem.kind != "infrastructure" and (bool(problem.phase) or problem.kind == "internal")


def _attempt(event: TestFinished) -> Attempt:
    return Attempt(
        number=event.attempt,
        outcome=event.outcome,
        at=event.started or event.at,
        duration=event.duration,
        call=event.call,
        details=event.details,
        sections=event.sections,
        properties=event.properties,
        process=event.process,
        worker=event.worker,
        slot=event.slot,
    )


def fold(events: Iterable[Event]) -> RunResult:
    """What a sequence of events comes to."""
    state = Fold()
    for event in events:
        state.add(event)
    return state.result()
