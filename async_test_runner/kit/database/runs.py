"""Whose databases these are: the run that this process belongs to, and whether the run of a name is still alive.

A run lives as long as the process that began it: the runner, the controller of pytest-xdist, or pytest itself. Process
id, start time and machine stand in the name of every database, so that a later run on the same machine can tell what a
killed one has left from what a living one uses, and never takes anybody else's.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_INSIDE = "async_test_run_inside.plugin"  # the runner's plugin, where the runner runs this process


class Run(NamedTuple):
    """The process that owns a run, and when it started, in the kernel's own unit."""

    pid: int
    started: int

    @property
    def mark(self) -> str:
        return f"{_short(self.pid)}_{_short(self.started)}"

    @property
    def is_alive(self) -> bool:
        return started_at(self.pid) == self.started

    @classmethod
    def of(cls, pid: int) -> Run:
        return cls(pid, started_at(pid) or 0)

    @classmethod
    def from_mark(cls, mark: str) -> Run | None:
        found = re.fullmatch(r"([0-9a-z]+)_([0-9a-z]+)", mark)
        return cls(int(found[1], 36), int(found[2], 36)) if found else None


def current(worker_input: object = None) -> Run:
    """The run that this pytest process belongs to. ``worker_input`` is what only a worker of pytest-xdist has."""
    pid = _runner()
    if pid is None:
        pid = os.getppid() if worker_input is not None else os.getpid()
    return Run.of(pid)


def at_end_directory() -> Path | None:
    """Where the runner looks for what is to be done after the run; None without the runner."""
    settings = _settings()
    return Path(settings["at_end"]) if settings is not None else None


def _runner() -> int | None:
    settings = _settings()
    return int(settings["runner"]) if settings is not None else None


def _settings() -> Any:
    inside = sys.modules.get(_INSIDE)
    return inside.asked() if inside is not None else None


def worker() -> str:
    """The name of this process among those of its run: ``gw0`` and so on, the runner's slots or xdist's workers."""
    return re.sub(r"[^a-z0-9]", "", os.environ.get("PYTEST_XDIST_WORKER", "").lower())[:12] or "main"


def started_at(pid: int) -> int | None:
    """When a process started; None if there is none. Where the system does not say, 0 for every living one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return 0 if sys.platform != "linux" and _exists(pid) else None
    except OSError:
        return 0
    state, *rest = stat[stat.rindex(b")") + 2 :].split()
    return None if state in (b"Z", b"X") else int(rest[18])


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _short(number: int) -> str:
    text = ""
    while True:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
        if not number:
            return text


@functools.cache
def machine() -> str:
    """Six characters for this machine, or container: process ids mean nothing on another one."""
    known = [platform.node()]
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        try:
            found = Path(path).read_text().strip()
        except OSError:
            continue
        if found:
            known.append(found)
            break
    try:
        known.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        pass
    return hashlib.sha256("\0".join(known).encode()).hexdigest()[:6]
