"""The warm way: one pytest process collects, and forks a session for each job that it is given.

The fork happens inside ``pytest_runtestloop``, so a session *is* pytest continuing: its hook returns, the next one runs
the tests that were selected, and the session ends as any does. The host itself runs no test.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator
from typing import Any

import pytest

from ..collection import early_reads, run_options
from ..hangs.asking import preload
from ..session.lastfailed import LastFailed
from ..session.running import Running
from ..wire import messages
from ..wire.contract import Order
from ..wire.facts import Wire
from ..wire.settings import Settings, load
from . import descriptors, exits, forking, freezing
from .forkserver import ForkServer
from .pool import Pool
from .preloading import Memory, Preloader
from .reporters import hold_back, leave_to_the_host, leave_to_the_sessions, tell_selection

Loop = Callable[[pytest.Session], bool]


class Hosting:
    """Waits, after the collection, for jobs on the descriptor that was its standard input; one line names one job."""

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self._settings = settings
        self._wire = wire
        self._control = _taken_from_stdin()
        self._children: dict[int, str] = {}
        self._baseline = forking.sockets()
        self._loop: Loop | None = None
        self._preloader = Preloader()
        self._held: list[Any] = []
        freezing.answer_truly()
        early_reads.watch()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config) -> Generator[None, Any, Any]:
        """Every conftest is there by now, and pytest is about to say that the collection has finished."""
        result = yield
        self._held = hold_back(config)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """True ends the host; in a session that was forked, None lets pytest's own loop (or `pool`) run the tests."""
        if session.config.option.collectonly:
            return None
        self._wire.send(messages.hosting(*self._obstacles(session.config)))
        preload()
        descriptors.flush_all(self._settings.run_directory)
        freezing.freeze()
        return self._serve(session)

    def _obstacles(self, config: pytest.Config) -> tuple[list[str], list[str]]:
        early_reads.stop()
        return forking.unsafe(config, self._baseline), early_reads.noticed(str(config.rootpath))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """The host has seen no test: what its sessions left in pytest's memory of failures is not its to change."""
        with LastFailed(self._settings.directory).merged(session.config, is_worker=False):
            return (yield)

    def _serve(self, session: pytest.Session) -> bool | None:
        self._forks = ForkServer(self._control, self._ended)
        if not self._forks.serve(lambda order: self._fork(json.loads(order), session)):
            leave_to_the_sessions(session.config)
            return True
        return self._loop(session) if self._loop is not None else None

    def _fork(self, job: Order, session: pytest.Session) -> None:
        """In the child this process is the session of the job from now on."""
        settings = load(job["settings"])
        if settings.asked["divided"] or settings.asked["clean"]:
            self._preloader.load(Memory(settings.asked["preload"]).read())
            freezing.freeze()
        pid = self._forks.fork()
        if pid == 0:
            self._loop = _become_session(session, settings, self._forks.parent, self._held)
            return
        forking.lead_group(pid)
        self._children[pid] = job["process"]
        self._wire.send(messages.forked(job["process"], pid))

    def _ended(self, pid: int, raw: int) -> None:
        self._wire.send(messages.exited(self._children.pop(pid), os.waitstatus_to_exitcode(raw)))


def _taken_from_stdin() -> int:
    """The control channel, out of reach of the code that is collected; nothing is left on descriptor 0."""
    control = os.dup(0)
    os.set_inheritable(control, False)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return control


def _become_session(session: pytest.Session, settings: Settings, host: int, held: list[Any]) -> Loop | None:
    """In the child: everything that a fresh process would have of its own, and the selection of the job.

    Returns the loop that runs the tests, None for pytest's own.
    """
    config = session.config
    forking.detach(host)
    exits.forget()
    descriptors.separate(descriptors.shared(settings.run_directory, forking.own_files(config)))
    forking.fresh_output(config, os.path.join(settings.directory, "output.log"))
    forking.reseed()
    for name in ("async-test-run-hosting", "async-test-run-collecting", "async-test-run-collects-only"):
        config.pluginmanager.unregister(name=name)
    leave_to_the_host(config)
    config.option.maxfail = settings.asked["maxfail"]
    config.option.continue_on_collection_errors = True
    forking.restart_junit(config, settings.asked["junit"])
    run_options.renew_basetemp(config, settings)
    running = Running(settings)
    config.pluginmanager.register(running, "async-test-run-running")  # calls its pytest_configure
    running.select(config, session.items)
    session.testscollected = len(session.items)
    tell_selection(session, held)
    session.testsfailed = 0  # files that could not be collected: the collection has told of them
    if settings.asked["workers"] == 1 and not settings.asked["divided"] and not settings.asked["clean"]:
        return None  # pytest's own loop, in this process
    return Pool(settings, running).run
