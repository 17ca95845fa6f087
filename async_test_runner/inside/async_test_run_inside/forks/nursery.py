"""The process that a phase session forks its workers from: prepared once, and then at rest until it is asked to fork.

The session itself replays reports all the time. Workers forked from it would copy what it writes, page by page; forked
from a process at rest they copy only what they write themselves.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
from collections.abc import Callable
from typing import NamedTuple, TypedDict, final

from ..wire.lifeline import tie_to_parent
from . import forking, freezing, hugepages
from .forkserver import ForkServer
from .interrupting import Interruption
from .polling import state, writable
from .preloading import Preloader
from .worker import Work

_close, _fork, _getpid, _kill, _leave_now, _pipe = os.close, os.fork, os.getpid, os.kill, os._exit, os.pipe
_socketpair, _send_fds, _recv_fds = socket.socketpair, socket.send_fds, socket.recv_fds

_STOPPED = ("T", "t")
_GONE = ("", "Z", "X")
_NEWS = struct.Struct(">cxxxiii")  # kind, number of the worker, process id, status
_FORKED, _ENDED = b"f", b"e"


@final
class _Fork(TypedDict):
    """An order: a worker of this number, for one unit, or (None) one that takes orders itself.

    After so many ``failures`` it stops by itself; 0: it does not.
    """

    fork: int
    unit: list[int] | None
    failures: int


@final
class _Preload(TypedDict):
    """An order: have these modules imported before the next fork."""

    preload: list[str]


@final
class _Expect(TypedDict):
    """An order: there will be so many forks, more than were known of."""

    expect: int


class Forked(NamedTuple):
    """A worker has begun: the ends of its pipes that are the session's."""

    number: int
    pid: int
    results: int
    orders: int | None


class Ended(NamedTuple):
    """A worker has ended; ``raw`` is its status as the system has it."""

    pid: int
    raw: int


class Nursery:
    """The session's end of it."""

    def __init__(self, work: Work, forks: int) -> None:
        """Fork it. ``forks`` is how many workers there will probably be: many make more preparation worth while."""
        forking.flush()
        ours, theirs = _socketpair()
        session = _getpid()
        self.pid = _fork()
        if self.pid == 0:
            status = 1
            try:
                ours.close()
                _Server(theirs, work, session).serve(forks)
                status = 0
            finally:
                _leave_now(status)
        theirs.close()
        self._socket = ours

    def fileno(self) -> int:
        """For ``select``."""
        return self._socket.fileno()

    def fork(self, number: int, unit: list[int] | None, failures: int) -> None:
        """Ask for a worker: for one unit, or one that takes orders. `news` says when it is there."""
        self._send({"fork": number, "unit": unit, "failures": failures})

    def preload(self, names: list[str]) -> None:
        """Have these modules imported before the next fork."""
        self._send({"preload": names})

    def expect(self, forks: int) -> None:
        """Say that there will be so many more: preparation is worth while now."""
        self._send({"expect": forks})

    def _send(self, order: _Fork | _Preload | _Expect) -> None:
        """A process that is stopped takes nothing: it is looked at while there is no room for the order."""
        data = memoryview(json.dumps(order).encode() + b"\n")
        while data:
            try:
                data = data[self._socket.send(data, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                if not writable(self._socket.fileno()) and not self.look():
                    return
            except ConnectionError:
                return  # it is gone: `news` says so

    def look(self) -> bool:
        """Whether the process is there. One that somebody has stopped goes on; a test may have taken it for its own."""
        found = state(self.pid)
        if found in _STOPPED:
            _kill(self.pid, signal.SIGCONT)
        return found not in _GONE

    def news(self) -> Forked | Ended | None:
        """The next piece of news, waiting for it; None when the process is gone."""
        try:
            data, fds, _, _ = _recv_fds(self._socket, _NEWS.size, 2)
        except ConnectionError:
            return None
        if len(data) < _NEWS.size:
            return None
        kind, number, pid, raw = _NEWS.unpack(data)
        if kind == _ENDED:
            return Ended(pid, raw)
        return Forked(number, pid, fds[0], fds[1] if len(fds) > 1 else None)

    def close(self) -> None:
        """No more workers: the process ends when the last one has."""
        self._socket.close()


class _Server:
    """The process itself."""

    def __init__(self, channel: socket.socket, work: Work, session: int) -> None:
        tie_to_parent(session)
        self._deaf = Interruption(list)  # signals are for those that run tests, and for the session that watches them
        self._deaf.install()
        self._channel = channel
        self._work = work
        self._forks = ForkServer(channel.fileno(), self._ended)
        self._begin: Callable[[], None] = lambda: None
        self._preloader = Preloader()

    def serve(self, forks: int) -> None:
        """Prepare, then fork until the session hangs up; in a worker, be that worker."""
        self._work.prepare()
        freezing.freeze()
        hugepages.collapse(forks)
        if self._forks.serve(self._obey):
            self._begin()

    def _obey(self, order: bytes) -> None:
        wanted: _Fork | _Preload | _Expect = json.loads(order)
        if "preload" in wanted:
            self._preloader.load(wanted["preload"])
            freezing.freeze()
        elif "expect" in wanted:
            hugepages.collapse(wanted["expect"])
        else:
            self._fork(wanted)

    def _fork(self, wanted: _Fork) -> None:
        number, unit = wanted["fork"], wanted["unit"]
        results, results_in = _pipe()
        orders_out, orders = (None, None) if unit is not None else _pipe()
        self._work.settle()
        pid = self._forks.fork()
        mine = [fd for fd in (results_in, orders_out) if fd is not None]
        theirs = [fd for fd in (results, orders) if fd is not None]
        if pid == 0:
            for fd in theirs:
                _close(fd)
            self._channel.detach()  # closed already, with all that is the server's own
            self._work.on_begin = self._deaf.give_back
            self._work.failures = wanted["failures"]
            self._begin = lambda: self._work.run(number, unit, orders_out, results_in, self._forks.parent)
            return
        forking.lead_group(pid)
        self._tell(_FORKED, number, pid, 0, theirs)
        for fd in (*mine, *theirs):
            _close(fd)

    def _ended(self, pid: int, raw: int) -> None:
        self._tell(_ENDED, 0, pid, raw, [])

    def _tell(self, kind: bytes, number: int, pid: int, raw: int, fds: list[int]) -> None:
        try:
            _send_fds(self._channel, [_NEWS.pack(kind, number, pid, raw)], fds)
        except (BrokenPipeError, ConnectionError):
            pass  # the session is gone, and its workers end with this process
