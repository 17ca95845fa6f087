"""A worker of a phase session: runs a unit, or the groups of tests that it is ordered to, and tells its session."""

from __future__ import annotations

import json
import mmap
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..collection import early_reads
from ..session.running import Running
from ..wire import messages
from ..wire.facts import Wire, plain
from ..wire.settings import Settings
from . import additions, descriptors, exits, forking, frames, preloading
from .reporters import leave_to_the_session

_getpid, _leave_now, _read, _write = os.getpid, os._exit, os.read, os.write
_THREAD_GRACE = 0.5  # seconds in which threads may still end by themselves


class Work:
    """What all workers of a session have in common is prepared once, before they are forked; `run` is one of them."""

    def __init__(
        self, session: pytest.Session, settings: Settings, running: Running, wires: list[Wire], stacks: list[int]
    ) -> None:
        self._session = session
        self._settings = settings
        self._running = running
        self._wires = wires
        self._stacks = stacks  # where a worker whose exit handlers do not end leaves its stacks
        self._results = -1
        self._pid = -1
        self._position = -1
        self._unsaid: list[bytes] = []
        self._before: frozenset[str] = frozenset()
        self._exit: exits.Exit | None = None
        self.on_fork: Callable[[], None] = lambda: None  # undoes what the session has changed for itself alone
        self.on_begin: Callable[[], None] = lambda: None  # gives a worker what the process that it is forked from took
        self._files: list[tuple[int, int]] = []  # open ones of the project's
        self.stop = mmap.mmap(-1, 1)  # one byte for all: not 0 when no test is to begin any more
        self.failures = 0  # after so many of them a worker stops; 0: it does not

    def prepare(self) -> None:
        """In the process that the workers are forked from: all that can be done ahead."""
        config = self._session.config
        forking.silence_junit(config)
        config.pluginmanager.unregister(name="terminalreporter")
        config.option.maxfail = 0  # the session counts, over all workers
        config.pluginmanager.register(self, "async-test-run-work")
        self._running.on_started = self._started
        self._unsaid.clear()  # warnings of the collection: pytest repeats them for every plugin that comes later
        additions.relay_xml(config, self._keep)
        leave_to_the_session(config)
        self._say_in_environment("PYTEST_XDIST_WORKER_COUNT", str(self._settings.asked["workers"]))
        self._say_in_environment("PYTEST_XDIST_TESTRUNUID", self._settings.asked["testrun_uid"])
        vars(config)["workeroutput"] = {}
        self._files = descriptors.shared(self._settings.run_directory, forking.own_files(config))

    def _say_in_environment(self, name: str, value: str) -> None:
        """What the project has read at import stays as it was: of several workers it would not be a fork."""
        if self._settings.asked["workers"] > 1 or not early_reads.any_noticed():
            os.environ[name] = value

    def settle(self) -> None:
        """In that process, before each fork: what is there now, no worker has imported."""
        if len(sys.modules) != len(self._before):
            self._before = preloading.loaded()

    def run(self, number: int, unit: list[int] | None, orders: int | None, results: int, parent: int) -> None:
        """Be worker ``number``: run a unit, or what is ordered until the orders end, and leave the process."""
        self._results = results
        self._pid = _getpid()
        status = 1
        try:
            self._begin(number, parent)
            self._items(iter(unit) if unit is not None else _ordered(orders))
            self._end(number)
            status = 0
        except BaseException as error:  # noqa: BLE001 - nothing may climb up into the session's own frames
            self._fail(error)
        finally:
            self._leave(number, status)

    def _begin(self, number: int, parent: int) -> None:
        config = self._session.config
        forking.detach(parent)
        self._exit = exits.Exit(forking.measuring(config) is not None)
        self.on_begin()
        self._let_go(number)
        self.on_fork()
        descriptors.separate(self._files)
        forking.fresh_output(config, None)
        forking.reseed()
        forking.own_basetemp(config, f"worker-{number}-{_getpid()}")
        worker = f"gw{self._settings.asked['slot'] + number}"
        self._say_in_environment("PYTEST_XDIST_WORKER", worker)
        vars(config)["workerinput"] = forking.worker_input(
            self._settings.asked, worker, self._settings.asked["workers"]
        )
        if self.failures:
            config.option.maxfail = self._session.testsfailed + self.failures
        self._running.become_worker(f"gw{number}", self._wires[number])

    def _let_go(self, number: int) -> None:
        """The files of all other workers: with a thousand of them nothing could be opened here."""
        for other, (wire, stacks) in enumerate(zip(self._wires, self._stacks, strict=True)):
            if other != number:
                wire.release()
                os.close(stacks)

    def _items(self, steps: Iterator[int]) -> None:
        items = self._session.items
        protocol = self._session.config.hook.pytest_runtest_protocol
        position = next(steps, None)
        while position is not None:
            following = next(steps, None)
            self._position = position
            if self._settings.asked["clean"]:
                forking.draw_anew()
            protocol(item=items[position], nextitem=items[following] if following is not None else None)
            self._keep(frames.Ended(position))
            if self._session.shouldstop:
                self._keep(frames.Stopped(str(self._session.shouldstop)))
            self._say()
            if self._session.shouldstop or self._session.shouldfail or self.stop[0]:
                break
            if following is not None and self._running.dirt:
                self._running.retire(str(items[position].nodeid))
                self._keep(frames.Retired(position))
                self._say()
                break
            position = following

    def _end(self, number: int) -> None:
        self._finish(0)
        self._keep(frames.HandedOver(additions.output(self._session.config)))
        if self._settings.asked["preload"]:
            self._keep(frames.Imported(preloading.installed(self._before)))
        self._say()
        self._say_what_stays(number)

    def _finish(self, status: int) -> None:
        """As pytest's own end: fixtures are torn down, plugins save what they have."""
        config = self._session.config
        config.hook.pytest_sessionfinish(session=self._session, exitstatus=status)
        forking.save_coverage(config)

    def _say_what_stays(self, number: int) -> None:
        """Threads that would keep a process from ending: this one leaves all the same."""
        others = [t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread()]
        for thread in others:
            thread.join(_THREAD_GRACE / len(others))  # one that is about to end is nothing to speak of
        threads = [thread.name for thread in others if thread.is_alive()]
        if threads:
            names = plain(", ".join(sorted(threads)[:5]))
            self._running.say(messages.left_behind(f"gw{number}", f"threads: {names}"))

    def _fail(self, error: BaseException) -> None:
        """Something ended the work from inside; for ``pytest.exit`` and Ctrl-C that is all there is to say."""
        if isinstance(error, KeyboardInterrupt | pytest.exit.Exception):
            said = f"{type(error).__name__}: {error}"
            self._keep(frames.Dying(f"it ended pytest's session before it was finished: {said}"))
            self._say()
            self._finish(int(pytest.ExitCode.INTERRUPTED))
            return
        self._keep(frames.Broken(plain(f"{type(error).__name__}: {error}")))
        self._say()
        traceback.print_exception(error)

    def _leave(self, number: int, status: int) -> None:
        """Without the end of an interpreter: modules, threads and objects are left as they are."""
        try:
            if self._exit is not None:
                self._exit.run(self._settings.asked["leak_timeout"], self._stacks[number])
        finally:
            forking.flush()
            _leave_now(status)

    # ---------------------------------------------------------------------------------------------------------- news

    def _started(self) -> None:
        """Said at once: a test that kills this process is known by it.

        The runner knows it before the session does: where a hook raises in the session at that word, it is the test's.
        """
        self._keep(frames.Began(self._position))
        self._say()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Kept until the test has finished. What of it the runner must know at once is on its way already."""
        self._keep(frames.Reported(self._position, frames.packed(self._session.config, report)))

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any
    ) -> None:
        """For the session's summary of warnings, and whoever else counts them."""
        warning = additions.warning(warning_message, when, nodeid, location)
        self._keep(frames.Warned(self._position, warning))

    def _keep(self, fact: frames.Fact) -> None:
        self._unsaid.append(frames.framed(fact))

    def _say(self) -> None:
        frame = memoryview(b"".join(self._unsaid))
        self._unsaid.clear()
        if _getpid() != self._pid:
            return  # a fork that a test has made, and that goes on with pytest: the worker speaks for itself
        while frame:
            frame = frame[_write(self._results, frame) :]


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
