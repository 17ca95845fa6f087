"""An attempt is over: its outcome, and whether it is tried again, or run once more alone."""

from __future__ import annotations

from ..contract.messages import Finished, Leaked
from ..model.plan import Phase
from ..model.result import Detail, Section
from ..model.vocabulary import GREEN, Outcome
from ..record.events import TestFinished, TestRechecked
from ..words.sizes import format_size
from . import outcomes
from .aftermath import Blame
from .running import Flight, Running, with_report
from .telling import Teller
from .waiting import Queue


class Decider:
    """Gives every attempt its one outcome."""

    def __init__(self, phase: Phase, teller: Teller, queue: Queue) -> None:
        self._phase = phase
        self._teller = teller
        self._queue = queue

    def finished(self, running: Running, message: Finished, flight: Flight | None) -> None:
        """pytest has said how a test ended."""
        late = with_report(flight.late, flight.report) if flight is not None and flight.late is not None else None
        tries = outcomes.attempts(message.stages)
        for position, stages in enumerate(tries):
            last = position == len(tries) - 1
            outcome = outcomes.outcome(stages)
            details = outcomes.details(stages)
            if last and late is not None:
                outcome = Outcome.TIMED_OUT
                details = (Detail("runner", outcome, str(late), late.text if late.report else ""), *details)
            elif self._phase.memory is not None and outcomes.is_out_of_memory(stages):
                limit = format_size(self._phase.memory)
                details = (Detail("runner", outcome, f"out of memory: limit {limit} (MemoryError)"), *details)
            self._outcome(
                running,
                message.id,
                outcome,
                attempt=running.job.attempt + position,
                details=details,
                followed=not last,
                message=message,
                flight=flight,
            )
        for leak in () if running.job.recheck else message.leaks:  # its attempt has said them
            self._teller.leak(running.job, message.id, running.job.attempt + len(tries) - 1, leak)

    def leaked(self, running: Running, message: Leaked) -> None:
        """A test that is over already has left something: its outcome stands, so where that is red the run is."""
        leak = message.leak
        if message.id not in running.known or running.job.recheck:
            self._teller.warn(f"{running.job.process}: left behind by {message.id or 'no test'}: {leak.what}")
            return
        self._teller.leak(running.job, message.id, running.job.attempt, leak)
        if self._phase.leaks.of(leak.kind) == "fail":
            self._teller.problem(f"{message.id} left something behind, found later: {leak.what}", hint=leak.where)

    def blame(self, running: Running, blame: Blame, flight: Flight | None) -> None:
        """The runner says how a test ended, because pytest could not."""
        stages = outcomes.details(flight.stages) if flight else ()
        details = (Detail("runner", blame.outcome, blame.message, blame.text), *stages)
        self._outcome(running, blame.id, blame.outcome, attempt=running.job.attempt, details=details, flight=flight)

    def not_run(self, running: Running, ids: tuple[str, ...], reason: str) -> None:
        """These tests of a session will not run, or not again."""
        if running.job.recheck:
            for id in ids:
                self._teller.not_rechecked(id, reason)
        else:
            self._teller.not_run(ids, reason)
        self._queue.given_up(ids)

    def _outcome(
        self,
        running: Running,
        id: str,
        outcome: Outcome,
        *,
        attempt: int,
        details: tuple[Detail, ...],
        followed: bool = False,
        message: Finished | None = None,
        flight: Flight | None = None,
    ) -> None:
        """An attempt is decided: tell it, and either try again or count it."""
        running.red += outcome.is_red and not followed
        if running.job.recheck:
            if not followed:
                self._rechecked(running, id, outcome, details, message)
            return
        at, mono = (message.at, message.mono) if message else self._teller.clock()
        retry = not followed and self._will_retry(outcome, attempt)
        recheck = not followed and not retry and self._will_recheck(outcome, flight)
        fails = not followed and attempt > 1 and not outcome.is_red and self._phase.flaky == "fail"
        worker = message.worker if message else flight.worker if flight else ""
        self._teller.emit(
            TestFinished(
                at=at,
                mono=mono,
                phase=self._phase.name,
                id=id,
                attempt=attempt,
                outcome=outcome,
                process=running.job.process,
                worker=worker,
                slot=running.slot_of(worker),
                started=flight.at if flight else message.started if message else 0.0,
                duration=message.duration if message else mono - flight.began if flight else 0.0,
                call=message.call if message else None,
                details=details,
                sections=tuple(Section(*section) for section in message.sections) if message else (),
                properties=message.properties if message else (),
                retry=retry or followed,
                fails=fails,
                recheck=recheck,
                nth=flight.nth if flight and self._phase.recheck else 0,
            )
        )
        if followed:
            return
        if retry:
            self._queue.retry(id, attempt + 1, running.slot_of(worker))
            return
        forgivable = recheck and self._phase.order_dependent == "pass"
        if recheck:
            self._queue.recheck(id, attempt, pending=forgivable)
        if not forgivable:
            self._count(id, red=outcome.is_red or fails)

    def _count(self, id: str, *, red: bool) -> None:
        if red:
            self._queue.failed(id)
        else:
            self._queue.forgiven(id)

    def _will_retry(self, outcome: Outcome, attempt: int) -> bool:
        retries = self._phase.retries
        return outcome.is_red and attempt <= retries.count and retries.covers(outcome) and not self._queue.closed

    def _will_recheck(self, outcome: Outcome, flight: Flight | None) -> bool:
        """Only of a test that ran after others in its process can it be said that they are to blame."""
        shared = flight is not None and flight.nth > 0
        return self._phase.recheck and outcome.is_red and shared and not self._queue.rechecks_closed

    def _rechecked(
        self, running: Running, id: str, outcome: Outcome, details: tuple[Detail, ...], message: Finished | None
    ) -> None:
        at, mono = self._teller.clock()
        forgivable = self._phase.order_dependent == "pass"
        passes = forgivable and outcome in GREEN
        self._teller.emit(
            TestRechecked(
                at=at,
                mono=mono,
                phase=self._phase.name,
                id=id,
                outcome=outcome,
                passes=passes,
                process=running.job.process,
                duration=message.duration if message else 0.0,
                details=details,
            )
        )
        if forgivable:
            self._count(id, red=not passes)
