"""The events of a run, their JSON codec, and the fold that turns them into a `RunResult`.

One event is one fact, written as one JSON line the moment it happens: ``{"kind": "test_finished", "at": …, …}``.
``at`` is wall time (seconds since the epoch), ``mono`` the system's monotonic clock (comparable between the processes
of one boot). A reader ignores kinds and keys that it does not know; `VERSION` changes only when a known key changes its
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
    LeftOut,
    Outcome,
    PhaseResult,
    Problem,
    PytestFacts,
    RunResult,
    Section,
    TestResult,
)

VERSION = 1


class TestRef(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A planned test as the journal names it: ``[id, file, line]``."""

    __test__ = False

    id: str
    file: str
    line: int


class _Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", omit_defaults=True):
    at: float
    mono: float


class RunStarted(_Event, frozen=True, kw_only=True, tag="run_started"):
    """First line of every journal."""

    version: int
    run_id: str
    plan: str
    plan_path: str
    root: str
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


class DeadlineReached(_Event, frozen=True, kw_only=True, tag="deadline_reached"):
    """A budget is used up; the escalation (dump, fail from inside, TERM, KILL) begins."""

    budget: Literal["collection", "setup", "test", "phase", "run"]
    limit: float
    phase: str = ""
    process: str = ""
    id: str = ""


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


class RunFinished(_Event, frozen=True, kw_only=True, tag="run_finished"):
    """Last line of a journal whose runner was not killed."""

    exit_code: int
    wall: float


Event = (
    RunStarted
    | Collected
    | PhasePlanned
    | PhaseStarted
    | CommandFinished
    | ProcessStarted
    | ProcessExited
    | TestStarted
    | TestFinished
    | DeadlineReached
    | TestNotRun
    | PhaseFinished
    | Warned
    | ProblemFound
    | Interrupted
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
        self._last_mono = max(self._last_mono, event.mono)
        match event:
            case RunStarted():
                self._run = event
            case Collected():
                self._collected = event
            case PhasePlanned():
                self._phases[event.phase] = _PhaseState(event)
            case PhaseStarted():
                self._phases[event.phase].started = event
            case CommandFinished():
                self._phases[event.result.phase].commands.append(event.result)
            case TestStarted():
                self._add_started(event)
            case TestFinished():
                self._add_finished(event)
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
            case ProcessStarted() | ProcessExited() | DeadlineReached():
                pass  # for the live view and for a person reading the journal; outcomes say what came of them
            case _:
                assert_never(event)

    def _add_started(self, event: TestStarted) -> None:
        self._phases[event.phase].running[event.id] = event

    def _add_finished(self, event: TestFinished) -> None:
        phase = self._phases[event.phase]
        phase.running.pop(event.id, None)
        attempts = phase.attempts.get(event.id)
        if attempts is None:
            self._unplanned.append(event.id)
            return
        if any(attempt.number == event.attempt for attempt in attempts):
            self._duplicates.append(event.id)
            return
        phase.attempts[event.id] = (*attempts, _attempt(event))

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
            wall=self._finished.wall if self._finished else max(0.0, self._last_mono - run.mono),
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
        self.commands: list[CommandResult] = []
        self.started: PhaseStarted | None = None
        self.ended: PhaseFinished | None = None

    def result(self, now: float) -> PhaseResult:
        started, ended = self.started, self.ended
        wall = ended.wall if ended else max(0.0, now - started.mono) if started else 0.0
        return PhaseResult(
            name=self.planned.phase,
            isolation=self.planned.isolation,
            workers=self.planned.workers,
            tests=tuple(self._test(test) for test in self.planned.tests),
            wall=wall,
            started=started is not None,
            finished=ended is not None,
            reason=ended.reason if ended else "",
            commands=tuple(self.commands),
        )

    def _test(self, test: TestRef) -> TestResult:
        attempts = self.attempts[test.id]
        reason = "" if attempts else self.not_run.get(test.id) or self._unfinished(test.id)
        return TestResult(
            id=test.id, file=test.file, line=test.line, phase=self.planned.phase, attempts=attempts, reason=reason
        )

    def _unfinished(self, id: str) -> str:
        if id in self.running:
            return "in flight when the run ended"
        return "" if self.ended else "the run ended before it"


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
