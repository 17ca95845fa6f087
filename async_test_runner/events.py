"""The events of a run, their JSON codec, and the fold that turns them into a `RunResult`.

One event is one fact, written as one JSON line the moment it happens: ``{"kind": "test_finished", "at": …, …}``.
``at`` is wall time (seconds since the epoch), ``mono`` the system's monotonic clock (comparable between the processes
of one boot) less the time in which the run was stopped.
A reader ignores kinds and keys that it does not know; `VERSION` changes only when a known key changes its
meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, assert_never, get_args

import msgspec

from .model import (
    Attempt,
    CollectError,
    CommandResult,
    Detail,
    Isolation,
    Kept,
    Leak,
    LeftOut,
    Outcome,
    PhaseResult,
    Problem,
    PytestFacts,
    Recheck,
    RunResult,
    Section,
    TestRef,
    TestResult,
)

VERSION = 1


class _Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", omit_defaults=True):
    at: float
    mono: float


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the command line has asked for beside the plan: a run that is resumed goes on under the same."""

    phases: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    markers: str = ""
    keyword: str = ""
    tests: tuple[str, ...] = ()
    workers: int | None = None
    max_failures: int | None = None
    run_timeout: float | None = None
    launcher: Literal["auto", "exec", "warm"] | None = None
    junit: str | None = None
    pytest_args: tuple[str, ...] = ()


class RunStarted(_Event, frozen=True, kw_only=True, tag="run_started"):
    """First line of every journal. ``plan_digest`` is the SHA-256 of the plan's file."""

    version: int
    run_id: str
    plan: str
    plan_path: str
    root: str
    argv: tuple[str, ...]
    runner: str
    plan_digest: str = ""
    asked: Asked = Asked()


class RunResumed(_Event, frozen=True, kw_only=True, tag="run_resumed"):
    """Another process takes the run up again: outcomes stay, what was in flight or not run is open once more.

    ``mono`` may begin anew here, after a restart of the machine.
    """

    run_id: str
    argv: tuple[str, ...]
    runner: str


