"""What sessions say, taken in: starts and ends of tests, deaths of workers, what could not be collected."""

from __future__ import annotations

from typing import assert_never

import msgspec

from ..contract.messages import (
    NOT_BELIEVED,
    BadExpression,
    Capturing,
    Changed,
    CollectFailed,
    Collecting,
    CollectSkipped,
    ConftestFailed,
    Exited,
    Finished,
    Forked,
    Found,
    Hang,
    Hello,
    Hosting,
    InventoryDone,
    Leaked,
    LeftBehind,
    LeftOutSaid,
    Message,
    Missing,
    Notice,
    Retired,
    SessionFinished,
    StageDone,
    Started,
    SuiteProperty,
    WarningSaid,
    WorkerDied,
    WorkerLost,
    file_name,
)
from ..words.deaths import describe_death
from . import dumps, outcomes
from .aftermath import blamed
from .asking import Asker
from .deciding import Decider
from .endings import LastWords
from .memory import Memory
from .running import Flight, HangReport, Running
from .telling import Teller

_SKEW = 5.0  # seconds between two wall clocks of one machine that are still one clock


class Hearing:
    """Takes in what sessions say."""

    def __init__(self, teller: Teller, decider: Decider, asker: Asker, memory: Memory, last_words: LastWords) -> None:
        self._teller = teller
        self._asker = asker
        self._memory = memory
        self._decider = decider
        self._last_words = last_words

    def message(self, running: Running, message: Message) -> None:
        """Something that a session said."""
        message = self._in_time(running, message)
        heard = running.heard
        heard.hear(message.mono)
        match message:
            case Hello():
                running.greet(message)
                self._memory.greet(running, message.worker)
            case Started():
                self._started(running, message)
            case StageDone():
                running.flights.stage(message.id, message.stage)
            case Finished():
                self._finished(running, message)
            case Leaked():
                self._decider.leaked(running, message)
            case Missing():
                heard.miss(message.ids)
            case Changed():
                heard.change(message.id, message.meant, message.found)
            case CollectFailed():
                heard.collect_failed(message.text)
            case ConftestFailed():
                heard.collect_failed(f"{message.id}\n{message.text}")
            case WorkerDied():
                self._worker_died(running, message)
            case Hang():
                self._asker.answered(running, message)
            case WorkerLost():
                heard.worker_lost(message.worker, message.text)
                _worker_gone(running, message.worker)
            case LeftBehind():
                self._left_behind(running, message)
            case Retired():
                self._retired(running, message)
            case SuiteProperty():
                self._teller.suite_property(message.name, message.value)
            case WarningSaid():
                self._teller.suite_warning(running.job, message.warning)
            case Notice():
                self._teller.warn(f"{running.job.process}: {message.text}")
            case SessionFinished():
                self._session_finished(running, message)
            case CollectSkipped() | Collecting() | Found() | LeftOutSaid() | BadExpression() | InventoryDone():
                pass  # only a collecting process says these
            case Hosting() | Forked() | Exited():
                pass  # and these a host
            case Capturing():
                pass  # for the launcher, which has the files
            case _:
                assert_never(message)

    def _session_finished(self, running: Running, message: SessionFinished) -> None:
        if running.heard.finished is not None:
            self._disbelieved(running, "", "has a second last word of its session")
            return
        running.heard.finish(message, self._teller.now)

    def _left_behind(self, running: Running, message: LeftBehind) -> None:
        if not message.worker:
            running.heard.left_behind(message.what)  # it may still end by itself
            return
        process, what = running.job.process, message.what
        if message.stacks:
            said, limit = dumps.described(message.stacks), running.job.phase.leak_timeout
            self._teller.stayed(process, "a worker", limit, what, said.likely)
            self._teller.hang(running.job, "", "exit", limit, HangReport(said.likely, said.text))
            return
        self._teller.warn(f"{process}: a worker's tests left something behind that ended with it: {what}")

    def _retired(self, running: Running, message: Retired) -> None:
        if message.id not in running.flights.done:
            self._disbelieved(running, message.worker, f"says that it is at its end after {message.id}")
            return
        running.heard.retire(message.worker)
        self._teller.retired(running.job, message)

    def _in_time(self, running: Running, message: Message) -> Message:
        """Tests freeze and move clocks, and a message may be stamped with one of those: here our own clock holds."""
        at, mono = self._teller.clock()
        if running.since <= message.mono <= mono and abs(at - mono - message.at + message.mono) < _SKEW:
            return message
        stamp = message.mono if running.since <= message.mono <= mono else mono
        return msgspec.structs.replace(message, at=at - mono + stamp, mono=stamp)

    def _started(self, running: Running, message: Started) -> None:
        flights = running.flights
        if message.id not in running.known:
            self._disbelieved(running, message.worker, f"says that {message.id} began, which is not among its tests")
            return
        if not self._may_speak(running, message.worker, f"that {message.id} began"):
            return
        if message.id in flights.done or message.id in flights.under_way:
            return
        flights.begin(message.id, message.mono, message.at, message.worker)
        if message.worker in running.heard.gone:  # each process has a file of its own: its end can be heard first
            flights.die((message.id,))
        self._teller.test_started(running.job, message)

    def _finished(self, running: Running, message: Finished) -> None:
        if not self._is_believed(running, message):
            return
        flight = running.land(message.id)
        if message.id in running.flights.done:
            return  # decided by the end of its worker
        running.flights.tell(message.id)
        if _was_disturbed(running, message):
            self._disturbed(running, message, flight)
            return
        self._decider.finished(running, message, flight)

    def _is_believed(self, running: Running, message: Finished) -> bool:
        """Whether its process can say that a test is over: a test may write into the file of facts."""
        flights, id, worker = running.flights, message.id, message.worker
        flight = flights.under_way.get(id)
        if id not in running.known:
            self._disbelieved(running, worker, f"says that {id} finished, which is not among its tests")
        elif id in flights.told:
            self._disbelieved(running, worker, f"has a second outcome of {id}")
        elif not self._may_speak(running, worker, f"that {id} finished"):
            pass
        elif id in flights.done:
            return True
        elif flight is None or flight.worker != worker:
            self._disbelieved(running, worker, f"says that {id} finished, which had not begun there")
        else:
            return True
        return False

    def _may_speak(self, running: Running, worker: str, what: str) -> bool:
        """Nobody has anything to say of tests after the session's last word, or before its process has said hello."""
        heard = running.heard
        if heard.finished is not None:
            self._disbelieved(running, worker, f"says {what} after the session's last word")
        elif worker and worker not in heard.processes and worker not in heard.gone:
            self._disbelieved(running, worker, f"says {what} in a process that was never started")
        else:
            return True
        return False

    def _disbelieved(self, running: Running, worker: str, what: str) -> None:
        if running.heard.disbelieve():
            file = file_name(worker or "main")
            self._teller.problem(f"{file} of process {running.job.process} {what}", NOT_BELIEVED)

    def _disturbed(self, running: Running, message: Finished, flight: Flight | None) -> None:
        """Whether it would have failed without the signal that it and its children got, nobody knows."""
        said = next((stage.message for stage in message.stages if stage.message), "")
        why = f"; then it failed: {said}" if said else ""
        where = running.interrupted_in(message.id, flight) if flight is not None else running.escalation.interrupted
        self._decider.not_run(running, (message.id,), where + why)

    def _worker_died(self, running: Running, message: WorkerDied) -> None:
        # xdist names the test that was next where none was running; that one is no culprit
        flight = running.flights.under_way.get(message.id)
        if flight is None:
            return
        if message.status is not None:
            self._worker_replaced(running, message, flight, message.status)
        else:
            _worker_gone(running, flight.worker)

    def _worker_replaced(self, running: Running, message: WorkerDied, flight: Flight, status: int) -> None:
        """The session goes on without this worker: its test is decided now, unless the run's end took it along."""
        late = running.overdue(with_doom=True).get(message.id)
        if running.escalation.interrupted and late is None:
            running.forget_worker(flight.worker)
            return
        log = self._last_words(running.job.process)
        memory = self._memory.death(running, flight.worker, status)
        blame = blamed(message.id, late, memory or message.reason or describe_death(status), log)
        running.forget_worker(flight.worker)
        running.flights.land(message.id)
        running.flights.decide(message.id)
        self._decider.blame(running, blame, flight)


def _was_disturbed(running: Running, message: Finished) -> bool:
    """Whether it is red, and ended after a signal that it had not waited for."""
    escalation = running.escalation
    if not escalation.interrupted or message.mono < escalation.interrupted_at or message.id in escalation.late:
        return False
    return outcomes.outcome(message.stages).is_red


def _worker_gone(running: Running, worker: str) -> None:
    if not worker:
        return
    running.forget_worker(worker)
    running.heard.worker_gone(worker)
    running.flights.die(running.flights.of(worker))
