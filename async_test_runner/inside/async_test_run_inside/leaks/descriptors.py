"""Sockets, files and pipes that are still open after a test.

The number of open descriptors costs one system call on Linux since 6.2; older systems are asked for the lowest that are
free, which a descriptor that was left nearly always takes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Mapping
from os import close, dup, fstat, getpid, listdir, readlink  # as they are now: tests put others in their places
from os import open as open_

from .found import Leak, shown

with contextlib.suppress(ImportError):
    import fcntl

_HIGH = 200
_FREE = 4  # free descriptors that are looked at where they cannot be counted
_ANYBODYS = ("/dev/urandom", "/dev/random", "/dev/null")
_Socket = socket.socket
Identity = tuple[int, int, int]  # descriptor, device, inode


class Descriptors:
    """The open descriptors of this process; files below ``directory`` are the runner's own."""

    def __init__(self, directory: str) -> None:
        self._directory = os.path.join(os.path.realpath(directory), "")
        self._look = _counter()
        self._begin()

    def renew(self) -> None:
        """In a fork: other descriptors are open, and what is open now is nobody's."""
        if isinstance(self._look, _Counter):
            self._look.renew()
        self._begin()

    def _begin(self) -> None:
        self._looked = self._look()  # first: it may open a descriptor of its own
        self._known = _open()

    def differs(self) -> bool:
        """Whether the number of open descriptors is another."""
        return self._look() != self._looked

    def news(
        self,
        *,
        is_excused: Callable[[int, str], bool] = lambda fd, target: False,
        places: Mapping[int, str] | None = None,
    ) -> list[Leak]:
        """Descriptors that were not there, but for those of something that lives longer; ``places`` made some."""
        self._looked = self._look()
        now = _open()
        new = sorted(identity for identity in now - self._known)
        self._known = now
        loggers = _log_streams() if new else set()
        leaks = []
        for fd, device, inode in new:
            target = _target(fd)
            if fd in loggers or self._is_ours(target) or is_excused(fd, target):
                continue
            leaks.append(
                Leak("descriptors", _described(fd, target), (places or {}).get(fd, ""), _gone((fd, device, inode)))
            )
        return leaks

    def _is_ours(self, target: str) -> bool:
        counting = target == f"/proc/{getpid()}/fd"
        return not target or counting or target in _ANYBODYS or target.startswith(self._directory)


def _gone(identity: Identity) -> Callable[[], bool]:
    return lambda: _identity(identity[0]) != identity


class _Counter:
    """The number of open descriptors, from an open ``/proc/self/fd``: a fourth of what asking by the path costs."""

    def __init__(self) -> None:
        self._fd = -1
        self.works = self() == len(listdir("/proc/self/fd")) - 1  # listing them takes one more

    def __call__(self) -> object:
        try:
            return fstat(self._fd).st_size
        except OSError:  # not opened yet, or closed by a test
            self._fd = _raised(open_("/proc/self/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
            return fstat(self._fd).st_size

    def renew(self) -> None:
        """What is open counts the descriptors of the process that opened it."""
        with contextlib.suppress(OSError):
            close(self._fd)
        self._fd = -1


def _raised(fd: int) -> int:
    """The same out of the way of tests that count on the lowest free descriptors."""
    high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    close(fd)
    return high


def _counter() -> Callable[[], object]:
    with contextlib.suppress(OSError, AttributeError, NameError):
        counter = _Counter()
        if counter.works:
            return counter
    return _lowest_free


def _lowest_free() -> object:
    free: list[int] = []
    try:
        for _ in range(_FREE):
            free.append(dup(free[-1] if free else 2))
    except OSError:  # nothing on descriptor 2, or none is left
        pass
    for fd in free:
        close(fd)
    return free


def _open() -> set[Identity]:
    try:
        names = listdir("/proc/self/fd")
    except OSError:
        names = [str(fd) for fd in range(256)]
    found = (_identity(int(name)) for name in names)
    return {identity for identity in found if identity is not None}


def _identity(fd: int) -> Identity | None:
    try:
        status = fstat(fd)
    except OSError:
        return None
    return fd, status.st_dev, status.st_ino


def _target(fd: int) -> str:
    try:
        return readlink(f"/proc/{getpid()}/fd/{fd}")
    except OSError:
        return "?" if _identity(fd) else ""


def _log_streams() -> set[int]:
    """Descriptors of the handlers of the logging configuration: one opens its file when it is first needed."""
    found = set()
    loggers = [logging.root, *(each for each in list(logging.root.manager.loggerDict.values()))]
    for logger in loggers:
        for handler in getattr(logger, "handlers", ()):
            with contextlib.suppress(Exception):  # whatever a stream of the test's does
                found.add(int(handler.stream.fileno()))
    return found


def _described(fd: int, target: str) -> str:
    if not target.startswith("socket:"):
        return f"{shown(target) if target.startswith('/') else target.partition(':')[0]} (descriptor {fd})"
    return f"{_described_socket(fd)} (descriptor {fd})"


def _described_socket(fd: int) -> str:
    """``TCP socket 127.0.0.1:5000 -> 127.0.0.1:80``."""
    try:
        end = _Socket(fileno=dup(fd))
    except OSError:
        return "socket"
    with end:
        kind = {socket.SOCK_STREAM: "TCP", socket.SOCK_DGRAM: "UDP"}.get(end.type, "raw")
        if end.family not in (socket.AF_INET, socket.AF_INET6):
            kind = end.family.name.removeprefix("AF_").lower() if hasattr(end.family, "name") else "local"
        own, peer = _address(end.getsockname), _address(end.getpeername)
    return f"{kind} socket{' ' + own if own else ''}{' -> ' + peer if peer else ''}"


def _address(ask: Callable[[], object]) -> str:
    try:
        address = ask()
    except OSError:
        return ""
    if isinstance(address, tuple):
        return ":".join(str(part) for part in address[:2])
    return os.fsdecode(address) if isinstance(address, str | bytes) else ""
