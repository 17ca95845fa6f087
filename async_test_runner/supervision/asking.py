"""What a session's processes are asked about themselves, and their answers.

Python is asked first. Where it does not answer, a thread holds the interpreter in C: then bare stacks are asked for, of
one process of a session at a time. Whoever is asked because of a deadline gets an answer into the report, if need be
that there was none.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

from ..contract.messages import Hang, Hello, Why
from . import dumps
from .actions import Action, Ask, AskInC
from .running import Flight, HangReport, Running
from .telling import Teller

Dumped = Callable[[str], str]  # the bare stacks that a session has written since they were asked for

_PATIENCE = 0.35  # seconds that Python has to answer
_SLOW_PATIENCE = 3.0  # the same where nothing depends on it
_WRITTEN = 0.1  # seconds after which bare stacks are complete
_GIVEN_UP = 0.45  # and after which there will be none


class Question:
    """What a process was asked; ``in_c``: since when for bare stacks."""

    def __init__(self, hello: Hello, why: Why, id: str, since: float) -> None:
        self.hello = hello
        self.why = why
        self.id = id
        self.since = since
        self.in_c: float | None = None


class Asker:
    """Keeps what is asked and not answered."""

    def __init__(self, teller: Teller, dumped: Dumped) -> None:
        self._teller = teller
        self._dumped = dumped
        self._asked: WeakKeyDictionary[Running, dict[int, Question]] = WeakKeyDictionary()  # by process id

    def _questions(self, running: Running) -> dict[int, Question]:
        return self._asked.setdefault(running, {})

    def ask(self, running: Running, worker: str, why: Why, id: str, message: str = "") -> list[Action]:
        """Ask one process; it knows nothing of us where it has not said hello, and on systems without the signal."""
        hello = running.heard.processes.get(worker)
        if hello is None or hello.dump_signal is None:
            return []
        self._questions(running)[hello.pid] = Question(hello, why, id, self._teller.now)
        return [Ask(running.job.process, id, message, hello.pid, hello.dump_signal, why)]

    def everything(self, running: Running, why: Why, message: str = "") -> list[Action]:
        """Ask all processes of a session that run a test, or the one that there is."""
        busy = running.flights.busy or set(running.heard.processes)
        return [action for worker in sorted(busy) for action in self.ask(running, worker, why, "", message)]

    def last(self, running: Running) -> list[Action]:
        """Ask those that run a test where they are, before a signal takes them away from there."""
        busy = sorted(running.flights.busy)
        return [action for worker in busy for action in self.ask(running, worker, "interrupted", "")]

    def waits(self, running: Running) -> bool:
        """Whether any of them has not answered yet."""
        return any(question.why == "interrupted" for question in self._questions(running).values())

    def answered(self, running: Running, message: Hang) -> None:
        """A process has said what it is at; with an empty ``likely`` it could not."""
        questions = self._questions(running)
        question = questions.get(message.pid)
        if not message.likely:
            return
        report = HangReport(message.likely, message.text)
        if question is not None and message.why == question.why:
            del questions[message.pid]
            self._told(running, message.why, message.id, report)
        elif message.id in running.flights.under_way and message.why == "overdue":  # late, but better than bare stacks
            running.heard.report(message.id, report)

    def due(self, running: Running) -> list[Action]:
        """Turn to those that have not answered in time."""
        now = self._teller.now
        questions = self._questions(running)
        actions: list[Action] = []
        for pid, question in list(questions.items()):
            if question.in_c is not None:
                self._collect(running, pid, question, now - question.in_c)
            elif now >= question.since + _patience(question) and not any(q.in_c for q in questions.values()):
                question.in_c = now
                number = question.hello.c_signal
                if number is not None and question.why != "slow":
                    actions.append(AskInC(running.job.process, pid, number))
        return actions

    def _collect(self, running: Running, pid: int, question: Question, waited: float) -> None:
        text = self._dumped(running.job.process) if waited >= _WRITTEN and question.why != "slow" else ""
        if not text and waited < _GIVEN_UP:
            return
        del self._questions(running)[pid]
        found = running.flights.of(question.hello.worker)
        said = dumps.described(text)
        likely = said.likely if question.why != "slow" else ""  # nobody has asked in C for so little
        self._told(running, question.why, found[0] if found else "", HangReport(likely, said.text))

    def _told(self, running: Running, why: Why, id: str, report: HangReport) -> None:
        flight = running.flights.under_way.get(id)
        if why == "interrupted":
            if flight is not None:
                running.heard.report(id, report)  # where it was: part of what is said of it at the end
            return
        if why == "slow":
            if flight is not None:
                self._teller.slow(running.job, id, self._age(flight), report.likely)
            return
        running.heard.report(id if flight is not None else "", report)
        age = self._age(flight) if flight is not None else 0.0
        self._teller.hang(running.job, id, why, age, report)

    def _age(self, flight: Flight) -> float:
        return max(0.0, self._teller.now - flight.began)


def _patience(question: Question) -> float:
    return _SLOW_PATIENCE if question.why == "slow" else _PATIENCE
