"""Waiting for descriptors, never for ever, and what the system itself says of a process.

``poll`` and not ``select``: a project may have more than a thousand files open. Nobody waits longer than `LOOK`, so
that a signal that did not come, or a word that got lost, is made good by looking.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterable

LOOK = 1.0  # seconds between two looks at the processes themselves

# As they are now: tests replace functions of these modules, and forget to put them back.
_poll, _POLLIN, _POLLOUT, _open, _read, _close = (
    select.poll,
    select.POLLIN,
    select.POLLOUT,
    os.open,
    os.read,
    os.close,
)


def readable(fds: Iterable[int], seconds: float = LOOK) -> set[int]:
    """Those that have something to read, or whose other end is closed, after at most so many seconds."""
    poll = _poll()
    for fd in fds:
        poll.register(fd, _POLLIN)
    return {fd for fd, _ in poll.poll(max(0.0, seconds) * 1000)}


def writable(fd: int, seconds: float = LOOK) -> bool:
    """Whether there is room for something to write, after at most so many seconds."""
    poll = _poll()
    poll.register(fd, _POLLOUT)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def state(pid: int) -> str:
    """The letter that Linux has for what a process is at: ``R``, ``S``, ``D``, ``T``, ``t``, ``Z``; empty when gone.

    ``?`` where the system does not say.
    """
    try:
        fd = _open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return "" if _HAS_TABLE else "?"
    try:
        return _read(fd, 4096).rpartition(b")")[2].strip()[:1].decode("ascii", "replace")
    except OSError:  # it ended meanwhile
        return ""
    finally:
        _close(fd)


_HAS_TABLE = os.path.exists("/proc/self/stat")
