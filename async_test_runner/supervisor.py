"""One phase under supervision, without I/O: messages, exits and the time go in; events and actions come out.

The engine carries the actions out. Nothing here waits, starts, signals or reads a clock, so that every history of
starts, deaths and deadlines can be replayed in a test.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import assert_never

import msgspec

from . import outcomes
from .durations import format_duration
from .events import (
    DeadlineReached,
    Event,
    ProblemFound,
    ProcessExited,
    ProcessStarted,
    TestFinished,
    TestNotRun,
    TestStarted,
    Warned,
)
from .model import CollectedTest, Detail, Isolation, Outcome, Phase, Problem, Section
from .process import KILL
from .protocol import (
    BadExpression,
    CollectFailed,
    Collecting,
    CollectSkipped,
    ConftestFailed,
    Exited,
    Finished,
    Forked,
    Found,
    Hello,
    Hosting,
    InventoryDone,
    Job,
    LeftBehind,
    LeftOutSaid,
    Message,
    Missing,
    SessionFinished,
    Stage,
    StageDone,
    Started,
    WorkerDied,
    WorkerLost,
)
from .schedule import (
    Aftermath,
    Blame,
    Ending,
    Overdue,
    aftermath,
    blamed,
    describe_death,
    max_failures_reason,
    units,
)


class Start(msgspec.Struct, frozen=True):
    """Start a session for this job."""

    job: Job


class Ask(msgspec.Struct, frozen=True):
    """Ask a process of a session to dump, and to fail this test from inside."""

    process: str
    id: str
    message: str
    pid: int
    dump_signal: int | None


class Signal(msgspec.Struct, frozen=True):
    """Signal a session: one process of it, or all of them where ``pid`` is 0."""

    process: str
    number: int
    pid: int = 0


Action = Start | Ask | Signal

_SKEW = 5.0  # seconds between two wall clocks of one machine that are still one clock


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a phase beyond its own keys. Times are seconds; ``run_deadline`` is monotonic."""

    workers: int
    max_failures: int
    capacities: dict[str, int]
    idle: float | None
    run_timeout: float | None = None
    run_deadline: float | None = None


class _Flight:
    """A test that runs."""

    def __init__(self, began: float, at: float, worker: str) -> None:
        self.began = began
        self.at = at
        self.worker = worker
        self.late: Overdue | None = None
        self.stages: list[Stage] = []


class _Running:
    """A session under way, and all that it has said."""

    def __init__(self, job: Job, now: float) -> None:
        self.job = job
        self.ids = tuple(test.id for test in job.tests)
        self.known = frozenset(self.ids)
        self.since = now
        self.heard = now
        self.in_flight: dict[str, _Flight] = {}
        self.done: set[str] = set()
        self.missing: set[str] = set()
        self.dead: set[str] = set()
        self.collect_texts: list[str] = []
        self.processes: dict[str, Hello] = {}
        self.finished: SessionFinished | None = None
        self.failures = 0
        self.red = 0  # outcomes that pytest counts as failures, those that are tried again included
        self.doom: Overdue | None = None
        self.escalation: dict[int, tuple[int, float]] = {}  # pid (0: all) -> (signal sent, when)
        self.signalled = False  # an escalation went as far as a signal: the end needs no other explanation
        self.lost: list[str] = []
        self.gone: set[str] = set()  # xdist workers that are no more


