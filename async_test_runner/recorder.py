"""Takes every event of a run to where it belongs."""

from __future__ import annotations

from contextlib import suppress

from . import journal
from .engine import Clock
from .errors import InfrastructureError
from .events import Event, Fold, ProblemFound, Warned
from .model import Problem
from .reports.terminal import Reporter
from .runs import RunDir


class Recorder:
    """Takes every event to the journal, the fold and the view, in this order: what is shown is on disk."""

    def __init__(self, run: RunDir, reporter: Reporter, interval: float, clock: Clock) -> None:
        self._writer = journal.JournalWriter(run.journal)
        self._reporter = reporter
        self._interval = interval
        self._ticked = 0.0
        self._deaf = False  # the journal has refused an event
        self.fold = Fold()
        self.clock = clock
        self.began = clock()[1]

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
            self._reporter.event(event)

    def tick(self, now: float) -> None:
        """Let the view show what changed, not more often than it wants."""
        if now >= self._ticked + self._interval:
            self._ticked = now
            self._reporter.tick(now)

    def problem(self, problem: Problem) -> None:
        """Record something that is nobody's test; a journal that does not take it is a problem more."""
        at, mono = self.clock()
        try:
            self.emit(ProblemFound(at=at, mono=mono, problem=problem))
        except InfrastructureError as error:
            self.problem(Problem("infrastructure", error.message, error.hint))

    def warn(self, message: str) -> None:
        """Record something worth knowing."""
        at, mono = self.clock()
        self.emit(Warned(at=at, mono=mono, message=message))

    def restore(self) -> None:
        """See to it that the journal is where it is looked for, whatever has become of its directory."""
        with suppress(InfrastructureError):
            self._writer.restore()

    def close(self) -> None:
        """Nothing follows."""
        self._reporter.close()
        self._writer.close()
