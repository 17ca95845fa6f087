"""A session under way: what it said, what it runs, and what was done to it.

Each of the three values changes through its own methods only, and few modules of this room call those of one:
`tests/supervision/test_running.py` has the table. All of them read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from ..contract.launching import Job
from ..contract.messages import Hello, SessionFinished, Stage
from ..words.durations import format_duration
from .aftermath import Overdue


class HangReport(NamedTuple):
    """What a process said about a hang: the line that most likely hangs, and all. Both are empty if it said nothing."""

    likely: str = ""
    text: str = ""


_MOST_DISBELIEVED = 20


class Heard:
    """What a session said of itself, and of what is wrong with it."""

    def __init__(self, now: float) -> None:
        self.last = now  # when it was heard last
        self.processes: dict[str, Hello] = {}  # by worker, "" for the session's own
        self.gone: set[str] = set()  # xdist workers that are no more
        self.lost: list[str] = []  # what became of some of them
        self.missing: dict[str, str] = {}  # tests that it could not find, and what it found in their place
        self.collect_texts: list[str] = []
        self.left: list[str] = []  # what may keep its process from ending
        self.reports: dict[str, HangReport] = {}  # the last one about each test, "" for a process that ran none
        self.finished: SessionFinished | None = None
        self.retired = False  # its own process was not clean any more, and has left tests
        self._disbelieved = 0

    def disbelieve(self) -> bool:
        """Something that it said cannot be; whether that is to be told, for there may be no end of it."""
        self._disbelieved += 1
        return self._disbelieved <= _MOST_DISBELIEVED

    def hear(self, mono: float) -> None:
        """It is alive."""
        self.last = max(self.last, mono)

    def greet(self, hello: Hello) -> None:
        """A process of it is up; workers that replace each other have one name."""
        self.processes[hello.worker] = hello

    def forget(self, worker: str) -> None:
        """This process is no more: nothing is sent to it, for its process id is free for anybody."""
        self.processes.pop(worker, None)

    def worker_lost(self, worker: str, text: str) -> None:
        """A worker is no more, and this is what is known of its end."""
        self.lost.append(f"worker {worker}: {text}")

    def worker_gone(self, worker: str) -> None:
        """A worker is no more, and no other takes its place."""
        self.gone.add(worker)

    def retire(self, worker: str) -> None:
        """A process of it runs no more tests: with a worker's name one that is replaced, else the session's own."""
        self.retired = self.retired or not worker

    def miss(self, ids: Iterable[str]) -> None:
        """It could not find these tests."""
        self.missing.update(dict.fromkeys(ids, ""))

    def change(self, id: str, meant: str, found: str) -> None:
        """It found another test under an id."""
        self.missing[id] = f"in the collection: {meant}\nin this process:   {found}"

    def collect_failed(self, text: str) -> None:
        """It could not collect something."""
        self.collect_texts.append(text)

    def left_behind(self, what: str) -> None:
        """Something may keep its process from ending."""
        self.left.append(what)

    def report(self, id: str, report: HangReport) -> None:
        """A process has said where it hangs."""
        self.reports[id] = report

    def reported(self, id: str = "") -> HangReport:
        """The last hang report about a test, or of a process that ran none."""
        return self.reports.get(id, HangReport())

    def finish(self, message: SessionFinished, now: float) -> None:
        """Its last word."""
        self.finished = message
        self.last = now


class Flight(NamedTuple):
    """A test that runs; ``nth``: how many had begun in its process before it. ``began`` is monotonic, ``at`` wall."""

    began: float
    at: float
    worker: str
    nth: int
    stages: list[Stage]


class Flights:
    """What a session runs and has run."""

    def __init__(self) -> None:
        self.under_way: dict[str, Flight] = {}
        self.done: set[str] = set()
        self.told: set[str] = set()  # of these, those whose process has said so itself
        self.last_done = ""
        self.dead: set[str] = set()  # tests that ran in a worker when it was gone
        self.red = 0  # outcomes that pytest counts as failures, those that are tried again included
        self._begun: dict[str, int] = {}  # worker -> tests that have begun in its process

    def greet(self, worker: str) -> None:
        """A new process has this name: no test has begun in it."""
        self._begun.pop(worker, None)

    def begin(self, id: str, began: float, at: float, worker: str) -> None:
        """A test begins."""
        nth = self._begun.get(worker, 0)
        self._begun[worker] = nth + 1
        self.under_way[id] = Flight(began, at, worker, nth, [])

    def stage(self, id: str, stage: Stage) -> None:
        """A part of a test is over, and not simply passed."""
        if id in self.under_way:
            self.under_way[id].stages.append(stage)

    def die(self, ids: Iterable[str]) -> None:
        """The worker of these tests is gone."""
        self.dead.update(ids)

    def land(self, id: str) -> Flight | None:
        """A test runs no more; None for one that was not known to."""
        return self.under_way.pop(id, None)

    def tell(self, id: str) -> None:
        """Its process has said what came of a test."""
        self.told.add(id)
        self.decide(id)

    def decide(self, id: str) -> None:
        """A test has its outcome."""
        self.done.add(id)
        self.last_done = id

    def count_red(self) -> None:
        """One more outcome that pytest counts as a failure."""
        self.red += 1

    def of(self, worker: str) -> list[str]:
        """The tests that run in a worker."""
        return [id for id, flight in self.under_way.items() if flight.worker == worker]

    @property
    def busy(self) -> set[str]:
        """The workers that run a test."""
        return {flight.worker for flight in self.under_way.values()}


class Escalation:
    """What was done to a session because of deadlines and signals. A target is a process id, or 0 for all of it."""

    def __init__(self) -> None:
        self.steps: dict[int, tuple[int, float]] = {}  # target -> (signal sent, when)
        self.signalled = False  # one went as far as a signal: the end needs no other explanation
        self.doom: Overdue | None = None  # the deadline that ends all of it
        self.late: dict[str, Overdue] = {}  # tests that were too late
        self.notices: dict[str, int] = {}  # how often a test was said to be slow
        self.used = 0.0  # seconds of processor time when it was last seen at work, after its tests
        self.worked = 0.0  # and when that was
        self.stays_since: float | None = None  # when it was asked to dump because it does not end
        self.interrupted = ""  # what ends the run, once that was passed on to it
        self.interrupted_at = 0.0
        self.stops = False  # it was told to end after the test that it runs
        self.held: tuple[int, float] | None = None  # a signal that waits for last answers, and since when

    def begin(self, target: int, now: float) -> None:
        """Something is too late: it is asked first. What is done to it already goes on."""
        self.steps.setdefault(target, (0, now))

    def step(self, target: int, number: int, now: float) -> None:
        """This was sent to it, or is about to be."""
        self.steps[target] = (number, now)

    def signal(self, target: int, number: int, now: float) -> None:
        """The same, because it did not end by itself."""
        self.step(target, number, now)
        self.signalled = True

    def end(self, target: int) -> None:
        """It has ended by itself, or is no more."""
        self.steps.pop(target, None)

    def doomed(self, doom: Overdue, now: float) -> None:
        """A deadline of the session, its phase or the run is over."""
        self.doom = doom
        self.steps[0] = (0, now)

    def too_late(self, id: str, late: Overdue) -> None:
        """The deadline of a test is over."""
        self.late[id] = late

    def noticed(self, id: str, times: int) -> None:
        """A test was said to be slow so often."""
        self.notices[id] = times

    def works(self, used: float, now: float) -> None:
        """Its process has used so much processor time by now."""
        self.used, self.worked = used, now

    def stays(self, now: float) -> None:
        """It was asked what keeps it, for it does not end."""
        self.stays_since = now

    def interrupt(self, why: str, now: float) -> None:
        """A signal ends the run."""
        self.interrupted, self.interrupted_at = why, now

    def stop_soon(self) -> None:
        """It is told to end after the test that it runs."""
        self.stops = True

    def hold(self, number: int, now: float) -> None:
        """It is passed on a moment later."""
        self.held = (number, now)

    def pass_on(self) -> None:
        """Now."""
        self.held = None


class Running:
    """A session under way. ``barren``: earlier ones for its tests that came to nothing."""

    def __init__(self, job: Job, now: float, barren: int = 0) -> None:
        self.job = job
        self.barren = barren
        self.since = now
        self.ids = tuple(test.id for test in job.tests)
        self.known = frozenset(self.ids)
        self.heard = Heard(now)
        self.flights = Flights()
        self.escalation = Escalation()

    def greet(self, hello: Hello) -> None:
        """A process of this session is up."""
        self.heard.greet(hello)
        self.flights.greet(hello.worker)

    def land(self, id: str) -> Flight | None:
        """A test has ended by itself: what was done because it was late goes no further."""
        flight = self.flights.land(id)
        if flight is not None and id in self.escalation.late and self.escalation.doom is None:
            self.escalation.end(self.target(flight.worker))
        return flight

    def forget_worker(self, worker: str) -> None:
        """This worker is no more: whatever was done to it has come to its end."""
        self.escalation.end(self.target(worker))
        self.heard.forget(worker)

    def late(self, id: str) -> Overdue | None:
        """The deadline that a test has missed, with what its process has said."""
        late = self.escalation.late.get(id)
        return with_report(late, self.heard.reported(id)) if late is not None else None

    def overdue(self, *, with_doom: bool) -> dict[str, Overdue]:
        """The tests in flight that are too late, ``with_doom`` also those that are so with all others."""
        doom = self.escalation.doom if with_doom else None
        late = {id: self.escalation.late.get(id, doom) for id in self.flights.under_way}
        return {id: with_report(each, self.heard.reported(id)) for id, each in late.items() if each is not None}

    def interrupted_in(self, id: str, flight: Flight) -> str:
        """What a signal has taken a test away from."""
        lasted = format_duration(max(0.0, self.escalation.interrupted_at - flight.began))
        likely = self.heard.reported(id).likely
        return f"{self.escalation.interrupted} after {lasted}" + (f", at {likely}" if likely else "")

    @property
    def slots(self) -> range:
        """The slots that it holds."""
        return range(self.job.slot, self.job.slot + self.job.workers)

    def slot_of(self, worker: str) -> int:
        """An xdist worker holds the slot of its number; a replaced worker has a higher one, and shares."""
        number = int("".join(filter(str.isdigit, worker)) or 0)
        return self.job.slot + number % max(1, self.job.workers)

    def target(self, worker: str) -> int:
        """What an escalation is aimed at: the process of an xdist worker, or 0 for the whole session."""
        hello = self.heard.processes.get(worker)
        return hello.pid if worker and hello is not None else 0


def with_report(late: Overdue, report: HangReport) -> Overdue:
    """The same, with what the process has said of itself."""
    return msgspec.structs.replace(late, likely=report.likely, report=report.text) if report.text else late
