"""Deadlines, and what follows when one is reached: dumped, TERM, KILL; each stage once, ``grace`` seconds apart."""

from __future__ import annotations

import signal
from collections.abc import Callable

from ..model.plan import Phase
from ..system.process import KILL
from .actions import Action, Limits, Signal
from .aftermath import Overdue
from .asking import Asker
from .running import Flight, Running
from .telling import Teller

_DUMPING = 0.9  # seconds that a process has to say what it is at
_NAMED = 5
_AT_WORK = 0.05  # seconds of processor time between two looks
_MUCH = 10


Busy = Callable[[int], float | None]  # seconds of processor time that a process has used


class Deadlines:
    """Watches the time of a phase, of its sessions and of their tests."""

    def __init__(self, phase: Phase, limits: Limits, teller: Teller, asker: Asker, busy: Busy) -> None:
        self._phase = phase
        self._limits = limits
        self._teller = teller
        self._asker = asker
        self._busy = busy
        self._started = teller.now

    def whole(self) -> Overdue | None:
        """The deadline of the run or of the phase, if it is over."""
        now = self._teller.now
        run, phase = self._limits.run_deadline, self._phase.timeout
        if run is not None and now >= run:
            return Overdue("run", self._limits.run_timeout or 0.0)
        if phase is not None and now >= self._started + phase:
            return Overdue("phase", phase)
        return None

    def due(self, running: Running, whole: Overdue | None, *, interrupted: bool) -> list[Action]:
        """What is due for a session now."""
        now, escalation = self._teller.now, running.escalation
        if escalation.doom is None and not interrupted:
            doom = whole or self._idle(running, now)
            if doom is not None:
                return self._doom(running, doom, now)
        actions = self._exit_overdue(running, now) + self._escalate(running, now) + self._asker.due(running)
        if escalation.doom is None and running.heard.finished is None and not interrupted:
            for id, flight in running.flights.under_way.items():
                actions += self._test(running, id, flight, now) or self._slow(running, id, flight, now)
        return actions

    def _idle(self, running: Running, now: float) -> Overdue | None:
        """A session that neither runs a test nor ends: it hangs while it collects, or between two tests."""
        limit, heard = self._limits.idle, running.heard
        if running.flights.under_way or heard.finished:
            return None
        if running.flights.done >= running.known:
            return self._end(running, now)
        if limit is None or now < heard.last + limit:
            return None
        return Overdue("collection", limit)

    def _end(self, running: Running, now: float) -> Overdue | None:
        """All its tests are over: so long it may do nothing, and ten times as long in all, before its last word.

        Reports of large suites take their time at a session's end, and are at work meanwhile.
        """
        limit, heard, hello = self._phase.leak_timeout, running.heard, running.heard.processes.get("")
        used = self._busy(hello.pid) if hello is not None else None
        if used is not None and used > running.escalation.used + _AT_WORK:
            running.escalation.works(used, now)
        if now < heard.last + limit or (now < running.escalation.worked + limit and now < heard.last + _MUCH * limit):
            return None
        return Overdue("end", limit)

    def _doom(self, running: Running, doom: Overdue, now: float) -> list[Action]:
        running.escalation.doomed(doom, now)
        process = running.job.process
        self._teller.deadline(doom, process, "")
        return self._asker.everything(running, "overdue", str(doom)) or self._escalate(running, now)

    def _test(self, running: Running, id: str, flight: Flight, now: float) -> list[Action]:
        limit, escalation = self._phase.test_timeout, running.escalation
        if limit is None or id in escalation.late or id in running.flights.dead or now < flight.began + limit:
            return []
        late = Overdue("test", limit)
        escalation.too_late(id, late)
        self._teller.deadline(late, running.job.process, id)
        escalation.begin(running.target(flight.worker), now)
        return self._asker.ask(running, flight.worker, "overdue", id, str(late))

    def _slow(self, running: Running, id: str, flight: Flight, now: float) -> list[Action]:
        """Each time that the period has passed: a few instructions of ours, a question to its process."""
        period, escalation = self._phase.slow_after, running.escalation
        if period is None or id in escalation.late:
            return []
        if now < flight.began + period * (escalation.notices.get(id, 0) + 1):
            return []
        escalation.noticed(id, int((now - flight.began) / period))
        return self._asker.ask(running, flight.worker, "slow", id)

    def _escalate(self, running: Running, now: float) -> list[Action]:
        actions: list[Action] = []
        for pid, (sent, since) in list(running.escalation.steps.items()):
            if now < since + self._phase.grace or sent == KILL:
                continue
            number = int(signal.SIGTERM) if sent == 0 else KILL
            running.escalation.signal(pid, number, now)
            actions.append(Signal(running.job.process, number, pid))
        return actions

    def _exit_overdue(self, running: Running, now: float) -> list[Action]:
        """A process that stays after its session is over: it dumps, says what holds it, and is ended; results stand."""
        limit, heard, escalation = self._phase.leak_timeout, running.heard, running.escalation
        if heard.finished is None or escalation.steps:
            return []
        if escalation.stays_since is None and now < heard.last + limit:
            return []
        process = running.job.process
        if escalation.stays_since is None and "" in heard.processes:
            escalation.stays(now)
            return self._asker.ask(running, "", "exit", "")
        if escalation.stays_since is not None and now < escalation.stays_since + _DUMPING:
            return []
        escalation.step(0, int(signal.SIGTERM), now)
        why = "; ".join(heard.left[:_NAMED]) or "nobody knows what holds it"
        self._teller.stayed(process, "the process", limit, why, heard.reported().likely)
        return [Signal(process, int(signal.SIGTERM))]


def interrupt(running: Running, number: int, now: float) -> Action:
    """Pass a signal on to a session: the escalation goes on from there."""
    running.escalation.step(0, number, now)
    return Signal(running.job.process, number)
