"""What a session's processes are asked about themselves, and their answers.

Python is asked first. Where it does not answer, a thread holds the interpreter in C: then bare stacks are asked for, of
one process of a session at a time. Whoever is asked because of a deadline gets an answer into the report, if need be
that there was none.
"""

from __future__ import annotations

from collections.abc import Callable

from ..contract.messages import Hang, Why
from . import dumps
from .actions import Action, Ask, AskInC
from .running import Flight, Question, Running
from .telling import Teller

Dumped = Callable[[str], str]  # the bare stacks that a session has written since they were asked for

_PATIENCE = 0.35  # seconds that Python has to answer
_SLOW_PATIENCE = 3.0  # the same where nothing depends on it
_WRITTEN = 0.1  # seconds after which bare stacks are complete
_GIVEN_UP = 0.45  # and after which there will be none


class Asker:
    """Keeps what is asked and not answered."""

    def __init__(self, teller: Teller, dumped: Dumped) -> None:
        self._teller = teller
        self._dumped = dumped

    def ask(self, running: Running, worker: str, why: Why, id: str, message: str = "") -> list[Action]:
        """Ask one process; it knows nothing of us where it has not said hello, and on systems without the signal."""
        hello = running.processes.get(worker)
        if hello is None or hello.dump_signal is None:
            return []
        running.questions[hello.pid] = Question(hello, why, id, self._teller.now)
        return [Ask(running.job.process, id, message, hello.pid, hello.dump_signal, why)]

    def everything(self, running: Running, why: Why, message: str = "") -> list[Action]:
        """Ask all processes of a session that run a test, or the one that there is."""
        busy = {flight.worker for flight in running.in_flight.values()} or set(running.processes)
        return [action for worker in sorted(busy) for action in self.ask(running, worker, why, "", message)]

    def answered(self, running: Running, message: Hang) -> None:
        """A process has said what it is at; with an empty ``likely`` it could not."""
        question = running.questions.get(message.pid)
        if not message.likely:
            return
        if question is not None and message.why == question.why:
            del running.questions[message.pid]
            self._told(running, message.why, message.id, message.likely, message.text)
        elif message.id in running.in_flight and message.why == "overdue":
            running.in_flight[message.id].report = message.likely, message.text  # late, but better than bare stacks

    def due(self, running: Running) -> list[Action]:
        """Turn to those that have not answered in time."""
        now = self._teller.now
        actions: list[Action] = []
        for pid, question in list(running.questions.items()):
            if question.in_c is not None:
                self._collect(running, pid, question, now - question.in_c)
            elif now >= question.since + _patience(question) and not any(q.in_c for q in running.questions.values()):
                question.in_c = now
                number = question.hello.c_signal
                if number is not None and question.why != "slow":
                    actions.append(AskInC(running.job.process, pid, number))
        return actions

    def _collect(self, running: Running, pid: int, question: Question, waited: float) -> None:
        text = self._dumped(running.job.process) if waited >= _WRITTEN and question.why != "slow" else ""
        if not text and waited < _GIVEN_UP:
            return
        del running.questions[pid]
        found = [id for id, flight in running.in_flight.items() if flight.worker == question.hello.worker]
        said = dumps.described(text)
        likely = said.likely if question.why != "slow" else ""  # nobody has asked in C for so little
        self._told(running, question.why, found[0] if found else "", likely, said.text)

    def _told(self, running: Running, why: Why, id: str, likely: str, text: str) -> None:
        flight = running.in_flight.get(id)
        if why == "slow":
            if flight is not None:
                self._teller.slow(running.job, id, self._age(flight), likely)
            return
        if flight is not None:
            flight.report = likely, text
        else:
            running.report = likely, text
        age = self._age(flight) if flight is not None else 0.0
        self._teller.hang(running.job, id, why, age, likely, text)

    def _age(self, flight: Flight) -> float:
        return max(0.0, self._teller.now - flight.began)


def _patience(question: Question) -> float:
    return _SLOW_PATIENCE if question.why == "slow" else _PATIENCE
