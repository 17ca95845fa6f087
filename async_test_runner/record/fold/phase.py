"""One phase: its facts together."""

from __future__ import annotations

from ...model.inventory import TestRef
from ...model.result import Kept, PhaseResult, TestResult
from ..events import PhasePlanned, TestFinished, TestRechecked
from .attempts import AttemptFold
from .books import Books
from .commands import CommandFold
from .hangs import HangFold
from .histories import HistoryFold
from .leaks import LeakFold
from .processes import ProcessFold
from .rechecks import RecheckFold
from .retirements import RetirementFold
from .slow import SlowFold
from .times import TimeFold
from .unfinished import UnfinishedFold


class PhaseFold:
    """What the events of one phase come to: a fold for each fact, and what takes more than one of them."""

    def __init__(self, planned: PhasePlanned, books: Books) -> None:
        self._planned = planned
        self.time = TimeFold()
        self.commands = CommandFold()
        self.processes = ProcessFold(planned.phase)
        self.attempts = AttemptFold(planned.tests, books)
        self.unfinished = UnfinishedFold()
        self.hangs = HangFold()
        self.histories = HistoryFold()
        self.rechecks = RecheckFold(books)
        self.leaks = LeakFold()
        self.slow = SlowFold()
        self.retirements = RetirementFold(planned.isolation)
        self.properties: dict[tuple[str, str], None] = {}  # that tests have added to the suite, in their order

    def finish(self, event: TestFinished) -> None:
        """A test has had an attempt."""
        self.unfinished.over(event.id)
        self.hangs.over(event.id)
        self.retirements.finish(event)
        process = self.processes.name(event.process)
        if self.attempts.add(event, process):
            self.rechecks.expect(event)
            if event.recheck or not self.processes.runs_one_test(event.process):  # of these there may be very many
                self.histories.add(event, process)

    def recheck(self, event: TestRechecked) -> None:
        """A test was run once more, alone."""
        self.rechecks.add(event, has_run=bool(self.attempts.of(event.id)))

    @property
    def is_complete(self) -> bool:
        """It has come to its end, and every test has its outcome."""
        return self.time.has_ended and self.attempts.is_complete and not self.rechecks.open()

    def reopen(self, now: float) -> None:
        """The run is resumed, having come to its end at ``now``: what was in flight, or not run, is open again."""
        self.time.close(now)
        self.processes.reopen(now)
        self.unfinished.reopen()
        self.hangs.reopen()
        self.commands.reopen()
        self.rechecks.reopen()
        self.leaks.reopen(self.attempts.done())

    def replan(self, planned: PhasePlanned) -> None:
        """The collection of a resumed run: outcomes stay with their tests."""
        self._planned = planned
        self.attempts.replan(planned.tests)

    def kept(self) -> Kept:
        """What is done of it."""
        rechecks = {id: self.attempts.of(id)[-1].number for id in self.rechecks.open() if self.attempts.of(id)}
        return Kept(
            settled=self.attempts.settled(),
            attempts=self.attempts.next(),
            rechecks=rechecks,
            after_others=self.attempts.after_others(),
            ended=self.time.has_ended,
        )

    def result(self, now: float) -> PhaseResult:
        """What it has come to so far."""
        return PhaseResult(
            name=self._planned.phase,
            isolation=self._planned.isolation,
            workers=self._planned.workers,
            tests=tuple(self._test(test) for test in self._planned.tests),
            wall=self.time.wall(now),
            started=self.time.has_started,
            finished=self.time.has_ended,
            reason=self.time.reason,
            commands=self.commands.all(),
            properties=tuple(self.properties),
            shared=self.retirements.processes,
            retirements=self.retirements.all(),
            processes=self.processes.all(now),
        )

    def _test(self, test: TestRef) -> TestResult:
        attempts = self.attempts.of(test.id)
        return TestResult(
            id=test.id,
            file=test.file,
            line=test.line,
            phase=self._planned.phase,
            attempts=self.leaks.on(test.id, attempts),
            reason="" if attempts else self.unfinished.of(test.id, self.hangs, ended=self.time.has_ended),
            fails=self.attempts.fails(test.id),
            recheck=self.rechecks.of(test.id, self.histories),
            slow=self.slow.of(test.id),
        )
