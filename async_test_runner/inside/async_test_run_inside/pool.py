"""Workers of a phase session: forks that run units, and whose reports pass through the session's own hooks.

A divided phase has a worker per unit. An undivided one has long-lived workers that pull groups of tests, in their
order, and know the next item, so that fixtures of every scope are set up and torn down once a worker.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import signal
import struct
import sys
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from . import forking
from .running import Running
from .settings import Settings
from .wire import Wire, plain

# Tests replace functions of the os module, and forget to put them back.
_close, _getpid, _pipe, _read, _waitpid, _write = os.close, os.getpid, os.pipe, os.read, os.waitpid, os.write
_fork, _killpg, _leave_now, _select = os.fork, os.killpg, os._exit, select.select
_HEAD = struct.Struct(">Q")  # the length of what follows
_THREAD_GRACE = 0.5  # seconds in which threads may still end by themselves
_LOOK = 0.2  # seconds between two looks at workers that are silent

_SLICE = 25  # tests in a slice, at most
_SHARES = 8  # slices per worker, at least, so that none idles long at the end
_AHEAD = 2  # groups that a worker knows of: the one that it runs, and the next


class _Worker:
    """A forked worker as its session sees it."""

    def __init__(self, pid: int, number: int, results: int, orders: int | None) -> None:
        self.pid = pid
        self.number = number
        self.name = f"gw{number}"
        self.results = results
        self.orders = orders
        self.units: deque[list[int]] = deque()  # ordered and not finished
        self.current: int | None = None
        self.reason = ""  # what it said of its own end
        self.pending = bytearray()


class Pool:
    """Runs the items of a session in workers."""

    def __init__(self, settings: Settings, running: Running) -> None:
        self._settings = settings
        self._running_plugin = running
        self._divided = bool(settings["divided"])
        self._limit = int(settings["workers"])
        self._capacities: dict[str, int] = dict(settings["capacities"])
        self._workers: dict[int, _Worker] = {}  # by descriptor of its results
        # opened before any test can delete the directory
        self._wires = [
            Wire(os.path.join(settings.directory, f"events.gw{number}.jsonl")) for number in range(self._limit)
        ]
        running.silence()

    def run(self, session: pytest.Session) -> bool:
        """What pytest's loop over the items does, in workers."""
        self._session = session
        self._items = session.items
        self._queue = deque(self._units())
        forking.make_basetemp(session.config)
        try:
            self._loop()
        finally:
            for worker in self._workers.values():
                _kill(worker.pid)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return True

    def _units(self) -> Iterator[list[int]]:
        """Positions of items that belong together."""
        positions = {self._running_plugin.id_of(str(item.nodeid)): number for number, item in enumerate(self._items)}
        if not self._divided:
            yield from groups(self._items, self._limit)
            return
        for unit in self._settings["units"]:
            found = sorted(positions[id] for id in unit if id in positions)
            if found:
                yield found

    # ---------------------------------------------------------------------------------------------------- scheduling

    def _loop(self) -> None:
        self._fill()
        while self._workers:
            ready, _, _ = _select(list(self._workers), [], [], _LOOK)
            for fd in ready:
                self._hear(self._workers[fd])
            if not ready:
                self._look()
            self._fill()

    def _look(self) -> None:
        """A worker that has died while something it left behind holds its end of the pipe says no goodbye."""
        for worker in list(self._workers.values()):
            pid, raw = _waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            _kill(worker.pid)  # also the one that holds the pipe: what it could write is none of the worker's
            while _select([worker.results], [], [], 0)[0]:
                data = _read(worker.results, 1 << 16)
                if not data:
                    break
                self._take(worker, data)
            self._ended(worker, raw)

    def _stopping(self) -> bool:
        return bool(self._session.shouldfail or self._session.shouldstop)

    def _fill(self) -> None:
        if self._stopping():
            self._queue.clear()
        for worker in list(self._workers.values()):
            self._order(worker)
        while self._queue and len(self._workers) < self._limit:
            unit = self._next_unit()
            if unit is None:
                return
            self._start(unit)

    def _next_unit(self) -> list[int] | None:
        for unit in self._queue:
            if self._has_resources(unit):
                self._queue.remove(unit)
                return unit
        return None

    def _has_resources(self, unit: list[int]) -> bool:
        if not self._divided or not self._capacities:
            return True
        used: dict[str, int] = {}
        for worker in self._workers.values():
            for name in {name for units in worker.units for name in self._resources(units)}:
                used[name] = used.get(name, 0) + 1
        return all(used.get(name, 0) < self._capacities.get(name, 1) for name in self._resources(unit))

    def _resources(self, unit: list[int]) -> set[str]:
        marks = (mark for position in unit for mark in self._items[position].iter_markers("resources"))
        return {str(name) for mark in marks for name in mark.args} - set(self._settings["resources"])

    def _order(self, worker: _Worker) -> None:
        """Give a long-lived worker its next group, or word that there is none."""
        while worker.orders is not None and len(worker.units) < _AHEAD:
            if not self._queue:
                _close(worker.orders)
                worker.orders = None
                return
            self._send(worker, self._queue.popleft())

    def _send(self, worker: _Worker, unit: list[int]) -> None:
        worker.units.append(unit)
        if worker.orders is not None:
            try:
                _write(worker.orders, json.dumps(unit).encode() + b"\n")
            except BrokenPipeError:  # it has died: its results will say so
                pass

    # --------------------------------------------------------------------------------------------------------- forks

    def _start(self, unit: list[int]) -> None:
        number = next(n for n in range(self._limit) if all(w.number != n for w in self._workers.values()))
        results, results_in = _pipe()
        orders_out, orders = (None, None) if self._divided else _pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        parent = _getpid()
        pid = _fork()
        if pid == 0:
            status = 1
            work = _Work(self._session, self._settings, self._running_plugin, number, self._wires[number], results_in)
            try:
                _close(results)
                if orders is not None:
                    _close(orders)
                for other in self._workers.values():  # an end of a pipe that we hold keeps its reader waiting
                    _close(other.results)
                    if other.orders is not None:
                        _close(other.orders)
                work.run(unit if orders_out is None else None, orders_out, parent)
                status = 0
            except BaseException as error:  # noqa: BLE001 - nothing may climb up into the session's own frames
                work.fail(error)
            finally:
                _leave(status)
        forking.lead_group(pid)
        _close(results_in)
        if orders_out is not None:
            _close(orders_out)
        worker = _Worker(pid, number, results, orders)
        self._workers[results] = worker
        self._send(worker, unit)
        self._order(worker)

    # ------------------------------------------------------------------------------------------------------- reports

    def _hear(self, worker: _Worker) -> None:
        data = _read(worker.results, 1 << 16)
        if not data:
            self._ended(worker, _waitpid(worker.pid, 0)[1])
            return
        self._take(worker, data)

    def _take(self, worker: _Worker, data: bytes) -> None:
        pending = worker.pending
        pending += data
        while len(pending) >= _HEAD.size:
            end = _HEAD.size + _HEAD.unpack_from(pending)[0]
            if len(pending) < end:
                return
            fact = pickle.loads(memoryview(pending)[_HEAD.size : end].tobytes())  # noqa: S301 - of a fork of this process
            del pending[:end]
            self._replay(worker, *fact)

    def _replay(self, worker: _Worker, kind: str, position: int, data: Any) -> None:
        if kind == "stop":
            self._session.shouldstop = data
            return
        if kind == "death":
            worker.reason = data
            return
        item = self._items[position]
        hook = self._session.config.hook
        if kind == "start":
            worker.current = position
            hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        elif kind == "report":
            report = hook.pytest_report_from_serializable(config=self._session.config, data=data)
            report.worker_id = worker.name
            item.ihook.pytest_runtest_logreport(report=report)
        else:
            worker.current = None
            worker.units[0].remove(position)
            if not worker.units[0]:
                worker.units.popleft()
            hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)

    def _ended(self, worker: _Worker, raw: int) -> None:
        """It has finished, or it has died with a test in flight; ``raw`` is its status as the system has it."""
        del self._workers[worker.results]
        _close(worker.results)
        if worker.orders is not None:
            _close(worker.orders)
        _kill(worker.pid)  # whatever it left behind in its group
        status = os.waitstatus_to_exitcode(raw)
        if worker.current is not None:
            self._crashed(worker, worker.current, worker.reason or _death(status), status)
        left = [unit for unit in worker.units if unit]
        if left and worker.current is None and status == 0 and self._divided:
            self._running_plugin.say("worker_lost", worker=worker.name, text="it left without running its tests")
        for unit in reversed(left):
            self._queue.appendleft(unit)

    def _crashed(self, worker: _Worker, position: int, reason: str, status: int) -> None:
        item = self._items[position]
        worker.units[0].remove(position)
        self._running_plugin.say(
            "worker_died",
            id=self._running_plugin.id_of(str(item.nodeid)),
            worker=worker.name,
            status=status,
            reason=worker.reason,
        )
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", reason, "call")
        hook = self._session.config.hook
        item.ihook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def groups(items: list[pytest.Item], workers: int) -> Iterator[list[int]]:
    """Positions in groups for one worker each: a file or a class where it has fixtures of that scope, else a slice."""
    size = max(1, min(_SLICE, len(items) // (workers * _SHARES)))
    scopes = [_scope(item) for item in items]
    group: list[int] = []
    for position, scope in enumerate(scopes):
        if group and (scope != scopes[position - 1] or (not scope and len(group) >= size)):
            yield group
            group = []
        group.append(position)
    if group:
        yield group


def _scope(item: pytest.Item) -> str:
    """The node whose tests must stay together with this one; empty when none must."""
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return str(item.nodeid).partition("::")[0]
    found = {str(definition.scope) for definitions in info.name2fixturedefs.values() for definition in definitions}
    if found & {"package", "module"}:
        return str(item.nodeid).partition("::")[0]
    parent = item.getparent(pytest.Class)
    return str(parent.nodeid) if "class" in found and parent is not None else ""


class _Work:
    """The worker itself, after the fork."""

    def __init__(
        self, session: pytest.Session, settings: Settings, running: Running, number: int, wire: Wire, results: int
    ) -> None:
        self._session = session
        self._settings = settings
        self._running = running
        self._number = number
        self._wire = wire
        self._results = results
        self._position = -1

    def run(self, unit: list[int] | None, orders: int | None, parent: int) -> None:
        """Run a unit, or what is ordered until the orders end; leaves with everything saved and torn down."""
        config = self._session.config
        name = f"gw{self._number}"
        forking.detach(parent)
        forking.fresh_output(config, None)
        forking.reseed()
        forking.own_basetemp(config, f"worker-{self._number}-{_getpid()}")
        forking.restart_junit(config, "")
        config.pluginmanager.unregister(name="terminalreporter")
        slot = int(self._settings["slot"]) + self._number
        os.environ["PYTEST_XDIST_WORKER"] = f"gw{slot}"
        os.environ["PYTEST_XDIST_WORKER_COUNT"] = str(self._settings["workers"])
        vars(config)["workerinput"] = forking.worker_input(self._settings, f"gw{slot}", int(self._settings["workers"]))
        vars(config)["workeroutput"] = {}
        config.option.maxfail = 0  # the session counts, over all workers
        self._running.become_worker(name, self._wire)
        config.pluginmanager.register(self, "async-test-run-work")
        steps = iter(unit) if unit is not None else _ordered(orders)
        position = next(steps, None)
        while position is not None:
            following = next(steps, None)
            self._position = position
            item = self._session.items[position]
            nextitem = self._session.items[following] if following is not None else None
            config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            self._tell("finish")
            if self._session.shouldstop:
                self._tell("stop", str(self._session.shouldstop))
                break
            position = following
        config.hook.pytest_sessionfinish(session=self._session, exitstatus=0)
        forking.save_coverage(config)
        self._say_what_stays()

    def _say_what_stays(self) -> None:
        """Threads that would keep a process from ending: this one leaves all the same."""
        others = [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
        for thread in others:
            thread.join(_THREAD_GRACE / len(others))  # one that is about to end is nothing to speak of
        threads = [thread.name for thread in others if thread.is_alive()]
        if threads:
            names = plain(", ".join(sorted(threads)[:5]))
            self._running.say("left_behind", worker=f"gw{self._number}", what=f"threads: {names}")

    def fail(self, error: BaseException) -> None:
        """Something ended the work from inside; for ``pytest.exit`` and Ctrl-C that is all there is to say."""
        if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
            self._tell("death", f"it ended pytest's session before it was finished: {type(error).__name__}: {error}")
            return
        import traceback

        traceback.print_exception(error)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self._tell("start")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        config = self._session.config
        self._tell("report", config.hook.pytest_report_to_serializable(config=config, report=report))

    def _tell(self, kind: str, data: Any = None) -> None:
        frame = memoryview(_framed(kind, self._position, data))
        while frame:
            frame = frame[_write(self._results, frame) :]


def _framed(kind: str, position: int, data: Any) -> bytes:
    """Pickled, not JSON: a report must arrive with its tuples. What a test put into its properties may be anything."""
    try:
        payload = pickle.dumps((kind, position, data))
    except Exception:  # noqa: BLE001 - whatever an object of a test does
        properties = [(str(name), str(value)) for name, value in data.get("user_properties", ())]
        payload = pickle.dumps((kind, position, {**data, "user_properties": properties}))
    return _HEAD.pack(len(payload)) + payload


def _ordered(orders: int | None) -> Iterator[int]:
    """Positions as they are ordered, until the other end closes."""
    assert orders is not None
    pending = b""
    while True:
        data = _read(orders, 1 << 16)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            yield from json.loads(line)


def _death(status: int) -> str:
    return f"its process was killed by signal {-status}" if status < 0 else f"its process exited with {status}"


def _kill(pid: int) -> None:
    try:
        _killpg(pid, signal.SIGKILL)
    except OSError:
        pass


def _leave(status: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    _leave_now(status)
