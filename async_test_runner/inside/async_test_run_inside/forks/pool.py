"""Workers of a phase session: forks that run units, and whose reports pass through the session's own hooks.

A divided phase has a worker per unit. An undivided one has long-lived workers that pull groups of tests, in their
order, and know the next item, so that fixtures of every scope are set up and torn down once a worker.
"""

from __future__ import annotations

import json
import os
import signal
from collections import deque
from collections.abc import Iterator
from typing import assert_never

import pytest

from ..collection.judging import judge_a_part, judge_nothing
from ..session.limits import Descriptors
from ..session.running import Running
from ..wire import messages
from ..wire.facts import Wire
from ..wire.settings import Settings
from . import forking, frames
from .additions import Additions
from .interrupting import Interruption, signal_group
from .nursery import Ended, Forked, Nursery
from .polling import readable, state
from .preloading import Memory
from .units import Lone, Shares, groups, units
from .worker import Work

# Tests replace functions of the os module, and forget to put them back.
_close, _getpid, _read, _write, _kill = os.close, os.getpid, os.read, os.write, os.kill
_set_blocking, _pread, _ftruncate = os.set_blocking, os.pread, os.ftruncate

_WORTH_IT = 8  # workers that must be to come: a rehearsal and the import itself take as long as two imports
_APPENDED = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
_MOST_STACKS = 1 << 20  # bytes of them that are read
_DESCRIPTORS = 6  # for each worker: its files, the ends of its pipes, and those that are on their way
# So many orders fit into the nursery's socket. With more of them, it and the session would wait for each other: both
# write, and neither reads.
_MOST_ORDERED = 32
_NEARLY_NONE = "nearly no process stayed clean, so most tests have one of their own, and what they change is not told"
_AHEAD = 2  # groups that a worker knows of: the one that it runs, and the next


class _Worker:
    """A forked worker as its session sees it; without a process yet as long as ``pid`` is 0."""

    def __init__(self, number: int, unit: list[int]) -> None:
        self.number = number
        self.name = f"gw{number}"
        self.pid = 0
        self.results: int | None = None
        self.orders: int | None = None
        self.unsent = bytearray()  # of its orders: there was no room in the pipe
        self.units: deque[list[int]] = deque([unit])  # ordered and not finished
        self.current: int | None = None
        self.begun = 0  # tests
        self.retired = False  # it takes no more orders, for it is not clean any more
        self.reason = ""  # what it said of its own end
        self.broken = ""  # the exception that ended it
        self.output: dict[str, bytes] | None = None  # what plugins in it hand over at its end
        self.pending = bytearray()


