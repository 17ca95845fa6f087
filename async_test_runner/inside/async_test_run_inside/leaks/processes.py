"""Child processes that a test has started and not waited for, and descendants that left for the runner."""

from __future__ import annotations

import os
import sys
from os import P_ALL, WEXITED, WNOHANG, WNOWAIT, getpgid, getpid, getsid, listdir, sysconf, waitid  # as they are now
from time import CLOCK_BOOTTIME, clock_gettime, monotonic, sleep

from .found import Leak

_SETTLE = 0.2  # seconds in which those that are about to end may do so
_OURS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")  # Python's own, until this process ends

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_LINUX = sys.platform.startswith("linux")


class Processes:
    """The children of this process; and those of the runner, to whom orphans are handed."""

    def __init__(self, runner: int, *, alone: bool) -> None:
        self._runner = runner
        self._alone = alone  # no sibling of this process runs tests at the same time
        self._known = set(_children(getpid())) if _LINUX and _has_children() else set()
        self._ended = _ended()
        self._since = clock_gettime(CLOCK_BOOTTIME) if _LINUX else 0.0
        self._told: set[int] = set()
        self.nodeid = ""

    def differs(self) -> bool:
        """Whether there is a child, or one has ended: a daemon leaves by a parent that ends."""
        if not _LINUX:
            return False
        return _has_children() or _ended() != self._ended

    def news(self, *, settle: bool) -> list[Leak]:
        """Processes that were not there."""
        known = self._known
        end = monotonic() + _SETTLE
        new = _living(_children(getpid()), known)
        while settle and new and monotonic() < end:
            sleep(0.01)
            new = _living(_children(getpid()), known)
        self._known = set(_children(getpid()))
        leaks = [_leak("child process", pid) for pid in new]
        if _ended() != self._ended:
            self._ended = _ended()
            leaks += [_leak("daemonised process", pid) for pid in self._deserters()]
        return leaks

    def _deserters(self) -> list[int]:
        orphans = set(_children(self._runner)) - self._told
        end = monotonic() + _SETTLE
        while not all(map(_is_alive, orphans)) and monotonic() < end:
            sleep(0.005)  # one that is ending hands over its own children only now
            orphans = set(_children(self._runner)) - self._told
        new = [pid for pid in sorted(orphans) if _born(pid) >= self._since and _is_alive(pid) and self._is_ours(pid)]
        self._told.update(new)
        return new

    def _is_ours(self, pid: int) -> bool:
        """By its group, by the test that stands in its environment, or because it can be nobody else's."""
        try:
            if getpgid(pid) == getpgid(0):
                return pid != getpid()
            strays = getsid(pid) != getsid(self._runner)
        except OSError:
            return False
        marks = [
            part for part in _read(f"/proc/{pid}/environ").split(b"\0") if part.startswith(b"PYTEST_CURRENT_TEST=")
        ]
        if marks:
            return bool(self.nodeid) and marks[0].partition(b"=")[2].startswith(os.fsencode(self.nodeid) + b" ")
        return strays and self._alone


def _has_children() -> bool:
    try:
        waitid(P_ALL, 0, WEXITED | WNOHANG | WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _ended() -> object:
    """Changes whenever a child that had ended was waited for."""
    return resource.getrusage(resource.RUSAGE_CHILDREN) if resource is not None else 0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        tasks = listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for task in tasks:
        found += [int(child) for child in _read(f"/proc/{pid}/task/{task}/children").split()]
    return found


def _living(pids: list[int], known: set[int]) -> list[int]:
    """Those that are not known and not dead; Python's own are no test's."""
    new = [pid for pid in sorted(set(pids) - known) if _is_alive(pid)]
    return [pid for pid in new if not any(name in _command(pid) for name in _OURS)]


def _born(pid: int) -> float:
    """When it started, in seconds since the system did."""
    fields = _status(pid)
    return (int(fields[19]) + 1) / sysconf("SC_CLK_TCK") if len(fields) > 19 else 0.0


def _is_alive(pid: int) -> bool:
    """Still there, and not only its status, for which nobody has asked yet."""
    return _status(pid)[:1] not in ([], [b"Z"], [b"X"])


def _status(pid: int) -> list[bytes]:
    """The fields of ``/proc/…/stat`` after the name, which may hold anything: the state is the first."""
    return _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def _command(pid: int) -> str:
    return _read(f"/proc/{pid}/cmdline").replace(b"\0", b" ").decode("utf-8", "backslashreplace").strip()


def _leak(what: str, pid: int) -> Leak:
    return Leak("processes", f"{what} {pid}: {_command(pid)}", "", lambda: not _is_alive(pid) or _is_detached(pid))


def _is_detached(pid: int) -> bool:
    """In a session of its own: what a fixture starts like that, a server for example, is meant to outlive it."""
    try:
        return getsid(pid) != getsid(0)
    except OSError:
        return True


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
