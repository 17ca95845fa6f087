"""What the supervisor tells: events with the stamp of its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..contract.launching import Job
from ..contract.messages import Started, Why
from ..model.result import Leak, Problem
from ..model.vocabulary import Outcome
from ..record.events import (
    DeadlineReached,
    Event,
    HangReported,
    LeakFound,
    ProblemFound,
    ProcessExited,
    ProcessStarted,
    TestNotRun,
    TestRechecked,
    TestSlow,
    TestStarted,
    Warned,
)
from ..words.durations import format_duration
from .aftermath import Overdue
from .running import Running

Clock = Callable[[], tuple[float, float]]


class Teller:
    """Emits the events of one phase. ``clock`` gives ``(wall, monotonic)``."""

    def __init__(self, phase: str, emit: Callable[[Event], None], clock: Clock) -> None:
        self.phase = phase
        self.emit = emit
        self.clock = clock

    @property
    def now(self) -> float:
        """Monotonic time."""
        return self.clock()[1]

    def process_started(self, job: Job, pid: int, log: str) -> None:
        at, mono = self.clock()
        self.emit(
            ProcessStarted(
                at=at,
                mono=mono,
                phase=self.phase,
                process=job.process,
                pid=pid,
                slot=job.slot,
                attempt=job.attempt,
                tests=len(job.tests),
                log=log,
                workers=job.workers,
            )
        )

    def process_exited(self, running: Running, status: int) -> None:
        at, mono = self.clock()
        finished = running.finished is not None
        process = running.job.process
        self.emit(ProcessExited(at=at, mono=mono, phase=self.phase, process=process, status=status, finished=finished))

    def test_started(self, job: Job, message: Started) -> None:
        self.emit(
            TestStarted(
                at=message.at,
                mono=message.mono,
                phase=self.phase,
                id=message.id,
                process=job.process,
                attempt=job.attempt,
                worker=message.worker,
                recheck=job.recheck,
            )
        )

    def leak(self, job: Job, id: str, attempt: int, leak: Leak) -> None:
        at, mono = self.clock()
        event = LeakFound(at=at, mono=mono, phase=self.phase, id=id, attempt=attempt, process=job.process, leak=leak)
        self.emit(event)

    def deadline(self, late: Overdue, process: str, id: str) -> None:
        at, mono = self.clock()
        self.emit(
            DeadlineReached(
                at=at, mono=mono, budget=late.budget, limit=late.limit, phase=self.phase, process=process, id=id
            )
        )

    def hang(self, job: Job, id: str, why: Why, age: float, likely: str, text: str) -> None:
        at, mono = self.clock()
        self.emit(
            HangReported(
                at=at,
                mono=mono,
                phase=self.phase,
                process=job.process,
                id=id,
                attempt=job.attempt,
                why=why,
                age=age,
                likely=likely,
                text=text,
            )
        )

    def slow(self, job: Job, id: str, age: float, line: str) -> None:
        at, mono = self.clock()
        self.emit(
            TestSlow(
                at=at,
                mono=mono,
                phase=self.phase,
                process=job.process,
                id=id,
                attempt=job.attempt,
                age=age,
                line=line,
            )
        )

    def not_run(self, ids: Iterable[str], reason: str) -> None:
        left = tuple(dict.fromkeys(ids))
        if left:
            at, mono = self.clock()
            self.emit(TestNotRun(at=at, mono=mono, phase=self.phase, ids=left, reason=reason))

    def not_rechecked(self, id: str, reason: str) -> None:
        at, mono = self.clock()
        self.emit(TestRechecked(at=at, mono=mono, phase=self.phase, id=id, outcome=Outcome.NOT_RUN, reason=reason))

    def problem(self, message: str, hint: str = "") -> None:
        """Something that no test explains, and that makes the run red."""
        self._problem(Problem("failure", message, hint, self.phase))

    def infrastructure(self, message: str) -> None:
        """The runner cannot do its work."""
        self._problem(Problem("infrastructure", message, "", self.phase))

    def _problem(self, problem: Problem) -> None:
        at, mono = self.clock()
        self.emit(ProblemFound(at=at, mono=mono, problem=problem))

    def stayed(self, process: str, who: str, limit: float, why: str, likely: str) -> None:
        """A process or a worker did not leave after its tests; ``likely`` is the line that holds it, or empty."""
        at = f"; most likely: {likely}" if likely else ""
        self.warn(
            f"{process}: {who} did not exit within {format_duration(limit)} after its tests (leak_timeout), and "
            f"was ended: {why}{at}"
        )

    def warn(self, message: str) -> None:
        at, mono = self.clock()
        self.emit(Warned(at=at, mono=mono, message=message))