class Pool:
    """Runs the items of a session in workers."""

    def __init__(self, settings: Settings, running: Running) -> None:
        self._settings = settings
        self._running_plugin = running
        self._divided = settings.asked["divided"]
        self._clean = settings.asked["clean"]
        self._retired = 0  # workers that were not clean any more
        self._lone = Lone()
        self._expects_many = False
        self._descriptors = Descriptors()
        self._limit = self._workers_at_once(settings)
        self._capacities: dict[str, int] = dict(settings.asked["capacities"])
        self._workers: dict[int, _Worker] = {}  # by number
        self._over_count = 0  # workers that have come to their end
        self._not_begun: set[int] = set()  # positions before which a worker has ended
        self._interruption = Interruption(lambda: [worker.pid for worker in self._workers.values() if worker.pid])
        # opened before any test can delete the directory
        self._wires = [
            Wire(os.path.join(settings.directory, f"events.gw{number}.jsonl")) for number in range(self._limit)
        ]
        self._stacks = [
            os.open(os.path.join(settings.directory, f"exit.gw{number}.txt"), _APPENDED, 0o600)
            for number in range(self._limit)
        ]
        self._learned: dict[str, None] = {}  # modules that workers have imported, in their order
        running.silence()

    def _workers_at_once(self, settings: Settings) -> int:
        """As many as the phase asks for, as there is something to do for, and as there are descriptors for."""
        asked = settings.asked
        wanted = max(1, min(asked["workers"], len(asked["units"] if self._divided else asked["tests"])))
        possible = self._descriptors.room_for(wanted, _DESCRIPTORS)
        if possible < wanted:
            text = f"{possible} workers at once instead of {wanted}: this process may open no more files (ulimit -n)"
            self._running_plugin.say(messages.notice(text))
        return possible

    def run(self, session: pytest.Session) -> bool:
        """What pytest's loop over the items does, in workers."""
        self._session = session
        self._items = session.items
        self._queue = Shares(self._units(), 1 if self._divided else self._limit)
        self._additions = Additions(session.config)
        self._running_plugin.learn(session.items, self._additions.has_told)
        forking.make_basetemp(session.config)
        work = Work(session, self._settings, self._running_plugin, self._wires, self._stacks)
        work.on_fork = self._descriptors.restore
        self._stop = work.stop
        self._nursery = Nursery(work, len(self._queue) if self._divided else self._limit)
        forking.become_controller(session.config, self._limit)
        judge_nothing(session.config)
        self._interruption.install()
        try:
            self._loop()
        finally:
            for worker in self._workers.values():
                _end_group(worker.pid)
            self._nursery.close()
            if self._divided or self._clean:
                Memory(self._settings.asked["preload"]).add(self._learned)
            self._interruption.give_back()
        forking.become_controller(session.config, min(self._limit, self._over_count))
        self._interruption.conclude()
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return True

    def _units(self) -> Iterator[list[int]]:
        """Positions of items that belong together."""
        if not self._divided:
            return groups(self._items, self._limit)
        positions = {self._running_plugin.id_of(str(item.nodeid)): number for number, item in enumerate(self._items)}
        return units(positions, self._settings.asked["units"])

    # ---------------------------------------------------------------------------------------------------- scheduling

    def _loop(self) -> None:
        self._fill()
        while self._workers:
            listened = {worker.results: worker for worker in self._workers.values() if worker.results is not None}
            nursery = self._nursery.fileno()
            ready = readable([nursery, *listened])
            for fd in ready - {nursery}:
                self._hear(listened[fd])
            if nursery in ready:
                self._on_news(self._nursery.news())
            elif not ready:
                self._look()
            self._fill()

    def _look(self) -> None:
        """Nothing has come for a while: what the system says of the processes themselves."""
        if not self._nursery.look():
            self._on_news(None)
        for worker in list(self._workers.values()):
            if worker.pid and worker.current is None and state(worker.pid) in ("T", "t"):
                _kill(worker.pid, signal.SIGCONT)  # with a test in flight its deadline decides

    def _stopping(self) -> bool:
        return bool(self._session.shouldfail or self._session.shouldstop or self._interruption.number)

    def _fill(self) -> None:
        if self._stopping():
            self._queue.clear()
            self._stop[0] = 1
        while self._queue and len(self._workers) < self._limit and self._ordered() < _MOST_ORDERED:
            number = next(number for number in range(self._limit) if number not in self._workers)
            unit = self._queue.take(number, self._has_resources)
            if unit is None:
                break
            self._start(number, unit)
        for worker in self._workers.values():  # only now: a second group for one is none for another
            self._order(worker)

    def _ordered(self) -> int:
        """Workers that the nursery was asked for, and that are not there yet."""
        return sum(not worker.pid for worker in self._workers.values())

    def _has_resources(self, unit: list[int], but: _Worker | None = None) -> bool:
        if not (self._divided or self._clean) or not self._capacities:
            return True
        used: dict[str, int] = {}
        for worker in self._workers.values():
            if worker is but:
                continue  # it runs one test after the other
            for name in {name for held in worker.units for name in self._resources(held)}:
                used[name] = used.get(name, 0) + 1
        return all(used.get(name, 0) < self._capacities.get(name, 1) for name in self._resources(unit))

    def _resources(self, unit: list[int]) -> set[str]:
        marks = (mark for position in unit for mark in self._items[position].iter_markers("resources"))
        return {str(name) for mark in marks for name in mark.args} - set(self._settings.asked["resources"])

    def _start(self, number: int, unit: list[int]) -> None:
        is_lone = self._clean and self._lone.next()
        if is_lone:
            unit, rest = unit[:1], unit[1:]
            if rest:
                self._queue.give_back(number, rest)
            self._expect_many()
        self._workers[number] = _Worker(number, unit)
        self._nursery.fork(number, unit if self._divided or is_lone else None, self._failures_left())

    def _expect_many(self) -> None:
        """Once: there will be a worker for nearly every test, and nobody knew."""
        if not self._expects_many:
            self._expects_many = True
            self._nursery.expect(sum(map(len, self._queue)))
            self._running_plugin.say(messages.notice(_NEARLY_NONE))

    def _failures_left(self) -> int:
        """How many more of them pytest's own limit allows; 0 where there is none."""
        limit = self._session.config.option.maxfail
        return max(1, limit - self._session.testsfailed) if limit else 0

    def _order(self, worker: _Worker) -> None:
        """Give a long-lived worker its next group, or word that there is none."""
        self._send(worker)
        while worker.orders is not None and len(worker.units) < _AHEAD and not worker.unsent and not worker.retired:
            unit = self._queue.take(worker.number, lambda unit: self._has_resources(unit, worker))
            if unit is None:
                _close(worker.orders)
                worker.orders = None
                return
            worker.units.append(unit)
            self._send(worker, unit)

    def _send(self, worker: _Worker, unit: list[int] | None = None) -> None:
        """Write what there is room for. Not more: a worker that waits for us to read would wait for ever."""
        if worker.orders is None:
            return
        if unit is not None:
            worker.unsent += json.dumps(unit).encode() + b"\n"
        try:
            while worker.unsent:
                del worker.unsent[: _write(worker.orders, worker.unsent)]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # it has died: we shall hear of it
            worker.unsent.clear()

    # ---------------------------------------------------------------------------------------------------------- news

    def _on_news(self, news: Forked | Ended | None) -> None:
        match news:
            case Forked():
                worker = self._workers[news.number]
                worker.pid, worker.results, worker.orders = news.pid, news.results, news.orders
                _set_blocking(news.results, False)
                if news.orders is not None:
                    _set_blocking(news.orders, False)
                self._interruption.forward(news.pid)
                self._send(worker, worker.units[0])
            case Ended():
                worker = next(worker for worker in self._workers.values() if worker.pid == news.pid)
                self._hear(worker)  # all that it has said is there; who holds the other end has nothing to say
                self._ended(worker, news.raw)
            case None:
                # A test has killed what it took for the process of its session. All workers are gone, and which one
                # it was nobody here can tell: the runner finds out, by running each of their tests alone.
                _kill(_getpid(), signal.SIGKILL)

    def _hear(self, worker: _Worker) -> None:
        while worker.results is not None:
            try:
                data = _read(worker.results, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                _close(worker.results)
                worker.results = None
                return
            worker.pending += data
            for fact in frames.complete(worker.pending):
                self._replay(worker, fact)

    def _replay(self, worker: _Worker, fact: frames.Fact) -> None:
        match fact:
            case frames.Began():
                self._began(worker, fact.position)
            case frames.Reported():
                report = frames.unpacked(self._session.config, fact.report)
                report.worker_id = worker.name  # type: ignore[attr-defined]
                self._items[fact.position].ihook.pytest_runtest_logreport(report=report)
            case frames.Ended():
                self._over(worker, fact.position)
            case frames.Warned():
                self._additions.warn(self._items[fact.position], fact.warning)
            case frames.XmlAdded():
                self._additions.add_to_xml(fact)
            case frames.Stopped():
                self._session.shouldstop = fact.reason
            case frames.Retired():
                worker.retired = True
                self._retired += 1
            case frames.Dying():
                worker.reason = fact.reason
            case frames.Broken():
                worker.broken = fact.text
            case frames.Imported():
                self._learn(fact.names)
            case frames.HandedOver():
                worker.output = fact.output
            case _:
                assert_never(fact)

    def _began(self, worker: _Worker, position: int) -> None:
        worker.current = position
        worker.begun += 1
        item = self._items[position]
        self._session.config.hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)

    def _over(self, worker: _Worker, position: int) -> None:
        worker.current = None
        worker.units[0].remove(position)
        if not worker.units[0]:
            worker.units.popleft()
        item = self._items[position]
        self._session.config.hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _learn(self, names: list[str]) -> None:
        """What one worker has imported the next one finds there, if there are enough of them to come."""
        new = [name for name in names if name not in self._learned]
        self._learned.update(dict.fromkeys(new))
        many = self._divided or self._retired > 1
        if new and many and len(self._queue) >= _WORTH_IT:
            self._nursery.preload(new)

    def _ended(self, worker: _Worker, raw: int) -> None:
        """It has finished, or it has died with a test in flight; ``raw`` is its status as the system has it."""
        del self._workers[worker.number]
        self._over_count += 1
        for fd in (worker.results, worker.orders):
            if fd is not None:
                _close(fd)
        _end_group(worker.pid)  # whatever it left behind
        status = os.waitstatus_to_exitcode(raw)
        if worker.current is not None:
            self._crashed(worker, worker.current, worker.reason or _death(status), status)
        name = f"gw{self._settings.asked['slot'] + worker.number}"
        given = forking.worker_input(self._settings.asked, name, self._limit)
        if worker.output is None:  # what it would have handed over nobody knows
            judge_a_part(self._session.config)
        self._additions.worker_ended(given, worker.output, _death(status) if status else "")
        left = [] if self._stopping() else [unit for unit in worker.units if unit]
        self._lone.saw(worker.begun, left=bool(left))
        if (
            (not left or worker.retired)
            and worker.current is None
            and status
            and not worker.reason
            and not self._interruption.number
        ):
            self._ended_badly(worker, status)
        if left and worker.current is None and status == 0 and self._divided:
            self._running_plugin.say(messages.worker_lost(worker.name, "it left without running its tests"))
        if left and worker.current is None and not worker.begun:
            self._leave_out_the_second_time(left[0])
        for unit in reversed(left):
            if unit:
                self._queue.give_back(worker.number, unit)

    def _ended_badly(self, worker: _Worker, status: int) -> None:
        """All its tests have their outcomes; what went wrong is a plugin's last hook, or an exit handler."""
        stacks = _taken(self._stacks[worker.number])
        if stacks:
            self._running_plugin.say(messages.left_behind(worker.name, "exit handlers", stacks))
        else:
            why = worker.broken or _death(status)
            self._running_plugin.say(messages.worker_lost(worker.name, f"{why}, after its last test"))

    def _leave_out_the_second_time(self, unit: list[int]) -> None:
        """A worker ended before its first test had begun. If it did so before, that test is what no worker comes past.

        It stays without an outcome here; the runner tries it once more, by itself.
        """
        position = unit[0]
        if position in self._not_begun:
            unit.remove(position)
        self._not_begun.add(position)

    def _crashed(self, worker: _Worker, position: int, reason: str, status: int) -> None:
        item = self._items[position]
        worker.units[0].remove(position)
        id = self._running_plugin.id_of(str(item.nodeid))
        self._running_plugin.say(messages.worker_died(id, worker.name, status, worker.reason))
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", reason, "call")
        hook = self._session.config.hook
        item.ihook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def _death(status: int) -> str:
    return f"its process was killed by signal {-status}" if status < 0 else f"its process exited with {status}"


def _taken(fd: int) -> str:
    """What a file holds, which is empty then."""
    text = _pread(fd, _MOST_STACKS, 0).decode("utf-8", "replace")
    _ftruncate(fd, 0)
    return text


def _end_group(pid: int) -> None:
    if pid:
        signal_group(pid, signal.SIGKILL)
