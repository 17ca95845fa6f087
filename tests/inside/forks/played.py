"""Workers that are played: a nursery that forks nothing, and a plugin that remembers what the pool tells the runner."""

from __future__ import annotations

import json
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from async_test_run_inside.forks import frames
from async_test_run_inside.forks.nursery import Ended, Forked
from async_test_run_inside.wire.messages import Message

from tests.support.inside import Item, report

NO_PROCESS = 5_000_000  # above the highest process id that Linux gives
KILLED = int(signal.SIGKILL)  # statuses as the system has them
EXITED_3 = 3 << 8


class Voice:
    """What one worker says to its session."""

    def __init__(self, results: int, items: list[Item]) -> None:
        self._results = results
        self._items = items

    def say(self, fact: frames.Fact) -> None:
        """One fact."""
        os.write(self._results, frames.framed(fact))

    def run(self, position: int) -> None:
        """A whole test; one whose name begins with ``fails`` fails."""
        self.say(frames.Began(position))
        outcome = "failed" if self._items[position].name.startswith("fails") else "passed"
        made = report(self._items[position], outcome=outcome)
        self.say(frames.Reported(position, {frames._PLAIN: vars(made)}))
        self.say(frames.Ended(position))


# Plays one unit, or one group of tests, in a worker. A status that it returns is the worker's end.
Play = Callable[[Voice, list[int]], int | None]


def runs(voice: Voice, unit: list[int]) -> int | None:
    """As a worker does when nothing happens."""
    for position in unit:
        voice.run(position)
    return None


class _Played:
    """One worker. ``orders`` is where it reads what it is to run, None where it has one unit only."""

    def __init__(self, pid: int, voice: Voice, results: int, orders: int | None) -> None:
        self.pid = pid
        self.voice = voice
        self.results = results
        self.orders = orders
        self.heard: list[list[int]] = []
        self.at_hand: list[int] = []  # how many orders there were when it looked

    def ordered(self) -> Iterator[list[int] | None]:
        """What has been ordered since; None at the end of the orders."""
        assert self.orders is not None
        while True:
            try:
                data = os.read(self.orders, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                yield None
                return
            lines = data.splitlines()
            self.at_hand.append(len(lines))
            yield from map(json.loads, lines)


class PlayedNursery:
    """In the place of a `Nursery`: what it is asked for happens when the session looks for news."""

    def __init__(self, items: list[Item], play: Play = runs) -> None:
        self.forks: list[tuple[int, list[int] | None]] = []  # what was asked for: number of the worker, its unit
        self.failures: list[int] = []  # how many each of them may have
        self.preloaded: list[list[str]] = []
        self.expected: list[int] = []
        self.most = 0  # workers at one time
        self.orders: list[list[list[int]]] = []  # of each long-lived worker
        self.at_hand: list[list[int]] = []  # how many orders each of them found when it looked
        self.is_gone = False
        self.is_lost = False  # gone without a word
        self.is_closed = False
        self._items = items
        self._play = play
        self._begun = 0
        self._asked: deque[tuple[int, list[int] | None]] = deque()
        self._alive: dict[int, _Played] = {}
        self._news: deque[tuple[Forked | Ended | None, Callable[[], object]]] = deque()
        self._reading, self._writing = os.pipe()

    def fork(self, number: int, unit: list[int] | None, failures: int) -> None:
        self.failures.append(failures)
        self.forks.append((number, None if unit is None else [*unit]))
        self._asked.append(self.forks[-1])

    def preload(self, names: list[str]) -> None:
        self.preloaded.append(names)

    def expect(self, forks: int) -> None:
        self.expected.append(forks)

    def look(self) -> bool:
        """Whether it is there."""
        return not self.is_lost

    def close(self) -> None:
        self.is_closed = True
        os.close(self._reading)
        os.close(self._writing)

    def fileno(self) -> int:
        """The session is about to wait: now everybody does something, so that there is something to wait for."""
        if self.is_gone:
            self._tell(None)
        while self._asked:
            self._begin(*self._asked.popleft())
        for worker in list(self._alive.values()):
            for unit in worker.ordered() if worker.orders is not None else ():
                self._step(worker, unit)
                if worker.orders is None:  # it has died
                    break
        return self._reading

    def _begin(self, number: int, unit: list[int] | None) -> None:
        results, results_in = os.pipe()
        orders_out, orders = (None, None) if unit is not None else os.pipe()
        self._begun += 1
        worker = _Played(NO_PROCESS + self._begun, Voice(results_in, self._items), results_in, orders_out)
        self._alive[worker.pid] = worker
        self.most = max(self.most, len(self._alive))
        if orders_out is not None:
            os.set_blocking(orders_out, False)
            self.orders.append(worker.heard)
            self.at_hand.append(worker.at_hand)
        self._tell(Forked(number, worker.pid, results, orders))
        if unit is not None:
            self._end(worker, self._play(worker.voice, unit) or 0)

    def _step(self, worker: _Played, unit: list[int] | None) -> None:
        if unit is not None:
            worker.heard.append(unit)
        status = 0 if unit is None else self._play(worker.voice, unit)
        if status is not None:
            self._end(worker, status)

    def _end(self, worker: _Played, raw: int) -> None:
        os.close(worker.results)
        if worker.orders is not None:
            os.close(worker.orders)
            worker.orders = None
        self._tell(Ended(worker.pid, raw), lambda: self._alive.pop(worker.pid))

    def _tell(self, news: Forked | Ended | None, then: Callable[[], object] = lambda: None) -> None:
        self._news.append((news, then))
        os.write(self._writing, b".")

    def news(self) -> Forked | Ended | None:
        os.read(self._reading, 1)
        news, then = self._news.popleft()
        then()
        return news


class ToldRunner:
    """In the place of the plugin `Running`: what the pool has told the runner."""

    def __init__(self) -> None:
        self.said: list[Message] = []
        self.is_silent = False

    def silence(self) -> None:
        self.is_silent = True

    def learn(self, items: list[Any], is_told: object) -> None: ...

    def id_of(self, nodeid: str) -> str:
        return nodeid.partition("::")[2]

    def say(self, message: Message) -> None:
        self.said.append(message)
