"""A session under way: all that it has said and all that was done to it."""

from __future__ import annotations

import msgspec

from ..contract.launching import Job
from ..contract.messages import Hello, SessionFinished, Stage, Why
from .aftermath import Overdue


class Question:
    """What a process was asked; ``in_c``: since when for bare stacks."""

    def __init__(self, hello: Hello, why: Why, id: str, since: float) -> None:
        self.hello = hello
        self.why = why
        self.id = id
        self.since = since
        self.in_c: float | None = None


class Flight:
    """A test that runs; ``nth``: how many had begun in its process before it."""

    def __init__(self, began: float, at: float, worker: str, nth: int) -> None:
        self.began = began
        self.at = at
        self.worker = worker
        self.nth = nth
        self.late: Overdue | None = None
        self.notices = 0  # how often it was said to be slow
        self.report: tuple[str, str] = ("", "")  # the last hang report: the likely line, the text
        self.stages: list[Stage] = []


class Running:
    """A session under way, and all that it has said. ``barren``: earlier ones for its tests that came to nothing."""

    def __init__(self, job: Job, now: float, barren: int = 0) -> None:
        self.job = job
        self.barren = barren
        self.ids = tuple(test.id for test in job.tests)
        self.known = frozenset(self.ids)
        self.since = now
        self.heard = now
        self.in_flight: dict[str, Flight] = {}
        self.done: set[str] = set()
        self.last_done = ""
        self.missing: set[str] = set()
        self.dead: set[str] = set()
        self.collect_texts: list[str] = []
        self.processes: dict[str, Hello] = {}
        self.finished: SessionFinished | None = None
        self.red = 0  # outcomes that pytest counts as failures, those that are tried again included
        self._begun: dict[str, int] = {}  # worker -> tests that have begun in its process
        self.doom: Overdue | None = None
        self.escalation: dict[int, tuple[int, float]] = {}  # pid (0: all) -> (signal sent, when)
        self.signalled = False  # an escalation went as far as a signal: the end needs no other explanation
        self.interrupted = ""  # what ends the run, once that was passed on to it
        self.interrupted_at = 0.0
        self.lost: list[str] = []
        self.exhausted: dict[str, str] = {}  # worker -> in what way it used up its memory
        self.oom_kills = 0  # those of the system when it began
        self.gone: set[str] = set()  # xdist workers that are no more
        self.left: list[str] = []  # what may keep its process from ending
        self.stays_since: float | None = None  # when it was asked to dump because it does not end
        self.questions: dict[int, Question] = {}  # by process id: what was asked and is not answered yet
        self.report: tuple[str, str] = ("", "")  # the last hang report of a process that ran no test

    def greet(self, hello: Hello) -> None:
        """A process of this session is up; workers that replace each other have one name."""
        self.processes[hello.worker] = hello
        self._begun.pop(hello.worker, None)
        self.exhausted.pop(hello.worker, None)

    def begin(self, id: str, began: float, at: float, worker: str) -> None:
        """A test begins."""
        nth = self._begun.get(worker, 0)
        self._begun[worker] = nth + 1
        self.in_flight[id] = Flight(began, at, worker, nth)

    def overdue(self, *, with_doom: bool) -> dict[str, Overdue]:
        """The tests in flight that are too late, ``with_doom`` also those that are so with all others."""
        late = {id: flight.late or (self.doom if with_doom else None) for id, flight in self.in_flight.items()}
        return {id: with_report(each, self.in_flight[id].report) for id, each in late.items() if each is not None}

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
        hello = self.processes.get(worker)
        return hello.pid if worker and hello is not None else 0

    def decided(self, id: str) -> None:
        """This test has its outcome."""
        self.done.add(id)
        self.last_done = id

    def forget_worker(self, worker: str) -> None:
        """This worker is no more: nothing is sent to it, for its process id is free for anybody."""
        self.escalation.pop(self.target(worker), None)
        self.processes.pop(worker, None)


def with_report(late: Overdue, report: tuple[str, str]) -> Overdue:
    """The same, with what the process has said of itself."""
    return msgspec.structs.replace(late, likely=report[0], report=report[1]) if report[1] else late
