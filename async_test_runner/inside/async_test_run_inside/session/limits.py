"""Limits of a process that runs tests: memory, so that no allocation takes the machine, and descriptors for workers."""

from __future__ import annotations

import os

from ..early import standard_library

_SPARE = 64  # descriptors for whatever else is opened
_ROOM = 1 << 30  # bytes: stacks of threads and pools of libraries are reserved, and hardly used


def bound_memory(limit: int | None) -> None:
    """Refuse allocations that go far beyond the limit: they raise ``MemoryError`` at once.

    The limit itself is watched from outside, by what is resident. What is merely reserved is no memory, but the only
    thing that the system can refuse in advance; so it may be more than the limit by what is reserved already, and by
    ``_ROOM``. Nothing happens where the system has no such limit.
    """
    if limit is None:
        return
    try:
        with standard_library():
            import resource

        reserved = _reserved()
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = reserved + limit + _ROOM
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    except (ImportError, OSError, ValueError):  # Windows; a hard limit that is lower; no /proc
        return


class Descriptors:
    """Room for many descriptors in one process: its soft limit is raised, and `restore` gives forks their own again."""

    def __init__(self) -> None:
        self._before: tuple[int, int] | None = None

    def room_for(self, count: int, each: int) -> int:
        """How many of ``count`` things fit that need ``each`` descriptors: at least one."""
        try:
            with standard_library():
                import resource

            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            needed = len(os.listdir("/proc/self/fd")) + _SPARE + count * each
        except (ImportError, OSError):  # Windows; no /proc
            return count
        if soft == resource.RLIM_INFINITY or needed <= soft:
            return count
        highest = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest, hard))
        except (OSError, ValueError):
            highest = soft
        else:
            self._before = soft, hard
        return max(1, min(count, count - (needed - highest) // each))

    def restore(self) -> None:
        """In a fork: the limit that the project has."""
        if self._before is not None:
            with standard_library():
                import resource

            resource.setrlimit(resource.RLIMIT_NOFILE, self._before)


def _reserved() -> int:
    """Bytes of private writable memory that this process has asked for."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0
