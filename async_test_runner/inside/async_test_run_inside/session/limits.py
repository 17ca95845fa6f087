"""Limits of a process that runs tests: memory, so that one allocation cannot take the machine before anybody looks."""

from __future__ import annotations

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
        import resource

        reserved = _reserved()
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = reserved + limit + _ROOM
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    except (ImportError, OSError, ValueError):  # Windows; a hard limit that is lower; no /proc
        return


def _reserved() -> int:
    """Bytes of private writable memory that this process has asked for."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0
