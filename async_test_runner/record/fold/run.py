"""The run: every event to the facts that it belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from ...model.inventory import PytestFacts
from ...model.result import Kept, PhaseResult, RunResult
from ..events import (
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
from .books import Books
from .phase import PhaseFold
from .problems import ProblemFold
from .warned import WarningFold


class Fold:
    """Takes events one by one and says at any moment what the run has come to."""

    def __init__(self) -> None:
        self._run: RunStarted | None = None
        self._began = 0.0  # when the part of the run that goes on now began: the first, or one that was resumed
        self._earlier = 0.0  # seconds of the parts before
        self._last_mono = 0.0
        self._finished: RunFinished | None = None
        self._collected: Collected | None = None
        self._phases: dict[str, PhaseFold] = {}
        self._problems = ProblemFold()
        self._warnings: list[str] = []
        self._warned = WarningFold()
        self._signal = 0
        self._books = Books()

    def add(self, event: Event) -> None:
        """Take one event in. Events of one run in the order of its journal; the most frequent kinds come first here."""
        if not isinstance(event, RunResumed):
            self._last_mono = max(self._last_mono, event.mono)
        match event:
            case TestFinished():
                self._phases[event.phase].finish(event)
            case TestStarted():
                self._phases[event.phase].unfinished.start(event)
            case ProcessStarted():
                self._phases[event.phase].processes.start(event)
            case ProcessExited():
                self._phases[event.phase].processes.exit(event)
            case SuitePropertyAdded():
                self._phases[event.phase].properties.setdefault((event.name, event.value))
            case LeakFound():
                self._phases[event.phase].leaks.add(event)
            case WorkerRetired():
                self._phases[event.phase].retirements.add(event)
            case TestSlow():
                self._phases[event.phase].slow.add(event)
            case TestNotRun():
                self._phases[event.phase].unfinished.add(event)
            case TestRechecked():
                self._phases[event.phase].recheck(event)
            case HangReported():
                if event.phase in self._phases:
                    self._phases[event.phase].hangs.add(event)
            case CommandFinished():
                self._phases[event.result.phase].commands.add(event)
            case PhasePlanned():
                self._plan(event)
            case PhaseStarted():
                self._phases[event.phase].time.start(event)
            case PhaseFinished():
                self._phases[event.phase].time.end(event)
            case RunStarted():
                self._run = event
                self._began = event.mono
            case RunResumed():
                self._resume(event)
            case Collected():
                self._collected = event
            case WarningRecorded():
                self._warned.add(event.warning)
            case Warned():
                self._warnings.append(event.message)
            case ProblemFound():
                self._problems.add(event)
            case Interrupted():
                self._signal = self._signal or event.signal
            case RunFinished():
                self._finished = event
            case DeadlineReached() | Paused() | PythonFound():
                pass  # for the live view and for a person reading the journal; outcomes say what came of them
            case _:
                assert_never(event)

    def _resume(self, event: RunResumed) -> None:
        self._earlier += self._wall
        last = self._last_mono
        self._began = self._last_mono = event.mono
        self._finished = None
        self._signal = 0
        complete = {name for name, phase in self._phases.items() if phase.is_complete}
        self._problems.reopen(complete)
        for name, phase in self._phases.items():
            if name not in complete:
                phase.reopen(last)

    def _plan(self, event: PhasePlanned) -> None:
        phase = self._phases.get(event.phase)
        if phase is None:
            self._phases[event.phase] = PhaseFold(event, self._books)
        else:
            phase.replan(event)

    @property
    def _wall(self) -> float:
        return self._finished.wall if self._finished else max(0.0, self._last_mono - self._began)

    def kept(self) -> dict[str, Kept]:
        """What a process that resumes the run finds done, by phase."""
        return {name: phase.kept() for name, phase in self._phases.items()}

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
            phases=tuple(phase.result(self._last_mono) for phase in self._phases.values()),
            collect_errors=collected.errors if collected else (),
            collect_skips=collected.skips if collected else (),
            left_out=collected.left_out if collected else (),
            problems=self._problems.all(),
            warnings=tuple(dict.fromkeys(self._warnings)),
            suite_warnings=self._warned.all(collected.facts.warned if collected else ()),
            facts=collected.facts if collected else PytestFacts(),
            argv=run.argv,
            proposed=run.proposed,
            signal=self._signal,
            finished=self._finished is not None,
            duplicates=tuple(self._books.duplicates),
            unplanned=tuple(self._books.unplanned),
        )


def fold(events: Iterable[Event]) -> RunResult:
    """What a sequence of events comes to."""
    state = Fold()
    for event in events:
        state.add(event)
    return state.result()
