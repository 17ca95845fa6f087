"""What the supervisor tells: events of one phase, stamped in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from ..contract.launching import Job
from ..contract.messages import Finished, Retired, Started
from ..model.inventory import SuiteWarning
from ..model.result import Leak, Problem, Section
from ..model.vocabulary import Outcome
from ..record.events import (
    DeadlineReached,
    Event,
    HangReported,
    LeakFound,
    ProblemFound,
    ProcessExited,
    ProcessStarted,
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
from ..system.clocks import Stamp
from ..words.durations import format_duration
from .aftermath import Overdue
from .conclusion import Conclusion, Follows
from .running import HangReport

Clock = Callable[[], tuple[float, float]]


class _Here(Stamp):
    phase: str


class _InProcess(_Here):
    process: str
    id: str
    attempt: int


class Teller:
    """Emits the events of one phase. ``clock`` gives ``(wall, monotonic)``."""

    def __init__(self, phase: str, emit: Callable[[Event], None], clock: Clock) -> None:
        self._phase = phase
        self._emit = emit
        self.clock = clock

    @property
    def now(self) -> float:
        """Monotonic time."""
        return self.clock()[1]

    def _stamp(self, message: Started | Finished | None = None) -> Stamp:
        """When it happened: now, or when a session says so."""
        at, mono = self.clock() if message is None else (message.at, message.mono)
        return {"at": at, "mono": mono}

    def _here(self, message: Started | Finished | None = None) -> _Here:
        return {**self._stamp(message), "phase": self._phase}

    def _in(self, job: Job, id: str, attempt: int | None = None) -> _InProcess:
        return {**self._here(), "process": job.process, "id": id, "attempt": attempt or job.attempt}

    def process_started(self, job: Job, pid: int, log: str) -> None:
        event = ProcessStarted(
            **self._here(),
            process=job.process,
            pid=pid,
            slot=job.slot,
            attempt=job.attempt,
            tests=len(job.tests),
            log=log,
            workers=job.workers,
        )
        self._emit(event)

    def process_exited(self, job: Job, status: int, *, finished: bool, warnings: int = 0) -> None:
        event = ProcessExited(**self._here(), process=job.process, status=status, finished=finished, warnings=warnings)
        self._emit(event)

    def suite_warning(self, job: Job, warning: SuiteWarning) -> None:
        self._emit(WarningRecorded(**self._here(), process=job.process, warning=warning))

    def suite_property(self, name: str, value: str) -> None:
        self._emit(SuitePropertyAdded(**self._here(), name=name, value=value))

    def test_started(self, job: Job, message: Started) -> None:
        event = TestStarted(
            **self._here(message),
            id=message.id,
            process=job.process,
            attempt=job.attempt,
            worker=message.worker,
            recheck=job.recheck,
        )
        self._emit(event)

    def test_finished(self, job: Job, slot: int, ended: Conclusion, follows: Follows, nth: int) -> None:
        """An attempt has its outcome. ``nth`` is its place in its process, where that matters."""
        message, flight = ended.message, ended.flight
        here = self._here(message)
        event = TestFinished(
            **here,
            id=ended.id,
            attempt=ended.attempt,
            outcome=ended.outcome,
            process=job.process,
            worker=ended.worker,
            slot=slot,
            started=flight.at if flight else message.started if message else 0.0,
            duration=message.duration if message else here["mono"] - flight.began if flight else 0.0,
            call=message.call if message else None,
            details=ended.details,
            sections=tuple(Section(*section) for section in message.sections) if message else (),
            properties=message.properties if message else (),
            attributes=message.attributes if message else (),
            retry=follows.retry,
            fails=follows.fails,
            alone=follows.alone,
            recheck=follows.recheck,
            nth=nth,
        )
        self._emit(event)

    def test_rechecked(self, job: Job, ended: Conclusion, *, passes: bool) -> None:
        """A red test was run once more, alone."""
        event = TestRechecked(
            **self._here(),
            id=ended.id,
            outcome=ended.outcome,
            passes=passes,
            process=job.process,
            duration=ended.message.duration if ended.message else 0.0,
            details=ended.details,
        )
        self._emit(event)

    def leak(self, job: Job, id: str, attempt: int, leak: Leak) -> None:
        self._emit(LeakFound(**self._in(job, id, attempt), leak=leak))

    def retired(self, job: Job, message: Retired) -> None:
        """A process runs no more tests, though others were to follow."""
        event = WorkerRetired(
            **self._here(), process=job.process, worker=message.worker, id=message.id, why=message.why
        )
        self._emit(event)

    def deadline(self, late: Overdue, process: str, id: str) -> None:
        self._emit(DeadlineReached(**self._here(), budget=late.budget, limit=late.limit, process=process, id=id))

    def hang(self, job: Job, id: str, why: Literal["overdue", "asked", "exit"], age: float, report: HangReport) -> None:
        self._emit(HangReported(**self._in(job, id), why=why, age=age, likely=report.likely, text=report.text))

    def slow(self, job: Job, id: str, age: float, line: str) -> None:
        self._emit(TestSlow(**self._in(job, id), age=age, line=line))

    def not_run(self, ids: Iterable[str], reason: str) -> None:
        left = tuple(dict.fromkeys(ids))
        if left:
            self._emit(TestNotRun(**self._here(), ids=left, reason=reason))

    def not_rechecked(self, id: str, reason: str) -> None:
        self._emit(TestRechecked(**self._here(), id=id, outcome=Outcome.NOT_RUN, reason=reason))

    def problem(self, message: str, hint: str = "") -> None:
        """Something that no test explains, and that makes the run red."""
        self._emit(ProblemFound(**self._stamp(), problem=Problem("failure", message, hint, self._phase)))

    def infrastructure(self, message: str) -> None:
        """The runner cannot do its work."""
        self._emit(ProblemFound(**self._stamp(), problem=Problem("infrastructure", message, "", self._phase)))

    def stayed(self, process: str, who: str, limit: float, why: str, likely: str) -> None:
        """A process or a worker did not leave after its tests; ``likely`` is the line that holds it, or empty."""
        at = f"; most likely: {likely}" if likely else ""
        self.warn(
            f"{process}: {who} did not exit within {format_duration(limit)} after its tests (leak_timeout), and "
            f"was ended: {why}{at}"
        )

    def warn(self, message: str) -> None:
        self._emit(Warned(**self._stamp(), message=message))
