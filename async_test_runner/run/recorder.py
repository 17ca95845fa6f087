"""Takes every event of a run to where it belongs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import msgspec

from ..model.errors import InfrastructureError
from ..model.result import Problem
from ..model.vocabulary import Outcome
from ..record import journal
from ..record.events import (
    Event,
    HangReported,
    Interrupted,
    PhaseFinished,
    PhaseStarted,
    ProblemFound,
    TestFinished,
    Warned,
)
from ..record.fold import Fold
from ..record.runs import RunDir
from ..reports.terminal.views import PATIENCE, Reporter
from ..system.clocks import Clock, RunClock, Stamp

_PARTING = 3.0  # seconds that what is left of a killed run may take to end
_OFTEN = 5.0  # seconds between two writings of a report that is watched, at least
_TICK = 0.1  # seconds between two ticks of the view, where it wants so many
_BESIDE = 1.0  # the same while the event loop does not turn


class EarlyReports:
    """Writes the reports when a test hangs: whoever waits for them may lose patience before the run ends.

    At most a tenth of the time goes into it, however many tests hang. With ``watched`` they are written from time to
    time too, whatever happens: at most a hundredth of the time goes into that.
    """

    def __init__(self, write: Callable[[], object], clock: Clock, *, watched: bool = False) -> None:
        self._write = write
        self._clock = clock
        self._due = False
        self._not_before = float("-inf")
        self._again = clock()[1] + _OFTEN if watched else float("inf")

    def event(self, event: Event) -> None:
        """What is said about a hang, and what became of it."""
        if isinstance(event, HangReported):
            self._due = self._due or event.why == "overdue"
        elif isinstance(event, TestFinished):
            self._due = self._due or event.outcome is Outcome.TIMED_OUT

    def tick(self, now: float) -> None:
        """Write, if there is something to write and the last time is long enough ago."""
        if (not self._due or now < self._not_before) and now < self._again:
            return
        self._due = False
        began = self._clock()[1]
        self._write()
        ended = self._clock()[1]
        self._not_before = ended + 9 * (ended - began)
        if self._again != float("inf"):
            self._again = ended + max(_OFTEN, 99 * (ended - began))


class Recorder:
    """Takes every event to the journal, the fold and the view, in this order: what is shown is on disk."""

    def __init__(self, run: RunDir, reporter: Reporter, interval: float, clock: RunClock) -> None:
        """``InfrastructureError`` when the journal cannot be written, ``UsageError`` when another process does."""
        self._writer = journal.JournalWriter(run.journal, patience=_PARTING)
        self._reporter = reporter
        self._interval = interval
        self._ticked = 0.0
        self._waits: list[str] = []
        self._view = threading.Lock()  # a view is used by one thread at a time
        self._deaf = False  # the journal has refused an event
        self._changed = False  # somebody has changed the journal, which has been said
        self._phase = ""  # that is running
        self._interrupted = False
        self.early: EarlyReports | None = None
        self.fold = Fold()
        self.clock = clock
        self.began = clock()[1]

    def recall(self, events: Iterable[Event]) -> None:
        """What was recorded before, by a process whose run this one takes up: nothing for the journal or the view."""
        for event in events:
            self.fold.add(event)

    @property
    def writer(self) -> journal.JournalWriter:
        """What has the run, and its journal."""
        return self._writer

    def emit(self, event: Event) -> None:
        """Record one event. A journal that takes it no more is an ``InfrastructureError``, once: reports follow yet."""
        try:
            if not self._deaf:
                self._writer.write(event)
        except InfrastructureError:
            self._deaf = True
            raise
        finally:
            self.fold.add(event)
            with self._view:
                self._reporter.event(event)
            self._follow(event)
            if self.early is not None:
                self.early.event(event)

    def _follow(self, event: Event) -> None:
        if isinstance(event, PhaseStarted):
            self._phase = event.phase
        elif isinstance(event, PhaseFinished):
            self._phase = ""
        elif isinstance(event, Interrupted):
            self._interrupted = True

    def now(self) -> Stamp:
        """The times of an event that happens now."""
        return self.clock.stamp()

    def tick(self, now: float) -> None:
        """Let the view show what changed, not more often than it wants."""
        if self.early is not None:
            self.early.tick(now)
        if now >= self._ticked + self._interval:
            self._ticked = now
            self._accuse(self._writer.moved)
            with self._view:
                self._reporter.tick(now)

    @asynccontextmanager
    async def ticking(self) -> AsyncIterator[None]:
        """While inside, the view lives, whatever else is awaited."""
        task = asyncio.create_task(self._tick_on())
        try:
            yield
        finally:
            task.cancel()

    async def _tick_on(self) -> None:
        while True:
            self.tick(self.clock()[1])
            await asyncio.sleep(_TICK)

    @contextmanager
    def waiting(self, what: str, *, blocks: bool = False) -> Iterator[None]:
        """While inside, the view may say that ``what`` is waited for. ``blocks``: the event loop does not turn."""
        self._waits.append(what)
        self._tell_wait()
        over = threading.Event()
        if blocks:
            threading.Thread(target=self._tick_beside, args=(over,), daemon=True).start()
        try:
            yield
        finally:
            over.set()
            self._waits.remove(what)
            self._tell_wait()

    def _tell_wait(self) -> None:
        with self._view:
            self._reporter.waits(self._waits[-1] if self._waits else "", self.clock()[1])

    def _tick_beside(self, over: threading.Event) -> None:
        while not over.wait(_BESIDE):
            with self._view:
                self._reporter.tick(self.clock()[1])

    def problem(self, problem: Problem) -> None:
        """Record something that is nobody's test; a journal that does not take it is a problem more."""
        try:
            self.emit(ProblemFound(**self.now(), problem=problem))
        except InfrastructureError as error:
            self.problem(Problem("infrastructure", error.message, error.hint))

    def warn(self, message: str) -> None:
        """Record something worth knowing."""
        self.emit(Warned(**self.now(), message=message))

    def pause(self) -> None:
        """Leave the terminal alone until the next tick."""
        with self._view:
            self._reporter.pause()
        self._ticked = 0.0

    def check(self) -> None:
        """Whatever somebody has changed in the journal is a problem of the run."""
        self._accuse(self._writer.changed)

    def _accuse(self, look: Callable[[], str]) -> None:
        """Once, with the phase that runs when it is noticed."""
        said = "" if self._changed or self._deaf else look()
        if said:
            self._changed = True
            self.problem(msgspec.structs.replace(journal.problem(said), phase=self._phase))

    def seal(self) -> None:
        """Nothing is to be written: the journal is where it is looked for, as it was written, and nobody adds to it."""
        with suppress(InfrastructureError):
            self._writer.restore()
        with suppress(InfrastructureError):
            self._writer.seal()

    def close(self) -> None:
        """Nothing follows."""
        with self._view:
            self._reporter.close(PATIENCE if self._interrupted else None)
        self._writer.close()
