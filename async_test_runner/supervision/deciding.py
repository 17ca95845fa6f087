"""An attempt is over: its outcome, and whether it is tried again, or run once more alone."""

from __future__ import annotations

from ..contract.messages import Finished, Leaked
from ..model.plan import Phase
from ..model.result import Detail
from ..model.vocabulary import GREEN, Isolation, Outcome
from ..words.sizes import format_size
from . import outcomes
from .aftermath import Blame
from .conclusion import Conclusion, Follows
from .running import Flight, Running
from .telling import Teller
from .waiting import Queue

_SKIPPED_AGAIN = "it was red, and was skipped when it was tried again: that is no pass"


class Decider:
    """Gives every attempt its one outcome. ``after_others``: what was red so in a run that is resumed."""

    def __init__(self, phase: Phase, teller: Teller, queue: Queue, after_others: frozenset[str] = frozenset()) -> None:
        self._phase = phase
        self._teller = teller
        self._queue = queue
        self._after_others = set(after_others)  # tests that were red when others had run before them in their process

    def finished(self, running: Running, message: Finished, flight: Flight | None) -> None:
        """pytest has said how a test ended."""
        late = running.late(message.id)
        tries = outcomes.attempts(message.stages)
        for position, stages in enumerate(tries):
            last = position == len(tries) - 1
            outcome = outcomes.outcome(stages)
            details = outcomes.details(stages)
            if last and running.job.attempt > 1 and outcome is Outcome.SKIPPED:
                outcome = Outcome.ERROR  # a test that builds on another is skipped where it runs alone
                details = (Detail("runner", outcome, _SKIPPED_AGAIN), *details)
            if last and late is not None:
                outcome = Outcome.TIMED_OUT
                details = (Detail("runner", outcome, str(late), late.text if late.report else ""), *details)
            elif self._phase.memory is not None and outcomes.is_out_of_memory(stages):
                limit = format_size(self._phase.memory)
                details = (Detail("runner", outcome, f"out of memory: limit {limit} (MemoryError)"), *details)
            ended = Conclusion(
                id=message.id,
                attempt=running.job.attempt + position,
                outcome=outcome,
                details=details,
                message=message,
                flight=flight,
                followed=not last,
            )
            self._conclude(running, ended)
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
        attempt = running.job.attempt
        ended = Conclusion(id=blame.id, attempt=attempt, outcome=blame.outcome, details=details, flight=flight)
        self._conclude(running, ended)

    def not_run(self, running: Running, ids: tuple[str, ...], reason: str) -> None:
        """These tests of a session will not run, or not again."""
        if running.job.recheck:
            for id in ids:
                self._teller.not_rechecked(id, reason)
        else:
            self._teller.not_run(ids, reason)
        self._queue.given_up(ids)

    def _conclude(self, running: Running, ended: Conclusion) -> None:
        """An attempt is decided: tell it, and either try again or count it."""
        if ended.outcome.is_red and not ended.followed:
            running.flights.count_red()
        if running.job.recheck:
            self._rechecked(running, ended)
            return
        follows = self._follows(ended)
        slot = running.slot_of(ended.worker)
        counts = self._phase.recheck or self._phase.isolation is Isolation.CLEAN
        nth = ended.flight.nth if ended.flight and counts else 0
        self._teller.test_finished(running.job, slot, ended, follows, nth)
        if ended.followed:
            return
        if follows.retry:
            self._queue.retry(ended.id, ended.attempt + 1, slot)
            return
        forgivable = follows.recheck and self._phase.order_dependent == "pass"
        if follows.recheck:
            self._queue.recheck(ended.id, ended.attempt, pending=forgivable)
        if not forgivable:
            self._count(ended.id, red=ended.outcome.is_red or follows.fails)

    def _count(self, id: str, *, red: bool) -> None:
        if red:
            self._queue.failed(id)
        else:
            self._queue.forgiven(id)

    def _follows(self, ended: Conclusion) -> Follows:
        if ended.followed:
            return Follows(retry=True)
        retry = self._will_retry(ended.outcome, ended.attempt)
        alone = self._passes_alone(ended)
        flaky = ended.attempt > 1 and not ended.outcome.is_red and self._phase.flaky == "fail"
        return Follows(
            retry=retry,
            fails=flaky or (alone and self._phase.order_dependent == "fail"),
            alone=alone,
            recheck=not retry and self._will_recheck(ended.outcome, ended.flight),
        )

    def _passes_alone(self, ended: Conclusion) -> bool:
        """Whether a retry has shown what a recheck would: red after others, green as the first of a fresh process."""
        if not self._phase.recheck or ended.flight is None:
            return False
        if ended.outcome.is_red and ended.flight.nth > 0:
            self._after_others.add(ended.id)
        return ended.outcome in GREEN and ended.flight.nth == 0 and ended.id in self._after_others

    def _will_retry(self, outcome: Outcome, attempt: int) -> bool:
        retries = self._phase.retries
        return outcome.is_red and attempt <= retries.count and retries.covers(outcome) and not self._queue.closed

    def _will_recheck(self, outcome: Outcome, flight: Flight | None) -> bool:
        """Only of a test that ran after others in its process can it be said that they are to blame."""
        shared = flight is not None and flight.nth > 0
        return self._phase.recheck and outcome.is_red and shared and not self._queue.rechecks_closed

    def _rechecked(self, running: Running, ended: Conclusion) -> None:
        if ended.followed:
            return
        forgivable = self._phase.order_dependent == "pass"
        passes = forgivable and ended.outcome in GREEN
        self._teller.test_rechecked(running.job, ended, passes=passes)
        if forgivable:
            self._count(ended.id, red=not passes)