class Collected(_Event, frozen=True, kw_only=True, tag="collected"):
    """The collection is over; the phases that follow as `PhasePlanned` hold its tests."""

    tests: int
    facts: PytestFacts
    errors: tuple[CollectError, ...] = ()
    skips: tuple[CollectError, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class PhasePlanned(_Event, frozen=True, kw_only=True, tag="phase_planned"):
    """A phase with every test that it must account for."""

    phase: str
    isolation: Isolation
    workers: int
    tests: tuple[TestRef, ...]
    kept: dict[Outcome, int] = {}  # outcomes that the run has from before it was resumed


class PhaseStarted(_Event, frozen=True, kw_only=True, tag="phase_started"):
    phase: str


class CommandFinished(_Event, frozen=True, kw_only=True, tag="command_finished"):
    """A setup or teardown command ended."""

    result: CommandResult


class ProcessStarted(_Event, frozen=True, kw_only=True, tag="process_started"):
    """A pytest process for `tests` tests of a phase. ``process`` is its name in this run (``async/0007``)."""

    phase: str
    process: str
    pid: int
    slot: int
    attempt: int
    tests: int
    log: str


class ProcessExited(_Event, frozen=True, kw_only=True, tag="process_exited"):
    """``status`` is the exit status, negative for a signal: evidence, never the verdict."""

    phase: str
    process: str
    status: int
    finished: bool  # the pytest session inside said that it had finished


class TestStarted(_Event, frozen=True, kw_only=True, tag="test_started"):
    __test__ = False

    phase: str
    id: str
    process: str
    attempt: int
    worker: str = ""
    recheck: bool = False  # no attempt: what follows is `TestRechecked`


class TestFinished(_Event, frozen=True, kw_only=True, tag="test_finished"):
    """An attempt of a test has its outcome, from pytest or, for what pytest cannot tell, from the runner."""

    __test__ = False

    phase: str
    id: str
    attempt: int
    outcome: Outcome
    process: str = ""
    worker: str = ""
    slot: int = 0
    started: float = 0.0  # wall time at which the attempt began
    duration: float = 0.0
    call: float | None = None  # seconds of the call alone
    details: tuple[Detail, ...] = ()
    sections: tuple[Section, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    retry: bool = False  # another attempt follows
    fails: bool = False  # red all the same: it is flaky, and the plan wants that to fail
    recheck: bool = False  # it will be run once more, alone: `TestRechecked` follows
    nth: int = 0  # how many tests had run in its process before it; known in phases that recheck


class TestRechecked(_Event, frozen=True, kw_only=True, tag="test_rechecked"):
    """A red test was run once more, alone; with the outcome ``not_run`` it could not be, for this ``reason``."""

    __test__ = False

    phase: str
    id: str
    outcome: Outcome
    passes: bool = False  # the plan lets it pass: it depends on the order only
    process: str = ""
    duration: float = 0.0
    details: tuple[Detail, ...] = ()
    reason: str = ""


class LeakFound(_Event, frozen=True, kw_only=True, tag="leak_found"):
    """An attempt of a test has left something behind."""

    phase: str
    id: str
    attempt: int
    process: str
    leak: Leak


class DeadlineReached(_Event, frozen=True, kw_only=True, tag="deadline_reached"):
    """A budget is used up; the escalation (dump, fail from inside, TERM, KILL) begins."""

    budget: Literal["collection", "setup", "test", "phase", "run"]
    limit: float
    phase: str = ""
    process: str = ""
    id: str = ""


class TestSlow(_Event, frozen=True, kw_only=True, tag="test_slow"):
    """A test runs for longer than ``slow_after``, once more so long: ``line`` is what it was at when it was asked."""

    __test__ = False

    phase: str
    id: str
    process: str
    attempt: int
    age: float
    line: str


class HangReported(_Event, frozen=True, kw_only=True, tag="hang_reported"):
    """What a process is at: because a deadline is over (``overdue``), a person has asked (``asked``), or it does not
    end (``exit``). ``likely`` is the line that most likely hangs; an empty ``id``: no test runs in it.
    """

    phase: str
    process: str
    id: str
    attempt: int
    why: Literal["overdue", "asked", "exit", "slow"]
    age: float
    likely: str
    text: str


class TestNotRun(_Event, frozen=True, kw_only=True, tag="test_not_run"):
    """A planned test will not run, and why."""

    __test__ = False

    phase: str
    ids: tuple[str, ...]
    reason: str


class PhaseFinished(_Event, frozen=True, kw_only=True, tag="phase_finished"):
    phase: str
    wall: float
    reason: str = ""


class Warned(_Event, frozen=True, kw_only=True, tag="warned"):
    """Worth knowing, changes nothing."""

    message: str


class ProblemFound(_Event, frozen=True, kw_only=True, tag="problem_found"):
    problem: Problem


class Interrupted(_Event, frozen=True, kw_only=True, tag="interrupted"):
    """A signal asked the run to end. ``count`` is 1 for the first one (orderly), 2 for the second (at once)."""

    signal: int
    count: int = 1


class Paused(_Event, frozen=True, kw_only=True, tag="paused"):
    """The run was stopped (Ctrl-Z) and goes on again. ``mono`` stood still meanwhile, in all events of the run."""

    seconds: float


class RunFinished(_Event, frozen=True, kw_only=True, tag="run_finished"):
    """Last line of a journal whose runner was not killed."""

    exit_code: int
    wall: float


Event = (
    RunStarted
    | RunResumed
    | Collected
    | PhasePlanned
    | PhaseStarted
    | CommandFinished
    | ProcessStarted
    | ProcessExited
    | TestStarted
    | TestFinished
    | TestRechecked
    | LeakFound
    | DeadlineReached
    | TestSlow
    | HangReported
    | TestNotRun
    | PhaseFinished
    | Warned
    | ProblemFound
    | Interrupted
    | Paused
    | RunFinished
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)


class _Kind(msgspec.Struct):
    kind: str


_kind_decoder = msgspec.json.Decoder(_Kind)
_KINDS: frozenset[str] = frozenset(str(cls.__struct_config__.tag) for cls in get_args(Event))


def encode(event: Event) -> bytes:
    """One line of JSON, without the newline. Lone surrogates, which JSON in UTF-8 cannot hold, are escaped visibly."""
    try:
        return _encoder.encode(event)
    except UnicodeEncodeError:
        return _encoder.encode(_without_surrogates(msgspec.to_builtins(event)))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value


def decode(line: bytes) -> Event | None:
    """The event of one line, or None for a kind of a later version. ``msgspec.DecodeError`` for a damaged line."""
    try:
        event: Event = _decoder.decode(line)
    except msgspec.ValidationError:
        if _kind_decoder.decode(line).kind in _KINDS:
            raise
        return None
    except UnicodeDecodeError as error:  # what msgspec raises for bytes that are no UTF-8
        raise msgspec.DecodeError(str(error)) from error
    return event


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
