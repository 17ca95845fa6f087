"""A session's process has ended: what becomes of its tests, and whether anything but them explains its end."""

from __future__ import annotations

from collections.abc import Callable

from ..contract.launching import Job
from ..contract.messages import SessionFinished
from ..words.deaths import describe_death
from .aftermath import Aftermath, Ending, aftermath
from .deciding import Decider
from .memory import Memory
from .running import Running, with_report
from .telling import Teller
from .waiting import Queue

OtherWay = Callable[[Job, str], bool]  # a session came to nothing: whether it may be started in another way
LastWords = Callable[[str], str]  # what is left of a session: the end of its log


class Endings:
    """Settles what a session leaves open when its process has ended."""

    def __init__(
        self,
        teller: Teller,
        queue: Queue,
        decider: Decider,
        memory: Memory,
        last_words: LastWords,
        other_way: OtherWay,
    ) -> None:
        self._teller = teller
        self._queue = queue
        self._decider = decider
        self._memory = memory
        self._last_words = last_words
        self._other_way = other_way

    def exited(self, running: Running, status: int, interrupted: str) -> None:
        """All that the session said has been heard."""
        last = running.heard.finished
        warnings = last.warnings if last is not None else 0
        self._teller.process_exited(running.job, status, finished=last is not None, warnings=warnings)
        ending = self._ending(running, status, interrupted)
        if self._goes_another_way(running, ending):
            return
        after = aftermath(ending)
        self._settle(running, after)
        if not interrupted:
            self._check_exit(running, status, after)

    def _goes_another_way(self, running: Running, end: Ending) -> bool:
        """Whether all its tests are run by another kind of process, because no test has even begun in this one."""
        if end.done or end.in_flight or end.dead or end.missing or end.interrupted or self._queue.closed:
            return False
        if not running.ids or (end.finished and end.reason) or (end.doom and end.doom.budget != "collection"):
            return False
        why = end.error or "pytest finished without running a test" if end.finished else describe_death(end.status)
        why = str(end.doom) if end.doom else why
        if not self._other_way(running.job, why):
            return False
        self._queue.fall_back()
        if running.job.recheck:
            self._queue.recheck(running.ids[0], running.job.attempt)
        else:
            self._queue.first([running.ids], running.job.attempt, 0)
        return True

    def _ending(self, running: Running, status: int, interrupted: str) -> Ending:
        heard, flights = running.heard, running.flights
        finished = heard.finished
        return Ending(
            tests=running.ids,
            done=frozenset(flights.done),
            in_flight=tuple(flights.under_way),
            missing=dict(heard.missing),
            overdue=running.overdue(with_doom=not interrupted),
            dead=frozenset(flights.dead),
            collect_texts=tuple(heard.collect_texts),
            deaths=self._deaths(running, status),
            status=status,
            finished=finished is not None,
            reason=finished.reason if finished else "",
            error=finished.error if finished else "",
            red=max(flights.red, finished.red if finished else 0),
            maxfail=running.job.maxfail,
            retired=heard.retired,
            doom=running.escalation.doom,
            interrupted=interrupted,
            stopped=self._queue.closed if running.escalation.stops else "",
            barren=running.barren,
            log="\n\n".join(filter(None, [heard.reported().text, self._last_words(running.job.process)])),
        )

    def _deaths(self, running: Running, status: int) -> dict[str, str]:
        """What memory has to do with the end of each test that was in flight: a worker's status is not known here."""
        deaths = {
            id: self._memory.death(running, flight.worker, None if flight.worker else status)
            for id, flight in running.flights.under_way.items()
        }
        return {id: death for id, death in deaths.items() if death}

    def _settle(self, running: Running, after: Aftermath) -> None:
        if running.job.recheck:
            self._settle_recheck(running, after)
            return
        for blame in after.blamed:
            self._decider.blame(running, blame, running.flights.under_way.get(blame.id))
        self._not_run(running, after)
        left = [after.again] if after.again else []
        left += [(id,) for id in after.alone]
        if self._queue.closed:
            self._decider.not_run(running, (*after.again, *after.alone, *after.later), self._queue.closed)
            return
        self._queue.first(left, running.job.attempt, 0 if running.flights.done or after.blamed else running.barren + 1)
        if after.later:
            self._queue.last(after.later, running.job.attempt)

    def _not_run(self, running: Running, after: Aftermath) -> None:
        """Of those that a signal has ended while they ran, each says where it was."""
        flights = running.flights.under_way if running.escalation.interrupted else {}
        for id in after.not_run:
            if id in flights:
                self._decider.not_run(running, (id,), running.interrupted_in(id, flights[id]))
        self._decider.not_run(running, tuple(id for id in after.not_run if id not in flights), after.reason)

    def _settle_recheck(self, running: Running, after: Aftermath) -> None:
        """What ended it from outside says nothing about the test; a process that never came to it is tried again."""
        doom = running.escalation.doom
        for blame in after.blamed:
            if doom is None:
                self._decider.blame(running, blame, running.flights.under_way.get(blame.id))
            else:
                self._decider.not_run(running, (blame.id,), f"the {doom.budget} deadline was reached in it")
        self._decider.not_run(running, after.not_run, after.reason)
        for id in (*after.again, *after.alone, *after.later):
            if self._queue.rechecks_closed:
                self._decider.not_run(running, (id,), self._queue.rechecks_closed)
            else:
                self._queue.recheck(id, running.job.attempt, barren=running.barren + 1)

    def _check_exit(self, running: Running, status: int, after: Aftermath) -> None:
        """An end that no test explains must not pass unnoticed."""
        process, finished, escalation = running.job.process, running.heard.finished, running.escalation
        left = after.not_run or after.later
        unexplained = not after.blamed and not left and not escalation.signalled
        if finished is None:
            self._check_death(running, status, after)
            return
        if running.heard.lost and unexplained:
            self._teller.problem(f"{process}: while it ran no test, a worker was lost: {'; '.join(running.heard.lost)}")
        if escalation.doom is not None or ((finished.error or finished.reason) and after.blamed):
            return  # what ended it is known
        if status < 0 and not escalation.steps and not _died_of_our_question(running, status):
            self._teller.problem(f"{process}: after all its tests, {describe_death(status)}{_last(running)}")
        elif status > 0 and status != finished.status and not escalation.steps:
            said = f"pytest had ended with {finished.status}, but its process exited with {status}{_last(running)}"
            self._teller.problem(f"{process}: {said}", hint="an exit handler that fails?")
        self._check_status(running, finished)

    def _check_death(self, running: Running, status: int, after: Aftermath) -> None:
        """A process that ended before pytest did: a test carries the blame, or the process does."""
        process, doom = running.job.process, running.escalation.doom
        if after.blamed or after.not_run or (running.escalation.signalled and doom is None):
            return
        if doom is not None:
            late = with_report(doom, running.heard.reported())
            self._teller.problem(f"{process}: after its last test, it {late}", hint=late.report)
            return
        where = "while several tests ran" if after.alone else "while it ran no test"
        death = self._memory.death(running, "", status) or describe_death(status)
        self._teller.problem(f"{process}: {death}, {where}{_last(running)}", hint=_see_log(process))

    def _check_status(self, running: Running, finished: SessionFinished) -> None:
        process = running.job.process
        if finished.status not in _expected(running, finished):
            error = f": {finished.error}" if finished.error else ""
            self._teller.problem(
                f"{process}: pytest ended with status {finished.status} although its tests do not explain it{error} "
                f"(a coverage threshold, or a plugin?){_last(running)}",
                hint=_see_log(process),
            )


def _expected(running: Running, finished: SessionFinished) -> set[int]:
    """The statuses that pytest may end with after such tests."""
    heard, flights = running.heard, running.flights
    expected = {0, 1, 5} if flights.red or heard.missing else {0, 5}
    if heard.collect_texts or flights.dead or flights.under_way or heard.lost or finished.reason:
        expected |= {1, 2}
    return expected


def _died_of_our_question(running: Running, status: int) -> bool:
    """A process that was slow to exit, and had put its handlers away already when it was asked what holds it."""
    hello = running.heard.processes.get("")
    asked = running.escalation.stays_since is not None
    return asked and hello is not None and -status in (hello.dump_signal, hello.c_signal)


def _last(running: Running) -> str:
    """The suspect where no test was running: the one that ended last, if any did."""
    return f"; the last test before was {running.flights.last_done}" if running.flights.last_done else ""


def _see_log(process: str) -> str:
    return f"see processes/{process}/output.log in the run directory"
