"""The warm way: one pytest process collects, and forks a session for each job that it is given.

The fork happens inside ``pytest_runtestloop``, so a session *is* pytest continuing: its hook returns, the next one runs
the tests that were selected, and the session ends as any does. The host itself runs no test.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from . import forking
from .running import Running
from .settings import Settings, load
from .wire import Wire

Loop = Callable[[pytest.Session], bool]


class Hosting:
    """Waits, after the collection, for jobs on the descriptor that was its standard input; one line names one job."""

    def __init__(self, settings: Settings, wire: Wire) -> None:
        self._settings = settings
        self._wire = wire
        self._control = _taken_from_stdin()
        self._children: dict[int, str] = {}
        self._baseline = forking.sockets()
        self._pending = b""
        self._loop: Loop | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """True ends the host; in a session that was forked, None lets pytest's own loop (or `pool`) run the tests."""
        if session.config.option.collectonly:
            return None
        self._wire.send("hosting", unsafe=forking.unsafe(session.config, self._baseline))
        gc.collect()
        gc.freeze()
        return self._serve(session)

    def _serve(self, session: pytest.Session) -> bool | None:
        wakeup, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        open_for_jobs = True
        while open_for_jobs or self._children:
            wanted = [wakeup, *([self._control] if open_for_jobs else [])]
            ready, _, _ = select.select(wanted, [], [])
            if wakeup in ready:
                os.read(wakeup, 4096)
            self._reap()
            if self._control in ready:
                data = os.read(self._control, 65536)
                open_for_jobs = bool(data)
                *lines, self._pending = (self._pending + data).split(b"\n")
                for line in lines:
                    if self._fork(json.loads(line), session, (wakeup, waker, self._control)):
                        return self._loop(session) if self._loop is not None else None
        return True

    def _fork(self, job: dict[str, Any], session: pytest.Session, ours: tuple[int, ...]) -> bool:
        """True in the child, which is the session of the job from now on."""
        sys.stdout.flush()
        sys.stderr.flush()
        host = os.getpid()
        pid = os.fork()
        if pid:
            forking.lead_group(pid)
            self._children[pid] = str(job["process"])
            self._wire.send("forked", process=job["process"], pid=pid)
            return False
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd in ours:
            os.close(fd)
        self._loop = _become_session(session, load(str(job["settings"])), host)
        return True

    def _reap(self) -> None:
        for pid, process in list(self._children.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                del self._children[pid]
                self._wire.send("exited", process=process, status=os.waitstatus_to_exitcode(status))


def _taken_from_stdin() -> int:
    """The control channel, out of reach of the code that is collected; nothing is left on descriptor 0."""
    control = os.dup(0)
    os.set_inheritable(control, False)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return control


def _become_session(session: pytest.Session, settings: Settings, host: int) -> Loop | None:
    """In the child: everything that a fresh process would have of its own, and the selection of the job.

    Returns the loop that runs the tests, None for pytest's own.
    """
    config = session.config
    forking.detach(host)
    forking.fresh_output(config, os.path.join(settings.directory, "output.log"))
    forking.reseed()
    for name in ("async-test-run-hosting", "async-test-run-collecting"):
        config.pluginmanager.unregister(name=name)
    config.option.maxfail = settings["maxfail"]
    config.option.continue_on_collection_errors = True
    forking.restart_junit(config, settings["junit"])
    running = Running(settings)
    config.pluginmanager.register(running, "async-test-run-running")  # calls its pytest_configure
    running.select(config, session.items)
    session.testscollected = len(session.items)
    if settings["workers"] == 1 and not settings["divided"]:
        return None  # pytest's own loop, in this process
    from .pool import Pool

    return Pool(settings, running).run
