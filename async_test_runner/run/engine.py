"""The supervisor's hands: one coroutine that owns all state of a run, starts and signals processes, keeps the clock.

What is to be done is decided in `supervisor`, without I/O; here it is carried out, and what happened is fed back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..contract.launching import HostLostError, Job, Launcher, Session
from ..contract.messages import Damaged, Finished, Message
from ..contract.surroundings import Surroundings
from ..model.errors import InfrastructureError
from ..model.inventory import TestRef
from ..model.plan import Phase, Plan
from ..model.result import Kept, PhaseResult, Problem
from ..model.vocabulary import Outcome
from ..record.events import (
    Event,
    Interrupted,
    PhaseFinished,
    PhasePlanned,
    PhaseStarted,
    ProblemFound,
    TestNotRun,
    Warned,
)
from ..suite.assignment import AssignedPhase
from ..suite.workers import processors, workers_of
from ..supervision.actions import Action, Ask, AskInC, Limits, Signal, Start, StopSoon
from ..supervision.supervisor import PhaseSupervisor
from ..system import process
from ..system.clocks import RunClock
from ..system.table import LOOK, look, processor_time
from ..words.durations import format_duration
from .commands import Commands
from .stopping import Stopping

_POLL = 0.03  # seconds between two looks at what the sessions say
_SOON = 0.003  # the same while a session ends: what comes next waits for it
_LAUNCHER_GRACE = 2.0  # seconds that the launcher's own processes have to end
_NOTHING_KEPT = Kept()
_FRESH = 4  # fresh processes at once for each processor, where forks were wanted
_OUTPUT = 8000  # characters of a command's output that the report shows


class _Starting(NamedTuple):
    """A session that its launcher is starting, and the signals that it is to get as soon as it is there."""

    job: Job
    task: asyncio.Task[Session]
    signals: list[int]


class Engine:
    """Runs the phases of a plan, one after the other, and tells everything that happens to ``emit``.

    ``phase_result`` answers what a phase has come to (the fold's view), for the phases that need it. ``waiting`` says,
    while one is inside, what is waited for. With ``adopts_orphans`` every child of this process that is none of the
    engine's is a process left behind by a test.
    """

    def __init__(
        self,
        plan: Plan,
        around: Surroundings,
        launcher: Callable[[Callable[[], None]], Launcher],
        *,
        emit: Callable[[Event], None],
        phase_result: Callable[[str], PhaseResult],
        on_tick: Callable[[float], None],
        clock: RunClock | None = None,
        adopts_orphans: bool = False,
        kept: Mapping[str, Kept] | None = None,
        waiting: Callable[[str], AbstractContextManager[None]] = lambda _: contextlib.nullcontext(),
    ) -> None:
        self._kept = kept or {}
        self._plan = plan
        self._around = around
        self._wake = asyncio.Event()
        self._launcher = launcher(self._wake.set)
        self._waiting = waiting
        self._emit = emit
        self._phase_result = phase_result
        self._on_tick = on_tick
        self._clock = clock or RunClock()
        self._adopts_orphans = adopts_orphans
        self._sessions: dict[str, Session] = {}
        self._starting: dict[str, _Starting] = {}
        self._stopping = Stopping()
        self._commands = Commands(
            around,
            self._stopping,
            emit=emit,
            clock=self._clock,
            pause=self._pause,
            wake=self._wake.set,
            waiting=waiting,
        )
        self._handled = 0
        self._killed: dict[str, float] = {}  # sessions, and when
        self._next_look = 0.0
        self._asked = False
        self._deadline: float | None = None

    # ---------------------------------------------------------------------------------------------------------- run

    async def run(self, phases: tuple[AssignedPhase, ...]) -> None:
        """Run the phases in their order. Returns when nothing of ours runs any more."""
        if self._plan.run_timeout is not None:
            self._deadline = self._clock()[1] + self._plan.run_timeout
        self.plan_phases(phases)
        try:
            for assigned in phases:
                await self._phase(assigned)
        finally:
            self._kill()
            with self._waiting("the processes that have collected to end"):
                await self._launcher.end(_LAUNCHER_GRACE)

    def _kill(self) -> None:
        """End what still runs: there is nothing, unless an exception came."""
        for _, task, _ in self._starting.values():
            if not task.cancel() and task.exception() is None:
                task.result().signal(process.KILL)
        self._starting.clear()
        for session in self._sessions.values():
            session.signal(process.KILL)

    def plan_phases(self, phases: tuple[AssignedPhase, ...]) -> None:
        """Tell which tests each phase must account for."""
        for assigned in phases:
            self._emit(self._planned(assigned))

    def on_signal(self, number: int) -> None:
        """A signal came: the first one ends the run in order, a second one at once."""
        self._stopping.add(number)
        self._wake.set()
        count = len(self._stopping.signals)
        self._emit(Interrupted(**self._clock.stamp(), signal=number, count=count))

    def on_question(self) -> None:
        """A person wants to know what every running test is at."""
        self._asked = True
        self._wake.set()

    def _planned(self, assigned: AssignedPhase) -> PhasePlanned:
        kept = self._kept_of(assigned.phase)
        return PhasePlanned(
            **self._clock.stamp(),
            phase=assigned.phase.name,
            isolation=assigned.phase.isolation,
            workers=workers_of(assigned.phase, self._around.facts),
            tests=(*(TestRef(test.id, test.file, test.line) for test in assigned.tests), *kept.gone),
            kept=kept.counts,
        )

    # -------------------------------------------------------------------------------------------------------- phase

    async def _phase(self, assigned: AssignedPhase) -> None:
        phase, ids = assigned.phase, tuple(test.id for test in assigned.tests)
        kept = self._kept_of(phase)
        ids = tuple(id for id in ids if id not in kept.settled or id in kept.rechecks)
        if not ids and (kept.ended or not kept.settled):
            return
        reason = self._stopping.reason or self._run_overdue() or self._unmet(phase)
        if reason:
            self._not_run(phase, ids, reason)
            return
        began = self._clock()[1]
        self._emit(PhaseStarted(**self._clock.stamp(), phase=phase.name))
        try:
            if ids:
                reason = await self._commands.run(phase, "setup")
            if reason:
                self._not_run(phase, ids, reason)
            elif ids:
                reason = await self._supervise(assigned)
        finally:
            self._kill()
            self._end_orphans(phase)
            await self._commands.run(phase, "teardown")
            self._end_orphans(phase)
        now = self._clock.stamp()
        self._emit(PhaseFinished(**now, phase=phase.name, wall=now["mono"] - began, reason=reason))

    def _unmet(self, phase: Phase) -> str:
        for name in phase.needs:
            counts = self._phase_result(name).counts
            if any(outcome.is_red for outcome in counts) or counts[Outcome.NOT_RUN]:
                return f"needs {name}, which did not pass"
        return ""

    def _run_overdue(self) -> str:
        if self._deadline is None or self._clock()[1] < self._deadline:
            return ""
        return f"the run deadline of {format_duration(self._plan.run_timeout or 0.0)} was reached before it"

    async def _prepare(self, phase: Phase) -> None:
        task = asyncio.ensure_future(self._launcher.prepare(phase))
        task.add_done_callback(lambda _: self._wake.set())
        while not task.done():
            if self._stopping.signals:
                task.cancel()
            await self._pause()
        if not task.cancelled():
            task.result()

    async def _supervise(self, assigned: AssignedPhase) -> str:
        with self._waiting(f"phase {assigned.phase.name} to be prepared, which may take a collection of its own"):
            await self._prepare(assigned.phase)
        self._check_memory_is_known(assigned.phase)
        supervisor = PhaseSupervisor(
            assigned.phase,
            assigned.tests,
            self._limits(assigned.phase),
            emit=self._emit,
            clock=self._clock,
            last_words=self._last_words,
            dumped=self._dumped,
            whole=partial(self._launcher.divides, assigned.phase),
            other_way=self._launcher.knows_another_way,
            resident=process.resident,
            oom_kills=process.oom_kills,
            busy=processor_time,
        )
        while not supervisor.done:
            self._take_up(supervisor)
            self._hear(supervisor)
            self._watch(supervisor)
            for action in [*self._pass_on_signals(supervisor), *self._pass_on_question(supervisor), *supervisor.tick()]:
                self._do(action)
            if not supervisor.done:
                await self._pause(_SOON if supervisor.is_ending else _POLL)
        return supervisor.reason

    def _check_memory_is_known(self, phase: Phase) -> None:
        if phase.memory is not None and process.resident(os.getpid()) is None:
            self._warn(f"phase {phase.name}: memory is not watched: this system does not tell what a process has")

    def _limits(self, phase: Phase) -> Limits:
        return Limits(
            workers=workers_of(phase, self._around.facts),
            fresh=_FRESH * processors(),
            max_failures=self._around.facts.maxfail if phase.max_failures is None else phase.max_failures,
            capacities=dict(self._plan.resources),
            idle=self._plan.collect_timeout,
            run_timeout=self._plan.run_timeout,
            run_deadline=self._deadline,
            kept=self._kept_of(phase),
            numbers=_numbers(self._around.directory(phase.name)),
        )

    def _kept_of(self, phase: Phase) -> Kept:
        return self._kept.get(phase.name, _NOTHING_KEPT)

    def _hear(self, supervisor: PhaseSupervisor) -> None:
        for name in supervisor.processes():
            session = self._sessions.get(name)
            if session is None:
                continue
            status = session.status  # asked before the poll: what an ended process said is then all there
            for message in session.poll():
                if isinstance(message, Damaged):
                    self._problem(message.problem(f"process {name}"))
                else:
                    supervisor.message(name, _timed(message, self._clock))
            if status is None and self._is_given_up(name, session):
                status = -process.KILL
            if status is not None:
                session.signal(process.KILL)  # whatever it left behind in its group
                supervisor.exited(name, status)
                del self._sessions[name]
                self._killed.pop(name, None)

    def _is_given_up(self, name: str, session: Session) -> bool:
        """A session that was killed, and of whose end nobody tells: the run does not wait for it for ever."""
        killed = self._killed.get(name)
        if killed is None or self._clock()[1] < killed + process.GIVEN_UP:
            return False
        if not look(session.pid).is_gone:
            text = f"process {name} ({session.pid}) does not end, though it was killed"
            self._problem(Problem("infrastructure", text, "see what it waits for: a network file system, a driver?"))
        return True

    def _watch(self, supervisor: PhaseSupervisor) -> None:
        """Once a second, a look at the processes themselves: what was stopped goes on, where nothing else decides."""
        now = self._clock()[1]
        if now < self._next_look:
            return
        self._next_look = now + LOOK
        self._launcher.watch()
        for text in process.notices():
            self._warn(text)
        for name in supervisor.processes():
            session = self._sessions.get(name)
            if session is not None and supervisor.is_between_tests(name) and look(session.pid).is_stopped:
                session.signal(signal.SIGCONT)
                self._warn(f"process {name} was stopped between its tests, and goes on")

    def _pass_on_signals(self, supervisor: PhaseSupervisor) -> list[Action]:
        actions: list[Action] = []
        signals = self._stopping.signals
        for position in range(self._handled, len(signals)):
            actions += supervisor.interrupt(self._stopping.name, signals[position], at_once=position > 0)
        self._handled = len(signals)
        return actions

    def _pass_on_question(self, supervisor: PhaseSupervisor) -> list[Action]:
        asked, self._asked = self._asked, False
        return supervisor.ask() if asked else []

    def _do(self, action: Action) -> None:
        if isinstance(action, Start):
            task = asyncio.create_task(self._start(action.job))
            task.add_done_callback(lambda _: self._wake.set())
            self._starting[action.job.process] = _Starting(action.job, task, [])
            return
        session = self._sessions.get(action.process)
        match action:
            case Signal() if session is None:
                self._starting[action.process].signals.append(action.number)
            case Signal(pid=0) if session is not None:
                session.signal(action.number)
                if action.number == process.KILL:
                    self._killed.setdefault(action.process, self._clock()[1])
            case Signal():
                process.signal_process(action.pid, action.number)
            case Ask() if session is not None:
                with contextlib.suppress(InfrastructureError):  # no room for the note: the escalation goes on anyway
                    session.ask(action.why, action.id, action.message, action.pid, action.dump_signal)
            case AskInC() if session is not None:
                session.ask_in_c(action.pid, action.number)
            case StopSoon() if session is not None:
                with contextlib.suppress(InfrastructureError):
                    session.stop_soon()

    async def _start(self, job: Job) -> Session:
        with self._waiting(f"process {job.process} to start"):
            return await self._launcher.start(job)

    def _take_up(self, supervisor: PhaseSupervisor) -> None:
        """What its launcher has started is under way. Others go on meanwhile: a host may take its time to fork."""
        for name, (job, task, signals) in list(self._starting.items()):
            if not task.done():
                continue
            del self._starting[name]
            try:
                session = task.result()
            except HostLostError:
                supervisor.again(job)
                continue
            except InfrastructureError as error:
                supervisor.not_started(job, error.message)
                continue
            self._sessions[name] = session
            supervisor.started(job, session.pid, self._relative(session.log))
            for number in signals:
                self._do(Signal(name, number))

    async def _pause(self, seconds: float = _POLL) -> None:
        self._on_tick(self._clock()[1])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self._around.run_dir)) if path.is_relative_to(self._around.run_dir) else str(path)

    def _last_words(self, name: str) -> str:
        session = self._sessions.get(name)
        return session.last_words() if session is not None else ""

    def _dumped(self, name: str) -> str:
        session = self._sessions.get(name)
        return session.dumped().replace(f'File "{self._plan.root}/', 'File "') if session is not None else ""

    # ------------------------------------------------------------------------------------------------------- events

    def _warn(self, message: str) -> None:
        self._emit(Warned(**self._clock.stamp(), message=message))

    def _problem(self, problem: Problem) -> None:
        self._emit(ProblemFound(**self._clock.stamp(), problem=problem))

    def _end_orphans(self, phase: Phase) -> None:
        if not self._adopts_orphans:
            return
        known = {session.pid for session in self._sessions.values()} | self._launcher.keeps()
        for orphan in process.end_orphans(known):
            self._warn(f"phase {phase.name}: ended a process that was left behind: {orphan.command[:200]}")

    def _not_run(self, phase: Phase, ids: tuple[str, ...], reason: str) -> None:
        self._emit(TestNotRun(**self._clock.stamp(), phase=phase.name, ids=ids, reason=reason))


def _timed(message: Message, clock: RunClock) -> Message:
    """What a process says with the system's time, in the time of the run: both stand still while both are stopped."""
    changes: dict[str, float] = {"mono": clock.of(message.mono)}
    if isinstance(message, Finished):
        paused = clock.paused(message.mono - message.duration, message.mono)
        changes |= {
            "duration": max(0.0, message.duration - paused),
            "call": max(0.0, message.call - paused) if paused else message.call,
        }
    return msgspec.structs.replace(message, **changes)


def _numbers(directory: Path) -> int:
    """The highest number that a session has had there."""
    try:
        return max((int(path.name) for path in directory.iterdir() if path.name.isdecimal()), default=0)
    except OSError:
        return 0