class _Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Tests that wait for a process."""

    tests: tuple[CollectedTest, ...]
    attempt: int = 1
    slot: int | None = None
    not_before: float = 0.0
    barren: int = 0


class PhaseSupervisor:
    """Decides for one phase what is started, ended, blamed, retried and given up.

    ``emit`` takes the events, ``clock`` gives ``(wall, monotonic)`` for their stamps, ``last_words`` what is left of a
    session: the end of its log, and with True what it has dumped. ``whole`` says whether a session keeps the phase's
    units apart by itself, and so gets them all; that may change when the process to fork from dies.
    """

    def __init__(
        self,
        phase: Phase,
        tests: Sequence[CollectedTest],
        limits: Limits,
        *,
        emit: Callable[[Event], None],
        clock: Callable[[], tuple[float, float]],
        last_words: Callable[[str, bool], str],
        whole: Callable[[], bool] = lambda: False,
    ) -> None:
        self._phase = phase
        self._limits = limits
        self._emit = emit
        self._clock = clock
        self._last_words = last_words
        self._divided = phase.isolation is not Isolation.PHASE
        self._whole = whole
        self._tests = {test.id: test for test in tests}
        self._waiting = deque([_Waiting(tests=tuple(tests))] if tests else [])
        self._running: dict[str, _Running] = {}
        self._barren: dict[str, int] = {}
        self._started = clock()[1]
        self._numbers = 0
        self._failures = 0
        self._stop = ""  # why nothing starts any more
        self._interrupted = ""

    # ------------------------------------------------------------------------------------------------------ queries

    @property
    def done(self) -> bool:
        """Nothing runs and nothing waits."""
        return not self._running and not self._waiting

    @property
    def reason(self) -> str:
        """Why the phase stopped early; empty if it did not."""
        return self._interrupted or self._stop

    def processes(self) -> tuple[str, ...]:
        """The names of the sessions under way."""
        return tuple(self._running)

    # ------------------------------------------------------------------------------------------------------- inputs

    def started(self, job: Job, pid: int, log: str) -> None:
        """The engine has started a session."""
        at, mono = self._clock()
        self._emit(
            ProcessStarted(
                at=at,
                mono=mono,
                phase=self._phase.name,
                process=job.process,
                pid=pid,
                slot=job.slot,
                attempt=job.attempt,
                tests=len(job.tests),
                log=log,
            )
        )

    def not_started(self, job: Job, why: str) -> None:
        """A session could not be started: nothing of the phase can be."""
        self._running.pop(job.process)
        self._problem("infrastructure", why)
        self._emit_not_run([test.id for test in job.tests], why)
        self.stop(why)

    def stop(self, why: str) -> None:
        """Start nothing more; what waits will not run."""
        self._stop = self._stop or why
        left = [test.id for waiting in self._waiting for test in waiting.tests]
        self._waiting.clear()
        self._emit_not_run(left, why)

    def interrupt(self, name: str, number: int, at_once: bool) -> list[Action]:
        """A signal asks the run to end: pass it on to everything, or kill everything."""
        self._interrupted = f"interrupted by {name}"
        self.stop(self._interrupted)
        now = self._clock()[1]
        actions: list[Action] = []
        for process, running in self._running.items():
            sent = KILL if at_once else number
            running.escalation[0] = (sent, now)
            actions.append(Signal(process, sent))
        return actions

    def message(self, process: str, message: Message) -> None:
        """Something that a session said."""
        running = self._running[process]
        message = self._in_time(running, message)
        running.heard = max(running.heard, message.mono)
        match message:
            case Hello():
                running.processes[message.worker] = message
            case Started():
                self._on_started(running, message)
            case StageDone():
                if message.id in running.in_flight:
                    running.in_flight[message.id].stages.append(message.stage)
            case Finished():
                self._on_finished(running, message)
            case Missing():
                running.missing.update(message.ids)
            case CollectFailed():
                running.collect_texts.append(message.text)
            case ConftestFailed():
                running.collect_texts.append(f"{message.id}\n{message.text}")
            case WorkerDied():
                self._on_worker_died(running, message)
            case WorkerLost():
                running.lost.append(f"worker {message.worker}: {message.text}")
                self._on_worker_gone(running, message.worker)
            case LeftBehind():
                self._warn(f"{process}: a worker's tests left something behind that ended with it: {message.what}")
            case SessionFinished():
                running.finished = message
                running.heard = self._clock()[1]
            case CollectSkipped() | Collecting() | Found() | LeftOutSaid() | BadExpression() | InventoryDone():
                pass  # only a collecting process says these
            case Hosting() | Forked() | Exited():
                pass  # and these a host
            case _:
                assert_never(message)

    def _in_time(self, running: _Running, message: Message) -> Message:
        """Tests freeze and move clocks, and a message may be stamped with one of those: here our own clock holds."""
        at, mono = self._clock()
        if running.since <= message.mono <= mono and abs(at - mono - message.at + message.mono) < _SKEW:
            return message
        stamp = message.mono if running.since <= message.mono <= mono else mono
        return msgspec.structs.replace(message, at=at - mono + stamp, mono=stamp)

    def exited(self, process: str, status: int) -> None:
        """A session's process has ended, and all that it said has been heard."""
        running = self._running.pop(process)
        at, mono = self._clock()
        self._emit(
            ProcessExited(
                at=at,
                mono=mono,
                phase=self._phase.name,
                process=process,
                status=status,
                finished=running.finished is not None,
            )
        )
        after = aftermath(self._ending(running, status))
        self._settle(running, after)
        if not self._interrupted:
            self._check_exit(running, status, after)

    # --------------------------------------------------------------------------------------------------------- time

    def tick(self) -> list[Action]:
        """What is due now."""
        now = self._clock()[1]
        whole = self._phase_overdue(now)
        if whole is not None and not self._stop:
            self.stop(f"the {whole.budget} deadline of {format_duration(whole.limit)} was reached before it")
        actions = [action for process in list(self._running) for action in self._deadlines(process, whole, now)]
        actions += self._starts(now)
        return actions

    def _starts(self, now: float) -> list[Action]:
        if self._stop:
            return []
        self._divide()
        actions: list[Action] = []
        limit = self._limits.workers if self._divided else 1
        for waiting in list(self._waiting):
            if len(self._running) >= limit:
                break
            if waiting.not_before > now or not self._has_resources(waiting):
                continue
            job = self._job(waiting)
            if job is None:
                continue
            self._waiting.remove(waiting)
            self._running[job.process] = _Running(job, now)
            self._barren[job.process] = waiting.barren
            actions.append(Start(job))
        return actions

    def _divide(self) -> None:
        """Take what waits apart into units, unless a session does so by itself."""
        if not self._divided or self._whole() or all(len(waiting.tests) == 1 for waiting in self._waiting):
            return
        self._waiting = deque(
            msgspec.structs.replace(waiting, tests=unit)
            for waiting in self._waiting
            for unit in units(self._phase, waiting.tests)
        )

    def _job(self, waiting: _Waiting) -> Job | None:
        whole = (not self._divided or self._whole()) and waiting.attempt == 1 and len(waiting.tests) > 1
        workers = min(self._limits.workers, len(waiting.tests)) if whole else 1
        slot = self._slot(waiting.slot, workers)
        if slot is None:
            return None
        self._numbers += 1
        return Job(
            process=f"{self._phase.name}/{self._numbers:04d}",
            phase=self._phase,
            tests=waiting.tests,
            attempt=waiting.attempt,
            slot=slot,
            workers=workers,
            parallel=self._divided and self._limits.workers > 1,
            divided=whole and self._divided,
            capacities=tuple(self._limits.capacities.items()),
            maxfail=self._maxfail(waiting),
        )

    def _maxfail(self, waiting: _Waiting) -> int:
        # With retries a failure is not final: pytest must not count what the runner may still forgive.
        if not self._limits.max_failures or self._phase.retries.count or len(waiting.tests) == 1:
            return 0
        return max(1, self._limits.max_failures - self._failures)

    def _slot(self, wanted: int | None, count: int) -> int | None:
        """The lowest free slots; a retry waits for the one that it had."""
        taken = {slot for running in self._running.values() for slot in _slots(running.job)}
        if wanted is not None:
            return None if wanted in taken else wanted
        slot = 0
        while taken & set(range(slot, slot + count)):
            slot += 1
        return slot

    def _has_resources(self, waiting: _Waiting) -> bool:
        used: dict[str, int] = {}
        for running in self._running.values():
            for name in _resources(self._phase, running.job.tests):
                used[name] = used.get(name, 0) + 1
        wanted = _resources(self._phase, waiting.tests)
        return all(used.get(name, 0) < self._limits.capacities.get(name, 1) for name in wanted)

    def _phase_overdue(self, now: float) -> Overdue | None:
        run, phase = self._limits.run_deadline, self._phase.timeout
        if run is not None and now >= run:
            return Overdue("run", self._limits.run_timeout or 0.0)
        if phase is not None and now >= self._started + phase:
            return Overdue("phase", phase)
        return None

    # ---------------------------------------------------------------------------------------------------- deadlines

    def _deadlines(self, process: str, whole: Overdue | None, now: float) -> list[Action]:
        running = self._running[process]
        if running.doom is None and not self._interrupted:
            doom = whole or self._idle(running, now)
            if doom is not None:
                return self._doom(process, running, doom, now)
        actions = self._exit_overdue(process, running, now) + self._escalate(process, running, now)
        if running.doom is None and running.finished is None and not self._interrupted:
            for id, flight in running.in_flight.items():
                actions += self._test_deadline(process, running, id, flight, now)
        return actions

    def _idle(self, running: _Running, now: float) -> Overdue | None:
        """A session that neither runs a test nor ends: it hangs while it collects, or between two tests."""
        limit = self._limits.idle
        if limit is None or running.in_flight or running.finished or now < running.heard + limit:
            return None
        return Overdue("collection", limit)

    def _doom(self, process: str, running: _Running, doom: Overdue, now: float) -> list[Action]:
        running.doom = doom
        running.escalation[0] = (0, now)
        self._deadline_event(doom, process, "")
        asks: list[Action] = [
            Ask(process, "", str(doom), hello.pid, hello.dump_signal) for hello in running.processes.values()
        ]
        return asks or self._escalate(process, running, now)

    def _test_deadline(self, process: str, running: _Running, id: str, flight: _Flight, now: float) -> list[Action]:
        limit = self._phase.test_timeout
        if limit is None or flight.late is not None or id in running.dead or now < flight.began + limit:
            return []
        flight.late = Overdue("test", limit)
        self._deadline_event(flight.late, process, id)
        running.escalation.setdefault(_target(running, flight.worker), (0, now))
        hello = running.processes.get(flight.worker)
        return [Ask(process, id, str(flight.late), hello.pid, hello.dump_signal)] if hello is not None else []

    def _escalate(self, process: str, running: _Running, now: float) -> list[Action]:
        """Dumped, TERM, KILL: each stage once, ``grace`` seconds apart."""
        actions: list[Action] = []
        for pid, (sent, since) in list(running.escalation.items()):
            if now < since + self._phase.grace or sent == KILL:
                continue
            number = int(signal.SIGTERM) if sent == 0 else KILL
            running.escalation[pid] = (number, now)
            running.signalled = True
            actions.append(Signal(process, number, pid))
        return actions

    def _exit_overdue(self, process: str, running: _Running, now: float) -> list[Action]:
        """A process that stays after its session is over (a thread or a child holds it) is ended; results stand."""
        if running.finished is None or running.escalation or now < running.heard + self._phase.grace:
            return []
        running.escalation[0] = (int(signal.SIGTERM), now)
        self._warn(
            f"{process}: the process did not exit within {format_duration(self._phase.grace)} after its tests; "
            "ended it (a thread or a child process that was left behind?)"
        )
        return [Signal(process, int(signal.SIGTERM))]

    # ----------------------------------------------------------------------------------------------------- messages

    def _on_started(self, running: _Running, message: Started) -> None:
        if message.id not in running.known or message.id in running.done or message.id in running.in_flight:
            return
        running.in_flight[message.id] = _Flight(message.mono, message.at, message.worker)
        if message.worker in running.gone:  # each process has a file of its own: the news of its end can come first
            running.dead.add(message.id)
        self._emit(
            TestStarted(
                at=message.at,
                mono=message.mono,
                phase=self._phase.name,
                id=message.id,
                process=running.job.process,
                attempt=running.job.attempt,
                worker=message.worker,
            )
        )

    def _on_finished(self, running: _Running, message: Finished) -> None:
        flight = running.in_flight.pop(message.id, None)
        if message.id not in running.known or message.id in running.done:
            return
        running.done.add(message.id)
        late = flight.late if flight is not None else None
        if flight is not None and late is not None and running.doom is None:
            running.escalation.pop(_target(running, flight.worker), None)
        self._test_finished(running, message, flight)

    def _on_worker_died(self, running: _Running, message: WorkerDied) -> None:
        # xdist names the test that was next where none was running; that one is no culprit
        flight = running.in_flight.get(message.id)
        if flight is None:
            return
        if message.status is not None:
            self._on_worker_replaced(running, message, flight, message.status)
        else:
            self._on_worker_gone(running, flight.worker)

    def _on_worker_replaced(self, running: _Running, message: WorkerDied, flight: _Flight, status: int) -> None:
        """The session goes on without this worker: its test is decided now."""
        log = self._last_words(running.job.process, flight.late is not None)
        blame = blamed(message.id, flight.late, message.reason or describe_death(status), log)
        running.escalation.pop(_target(running, flight.worker), None)
        running.processes.pop(flight.worker, None)
        running.in_flight.pop(message.id)
        running.done.add(message.id)
        self._blame(running, blame, flight)

    def _on_worker_gone(self, running: _Running, worker: str) -> None:
        if not worker:
            return
        running.escalation.pop(_target(running, worker), None)  # the process id is free for anybody
        running.processes.pop(worker, None)
        running.gone.add(worker)
        running.dead.update(id for id, flight in running.in_flight.items() if flight.worker == worker)

    def _test_finished(self, running: _Running, message: Finished, flight: _Flight | None) -> None:
        late = flight.late if flight is not None else None
        tries = outcomes.attempts(message.stages)
        for position, stages in enumerate(tries):
            last = position == len(tries) - 1
            outcome = outcomes.outcome(stages)
            details = outcomes.details(stages)
            if last and late is not None:
                outcome = Outcome.TIMED_OUT
                details = (Detail("runner", outcome, str(late)), *details)
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

    def _outcome(
        self,
        running: _Running,
        id: str,
        outcome: Outcome,
        *,
        attempt: int,
        details: tuple[Detail, ...],
        followed: bool = False,
        message: Finished | None = None,
        flight: _Flight | None = None,
    ) -> None:
        """An attempt is decided: tell it, and either try again or count it."""
        at, mono = (message.at, message.mono) if message else self._clock()
        retry = not followed and self._will_retry(outcome, attempt)
        running.red += outcome.is_red and not followed
        worker = message.worker if message else flight.worker if flight else ""
        self._emit(
            TestFinished(
                at=at,
                mono=mono,
                phase=self._phase.name,
                id=id,
                attempt=attempt,
                outcome=outcome,
                process=running.job.process,
                worker=worker,
                slot=_slot_of(running.job, worker),
                started=flight.at if flight else message.started if message else 0.0,
                duration=message.duration if message else mono - flight.began if flight else 0.0,
                call=message.call if message else None,
                details=details,
                sections=tuple(Section(*section) for section in message.sections) if message else (),
                properties=message.properties if message else (),
                retry=retry or followed,
            )
        )
        if retry:
            self._retry(id, attempt + 1, _slot_of(running.job, worker))
        elif outcome.is_red and not followed:
            running.failures += 1
            self._count_failure()

    def _will_retry(self, outcome: Outcome, attempt: int) -> bool:
        retries = self._phase.retries
        return outcome.is_red and attempt <= retries.count and retries.covers(outcome) and not self._stop

    def _retry(self, id: str, attempt: int, slot: int) -> None:
        not_before = self._clock()[1] + self._phase.retries.delay
        self._waiting.append(_Waiting(tests=(self._tests[id],), attempt=attempt, slot=slot, not_before=not_before))

    def _count_failure(self) -> None:
        self._failures += 1
        limit = self._limits.max_failures
        if limit and self._failures >= limit and not self._stop:
            self.stop(max_failures_reason(limit))

    # --------------------------------------------------------------------------------------------------------- ends

    def _ending(self, running: _Running, status: int) -> Ending:
        finished = running.finished
        return Ending(
            tests=running.ids,
            done=frozenset(running.done),
            in_flight=tuple(running.in_flight),
            missing=frozenset(running.missing),
            overdue={id: flight.late for id, flight in running.in_flight.items() if flight.late is not None},
            dead=frozenset(running.dead),
            collect_texts=tuple(running.collect_texts),
            status=status,
            finished=finished is not None,
            reason=finished.reason if finished else "",
            error=finished.error if finished else "",
            failures=running.failures,
            maxfail=running.job.maxfail,
            doom=running.doom,
            interrupted=self._interrupted,
            barren=self._barren.pop(running.job.process, 0),
            log=self._last_words(running.job.process, self._was_asked(running)),
        )

    def _was_asked(self, running: _Running) -> bool:
        return running.doom is not None or any(flight.late is not None for flight in running.in_flight.values())

    def _settle(self, running: _Running, after: Aftermath) -> None:
        for blame in after.blamed:
            self._blame(running, blame, running.in_flight.get(blame.id))
        if after.not_run:
            self._emit_not_run(after.not_run, after.reason)
        left = [after.again] if after.again else []
        left += [(id,) for id in after.alone]
        if self._stop:
            self._emit_not_run([id for ids in left for id in ids], self._stop)
            return
        barren = 0 if running.done or after.blamed else 1
        for ids in reversed(left):
            tests = tuple(self._tests[id] for id in ids)
            self._waiting.appendleft(_Waiting(tests=tests, attempt=running.job.attempt, barren=barren))

    def _blame(self, running: _Running, blame: Blame, flight: _Flight | None) -> None:
        stages = outcomes.details(flight.stages) if flight else ()
        details = (Detail("runner", blame.outcome, blame.message, blame.text), *stages)
        self._outcome(running, blame.id, blame.outcome, attempt=running.job.attempt, details=details, flight=flight)

    def _check_exit(self, running: _Running, status: int, after: Aftermath) -> None:
        """An end that no test explains must not pass unnoticed."""
        process, finished = running.job.process, running.finished
        unexplained = not after.blamed and not after.not_run and not running.signalled
        if finished is None:
            self._check_death(running, status, after)
            return
        if running.lost and unexplained:
            self._problem("failure", f"{process}: while it ran no test, a worker was lost: {'; '.join(running.lost)}")
        if running.doom is not None or (finished.error and after.blamed):
            return  # what ended it is known
        if status < 0 and not running.escalation:
            self._problem("failure", f"{process}: after all its tests, {describe_death(status)}")
        elif status > 0 and status != finished.status and not running.escalation:
            said = f"pytest had ended with {finished.status}, but its process exited with {status}"
            self._problem("failure", f"{process}: {said}", hint="an exit handler that fails?")
        self._check_status(running, finished)

    def _check_death(self, running: _Running, status: int, after: Aftermath) -> None:
        """A process that ended before pytest did: a test carries the blame, or the process does."""
        process = running.job.process
        if after.blamed or after.not_run or (running.signalled and running.doom is None):
            return
        if running.doom is not None:
            self._problem("failure", f"{process}: after its last test, it {running.doom}")
            return
        where = "while several tests ran" if after.alone else "while it ran no test"
        self._problem(
            "failure",
            f"{process}: {describe_death(status)}, {where}",
            hint=f"see processes/{process}/output.log in the run directory",
        )

    def _check_status(self, running: _Running, finished: SessionFinished) -> None:
        process = running.job.process
        expected = {0, 1, 5} if running.red or running.missing else {0, 5}
        if running.collect_texts or running.dead or running.in_flight or running.lost or finished.reason:
            expected |= {1, 2}
        if finished.status not in expected:
            self._problem(
                "failure",
                f"{process}: pytest ended with status {finished.status} although its tests do not explain it "
                "(a coverage threshold, or a plugin?)",
                hint=f"see processes/{process}/output.log in the run directory",
            )

    # ------------------------------------------------------------------------------------------------------- events

    def _deadline_event(self, late: Overdue, process: str, id: str) -> None:
        at, mono = self._clock()
        self._emit(
            DeadlineReached(
                at=at,
                mono=mono,
                budget=late.budget,
                limit=late.limit,
                phase=self._phase.name,
                process=process,
                id=id,
            )
        )

    def _emit_not_run(self, ids: Iterable[str], reason: str) -> None:
        left = tuple(dict.fromkeys(ids))
        if left:
            at, mono = self._clock()
            self._emit(TestNotRun(at=at, mono=mono, phase=self._phase.name, ids=left, reason=reason))

    def _problem(self, kind: str, message: str, hint: str = "") -> None:
        at, mono = self._clock()
        problem = Problem("infrastructure" if kind == "infrastructure" else "failure", message, hint, self._phase.name)
        self._emit(ProblemFound(at=at, mono=mono, problem=problem))

    def _warn(self, message: str) -> None:
        at, mono = self._clock()
        self._emit(Warned(at=at, mono=mono, message=message))


def _target(running: _Running, worker: str) -> int:
    """What an escalation is aimed at: the process of an xdist worker, or 0 for the whole session."""
    hello = running.processes.get(worker)
    return hello.pid if worker and hello is not None else 0


def _slots(job: Job) -> range:
    return range(job.slot, job.slot + job.workers)


def _slot_of(job: Job, worker: str) -> int:
    """An xdist worker holds the slot of its number; a replaced worker has a higher one, and shares."""
    number = int("".join(filter(str.isdigit, worker)) or 0)
    return job.slot + number % max(1, job.workers)


def _resources(phase: Phase, tests: Sequence[CollectedTest]) -> set[str]:
    """What these tests hold beyond what their phase holds anyway, as long as it runs."""
    return set[str]().union(*(test.resources for test in tests)) - set(phase.resources)
