"""Modules that forked workers import, imported before the fork: what each of them would do again is done once.

Which ones is learned: a worker says at its end what it has imported. Only the standard library and installed packages
count, never the project's own code, whose import is part of what is tested. Each module is imported in a fork that is
thrown away first. One that fails there, warns, starts a thread or a process, or changes what processes have in common
(environment, directory, signal handlers, the import path) is left to the workers.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import sysconfig
import threading
import time
import warnings
from collections.abc import Iterable

from ..hangs.files import opened
from .forking import children, flush, kernel_threads
from .polling import readable

_close, _fork, _leave_now, _pipe, _read, _waitpid = os.close, os.fork, os._exit, os.pipe, os.read, os.waitpid
_write, _kill, _now, _sleep = os.write, os.kill, time.monotonic, time.sleep

_ROUNDS = 5  # forks that modules may spoil before the rest is left alone
_BUDGET = 2.5  # seconds for all of them: who forks answers nobody meanwhile, and on a busy machine imports take long
_PARTING = 1.0  # seconds that a killed fork may take to end
_MOST = 2000  # modules that are remembered


def loaded() -> frozenset[str]:
    """The names of the modules that are there now."""
    return frozenset(sys.modules)


def installed(before: frozenset[str]) -> list[str]:
    """What has been imported since ``before`` from the standard library and from installed packages, in that order."""
    if len(sys.modules) == len(before):
        return []
    return [name for name in list(sys.modules) if name not in before and _is_installed(name)]


def _is_installed(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if spec is None or getattr(spec, "name", None) != name or name.partition(".")[0] == "__main__":
        return False  # made up at run time, or known under another name
    origin = getattr(spec, "origin", None)
    if origin in ("built-in", "frozen"):
        return True
    if not isinstance(origin, str):
        return False
    return f"{os.sep}site-packages{os.sep}" in origin or origin.startswith(_STANDARD)


_STANDARD = tuple(
    path + os.sep for kind in ("stdlib", "platstdlib") if (path := sysconfig.get_paths().get(kind)) is not None
)


class Preloader:
    """Imports what was learned, each module once, in the process that forks."""

    def __init__(self) -> None:
        self._tried: set[str] = set()
        self._waiting: dict[str, None] = {}  # those that there was no time for

    def load(self, names: Iterable[str]) -> None:
        """Import these, as far as time allows, and a rehearsal says that nothing but an import comes of it."""
        self._waiting.update(dict.fromkeys(name for name in names if name not in self._tried))
        new = [name for name in self._waiting if name not in sys.modules]
        safe, tried = _rehearsed(new)
        self._tried.update(tried)
        self._waiting = dict.fromkeys(name for name in new if name not in self._tried)
        for name in safe:
            try:
                with warnings.catch_warnings(record=True):
                    __import__(name)
            except Exception:  # noqa: BLE001, S112 - a package may do anything at its import; then workers import it
                continue


def _rehearsed(names: list[str]) -> tuple[list[str], list[str]]:
    """Those that are safe to import here, and those that were tried."""
    safe: list[str] = []
    tried: list[str] = []
    until = _now() + _BUDGET
    for _ in range(_ROUNDS):
        if not names or _now() >= until:
            break
        good = _rehearse(names, until)
        safe += good
        tried += names[: len(good) + 1]
        names = names[len(good) + 1 :]  # the one after the last good one is not to be imported
    return safe, tried


def _rehearse(names: list[str], until: float) -> list[str]:
    """How far a fork comes with these; it stops at the first that is more than an import, or when its time is over."""
    flush()
    reading, writing = _pipe()
    pid = _fork()
    if pid == 0:
        try:
            _close(reading)
            _import_all(names, writing)
        finally:
            _leave_now(0)
    _close(writing)
    said = b""
    while readable([reading], until - _now()):
        data = _read(reading, 1 << 16)
        if not data:
            break
        said += data
    _kill(pid, signal.SIGKILL)  # it has ended by itself, or never will
    _close(reading)
    _reap(pid)
    return names[: said.count(b".")]


def _reap(pid: int) -> None:
    """Wait for a fork that was killed, but not for ever: it may hang in a driver, say."""
    until = _now() + _PARTING
    while _waitpid(pid, os.WNOHANG) == (0, 0) and _now() < until:
        _sleep(0.001)


def _import_all(names: list[str], writing: int) -> None:
    before = _surroundings()
    for name in names:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            __import__(name)
        if said or _surroundings() != before:
            return
        _write(writing, b".")


def _surroundings() -> tuple[object, ...]:
    """What an import that is nothing but an import leaves as it was."""
    handlers = tuple(signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD))
    threads = (threading.active_count(), kernel_threads())
    return (threads, children(), dict(os.environ), os.getcwd(), list(sys.path), handlers)


# --------------------------------------------------------------------------------------------- from one run to the next


class Memory:
    """What earlier runs have learned, in a file that all sessions of the plan share; with an empty path nothing."""

    def __init__(self, path: str) -> None:
        self._path = path

    def read(self) -> list[str]:
        """Names, for this interpreter; none where the file is missing, damaged or of another one."""
        if not self._path:
            return []
        try:
            with open(self._path, encoding="utf-8", opener=opened) as file:
                known = json.load(file)
            return [str(name) for name in known["modules"]] if known["python"] == _interpreter() else []
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def add(self, names: Iterable[str]) -> None:
        """Remember these too. A file that cannot be written costs the next run time, and nothing else."""
        before = self.read()
        after = list(dict.fromkeys([*before, *names]))[-_MOST:]
        if not self._path or after == before:
            return
        draft = f"{self._path}.{os.getpid()}"
        try:
            with open(draft, "w", encoding="utf-8", opener=opened) as file:
                json.dump({"python": _interpreter(), "modules": after}, file)
            os.replace(draft, self._path)
        except OSError:
            pass


def _interpreter() -> str:
    return f"{sys.version} {sys.prefix}"
