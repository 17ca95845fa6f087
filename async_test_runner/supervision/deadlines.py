"""Deadlines, and what follows when one is reached: dumped, TERM, KILL; each stage once, ``grace`` seconds apart."""

from __future__ import annotations

import signal

from ..model.plan import Phase
from ..system.process import KILL
from .actions import Action, Limits, Signal
from .aftermath import Overdue
from .asking import Asker
from .running import Flight, Running
from .telling import Teller

_DUMPING = 0.9  # seconds that a process has to say what it is at
_NAMED = 5


class Deadlines:
    """Watches the time of a phase, of its sessions and of their tests."""

    def __init__(self, phase: Phase, limits: Limits, teller: Teller, asker: Asker) -> None:
        self._phase = phase
        self._limits = limits
        self._teller = teller
        self._asker = asker
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
        now = self._teller.now
        if running.doom is None and not interrupted:
            doom = whole or self._idle(running, now)
            if doom is not None:
                return self._doom(running, doom, now)
        actions = self._exit_overdue(running, now) + self._escalate(running, now) + self._asker.due(running)
        if running.doom is None and running.finished is None and not interrupted:
            for id, flight in running.in_flight.items():
                actions += self._test(running, id, flight, now) or self._slow(running, id, flight, now)
        return actions

    def _idle(self, running: Running, now: float) -> Overdue | None:
        """A session that neither runs a test nor ends: it hangs while it collects, or between two tests."""
        limit = self._limits.idle
        if limit is None or running.in_flight or running.finished or now < running.heard + limit:
            return None
        return Overdue("collection", limit)

    def _doom(self, running: Running, doom: Overdue, now: float) -> list[Action]:
        running.doom = doom
        running.escalation[0] = (0, now)
        process = running.job.process
        self._teller.deadline(doom, process, "")
        return self._asker.everything(running, "overdue", str(doom)) or self._escalate(running, now)

    def _test(self, running: Running, id: str, flight: Flight, now: float) -> list[Action]:
        limit = self._phase.test_timeout
        if limit is None or flight.late is not None or id in running.dead or now < flight.began + limit:
            return []
        flight.late = Overdue("test", limit)
        self._teller.deadline(flight.late, running.job.process, id)
        running.escalation.setdefault(running.target(flight.worker), (0, now))
        return self._asker.ask(running, flight.worker, "overdue", id, str(flight.late))

    def _slow(self, running: Running, id: str, flight: Flight, now: float) -> list[Action]:
        """Each time that the period has passed: a few instructions of ours, a question to its process."""
        period = self._phase.slow_after
        if period is None or flight.late is not None or now < flight.began + period * (flight.notices + 1):
            return []
        flight.notices = int((now - flight.began) / period)
        return self._asker.ask(running, flight.worker, "slow", id)

    def _escalate(self, running: Running, now: float) -> list[Action]:
        actions: list[Action] = []
        for pid, (sent, since) in list(running.escalation.items()):
            if now < since + self._phase.grace or sent == KILL:
                continue
            number = int(signal.SIGTERM) if sent == 0 else KILL
            running.escalation[pid] = (number, now)
            running.signalled = True
            actions.append(Signal(running.job.process, number, pid))
        return actions

    def _exit_overdue(self, running: Running, now: float) -> list[Action]:
        """A process that stays after its session is over: it dumps, says what holds it, and is ended; results stand."""
        limit = self._phase.leak_timeout
        if running.finished is None or running.escalation:
            return []
        if running.stays_since is None and now < running.heard + limit:
            return []
        process = running.job.process
        if running.stays_since is None and "" in running.processes:
            running.stays_since = now
            return self._asker.ask(running, "", "exit", "")
        if running.stays_since is not None and now < running.stays_since + _DUMPING:
            return []
        running.escalation[0] = (int(signal.SIGTERM), now)
        why = "; ".join(running.left[:_NAMED]) or "nobody knows what holds it"
        self._teller.stayed(process, "the process", limit, why, running.report[0])
        return [Signal(process, int(signal.SIGTERM))]


def interrupt(running: Running, number: int, now: float) -> Action:
    """Pass a signal on to a session: the escalation goes on from there."""
    running.escalation[0] = (number, now)
    return Signal(running.job.process, number)
