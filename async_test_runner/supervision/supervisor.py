"""One phase under supervision, without I/O: messages, exits and the time go in; events and actions come out.

The engine carries the actions out. Nothing here waits, starts, signals or reads a clock, so that every history of
starts, deaths and deadlines can be replayed in a test. The parts of it are the other modules of this room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..contract.launching import Job
from ..contract.messages import Message
from ..model.inventory import CollectedTest
from ..model.plan import Phase
from ..record.events import Event
from ..system.process import KILL
from ..words.durations import format_duration
from .actions import Action, Limits, Start, StopSoon
from .asking import Asker, Dumped
from .deadlines import Busy, Deadlines, interrupt
from .deciding import Decider
from .endings import Endings, LastWords, OtherWay
from .hearing import Hearing
from .memory import Memory
from .running import Running
from .telling import Clock, Teller
from .waiting import Queue

_LAST_ANSWERS = 0.6  # seconds that processes have to say where they are, before a signal is passed on to them


class PhaseSupervisor:
    """Decides for one phase what is started, ended, blamed, retried and given up.

    ``emit`` takes the events, ``clock`` gives ``(wall, monotonic)`` for their stamps, ``last_words`` what is left of a
    session: the end of its log; ``dumped`` gives the bare stacks that were asked for. ``whole`` says whether a session
    keeps the phase's units apart by itself, and so gets them all; that may change when the process to fork from dies.
    ``other_way`` is asked when a session ended before its first test: whether its launcher knows another way.
    ``resident``, ``oom_kills`` and ``busy`` are what `supervision.memory` asks of the system.
    """

    def __init__(
        self,
        phase: Phase,
        tests: Sequence[CollectedTest],
        limits: Limits,
        *,
        emit: Callable[[Event], None],
        clock: Clock,
        last_words: LastWords,
        dumped: Dumped = lambda process: "",
        whole: Callable[[], bool] = lambda: False,
        other_way: OtherWay = lambda job, why: False,
        resident: Callable[[int], int | None] = lambda pid: None,
        oom_kills: Callable[[], int] = lambda: 0,
        busy: Busy = lambda pid: None,
    ) -> None:
        self._teller = Teller(phase.name, emit, clock)
        self._queue = Queue(phase, tests, limits, self._teller, whole)
        self._decider = Decider(phase, self._teller, self._queue, limits.kept.after_others)
        self._memory = Memory(phase, resident, oom_kills)
        self._asker = Asker(self._teller, dumped)
        self._hearing = Hearing(self._teller, self._decider, self._asker, self._memory, last_words)
        self._endings = Endings(self._teller, self._queue, self._decider, self._memory, last_words, other_way)
        self._deadlines = Deadlines(phase, limits, self._teller, self._asker, busy)
        self._running: dict[str, Running] = {}
        self._interrupted = ""

    @property
    def done(self) -> bool:
        """Nothing runs and nothing waits."""
        return not self._running and not self._queue

    @property
    def is_ending(self) -> bool:
        """Whether a session has said its last word, and its process is about to be gone."""
        return any(running.heard.finished is not None for running in self._running.values())

    @property
    def reason(self) -> str:
        """Why the phase stopped early; empty if it did not."""
        return self._interrupted or self._queue.closed

    def processes(self) -> tuple[str, ...]:
        """The names of the sessions under way."""
        return tuple(self._running)

    def started(self, job: Job, pid: int, log: str) -> None:
        """The engine has started a session."""
        self._teller.process_started(job, pid, log)

    def again(self, job: Job) -> None:
        """The launcher has lost what it would have started the session from, and knows another way."""
        running = self._running.pop(job.process)
        self._queue.fall_back()
        if self._queue.closed and not job.recheck:
            self._decider.not_run(running, running.ids, self._queue.closed)
        elif job.recheck:
            self._queue.recheck(running.ids[0], job.attempt, barren=running.barren)
        else:
            self._queue.first([running.ids], job.attempt, running.barren)

    def not_started(self, job: Job, why: str) -> None:
        """A session could not be started: nothing of the phase can be."""
        running = self._running.pop(job.process)
        self._teller.infrastructure(why)
        self._decider.not_run(running, running.ids, why)
        self._queue.close(why)

    def interrupt(self, name: str, number: int, at_once: bool) -> list[Action]:
        """A signal asks the run to end: pass it on to everything, or kill everything.

        Before the first one is passed on, those that run a test are asked where they are: they will be elsewhere then.
        """
        self._interrupted = self._interrupted or f"interrupted by {name}"
        self._queue.close(self._interrupted)
        actions: list[Action] = []
        for running in self._running.values():
            is_first = not running.escalation.interrupted
            if is_first:
                running.escalation.interrupt(self._interrupted, self._teller.now)
            asked = self._asker.last(running) if is_first and not at_once else []
            if asked:
                running.escalation.hold(number, self._teller.now)
                actions += asked
            else:
                actions.append(self._pass_on(running, KILL if at_once else number))
        return actions

    def _pass_on(self, running: Running, number: int) -> Action:
        running.escalation.pass_on()
        return interrupt(running, number, self._teller.now)

    def _held(self, running: Running) -> list[Action]:
        """A signal that waits for last answers, once they are there or have taken too long."""
        held = running.escalation.held
        if held is None:
            return []
        number, since = held
        if self._asker.waits(running) and self._teller.now < since + _LAST_ANSWERS:
            return []
        return [self._pass_on(running, number)]

    def ask(self) -> list[Action]:
        """A person wants to know what all processes are at."""
        return [action for running in self._running.values() for action in self._asker.everything(running, "asked")]

    def _stop_soon(self, running: Running) -> list[Action]:
        """Sessions beside the one with the last failure that the phase may have: they know of their own only."""
        if running.escalation.stops or not self._queue.has_failed or running.job.recheck:
            return []
        running.escalation.stop_soon()
        return [StopSoon(running.job.process)]

    def is_between_tests(self, process: str) -> bool:
        """Whether the session's own process runs no test at the moment; its workers may."""
        return all(flight.worker for flight in self._running[process].flights.under_way.values())

    def message(self, process: str, message: Message) -> None:
        """Something that a session said."""
        self._hearing.message(self._running[process], message)

    def exited(self, process: str, status: int) -> None:
        """A session's process has ended, and all that it said has been heard."""
        self._endings.exited(self._running.pop(process), status, self._interrupted)

    def tick(self) -> list[Action]:
        """What is due now."""
        whole = self._deadlines.whole()
        if whole is not None and not self._queue.rechecks_closed:
            self._queue.close(f"the {whole.budget} deadline of {format_duration(whole.limit)} was reached before it")
        interrupted = bool(self._interrupted)
        actions: list[Action] = []
        for running in self._running.values():
            actions += self._deadlines.due(running, whole, interrupted=interrupted)
            actions += self._memory.due(running)
            actions += self._held(running)
            actions += self._stop_soon(running)
        for running in self._queue.startable(self._running.values()):
            self._running[running.job.process] = running
            self._memory.begin(running)
            actions.append(Start(running.job))
        return actions
