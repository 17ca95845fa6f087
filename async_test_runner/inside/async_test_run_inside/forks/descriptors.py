"""Files that the project opened while it was collected: a fork has the same descriptors, with one position for all.

What one process reads the next one would not find any more, and what they write without ``O_APPEND`` would land
wherever another one stands.
"""

from __future__ import annotations

import gc
import io
import os
import stat
from collections.abc import Iterator

from ..early import standard_library

_close, _dup2, _lseek, _open = os.close, os.dup2, os.lseek, os.open
_STANDARD = 3
_FILES = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


def flush_all(directory: str) -> None:
    """Before a fork: nothing may wait in a buffer, or each process writes it. ``directory`` has our own files."""
    if any(flags & os.O_ACCMODE != os.O_RDONLY for _, flags in _regular(directory)):
        for file in [found for found in gc.get_objects() if type(found) in _FILES]:
            try:
                file.flush()
            except (OSError, ValueError):  # closed, only for reading, or its disk is full
                continue


def shared(directory: str, own: frozenset[int]) -> list[tuple[int, int]]:
    """Descriptors, with their flags, whose position a fork would share; ``own`` are somebody else's business."""
    appending = os.O_WRONLY | os.O_APPEND
    return [(fd, flags) for fd, flags in _regular(directory) if fd not in own and flags & appending != appending]


def _regular(directory: str) -> Iterator[tuple[int, int]]:
    try:
        with standard_library():
            import fcntl

        names = os.listdir("/proc/self/fd")
    except (ImportError, OSError):  # no such system
        return
    for fd in map(int, names):
        try:
            ours = os.readlink(f"/proc/self/fd/{fd}").startswith(directory)
            if fd >= _STANDARD and not ours and stat.S_ISREG(os.fstat(fd).st_mode):
                yield fd, fcntl.fcntl(fd, fcntl.F_GETFL)
        except OSError:  # the listing's own
            continue


def copies(fd: int) -> list[int]:
    """Other descriptors of the same regular file, the standard ones left out."""
    try:
        wanted, names = os.fstat(fd), os.listdir("/proc/self/fd")
    except OSError:
        return []
    found = []
    for other in map(int, names):
        try:
            if other >= _STANDARD and other != fd and stat.S_ISREG(wanted.st_mode) and _is(os.fstat(other), wanted):
                found.append(other)
        except OSError:  # the listing's own
            continue
    return found


def _is(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def separate(files: list[tuple[int, int]]) -> None:
    """After the fork: open each anew, at the position where it was; what is only written to is appended to."""
    for fd, flags in files:
        appending = os.O_APPEND if flags & os.O_ACCMODE == os.O_WRONLY else 0
        try:
            fresh = _open(f"/proc/self/fd/{fd}", flags | appending)
            _lseek(fresh, _lseek(fd, 0, os.SEEK_CUR), os.SEEK_SET)
            _dup2(fresh, fd, inheritable=os.get_inheritable(fd))
            _close(fresh)
        except OSError:  # closed meanwhile, or not ours to open again: shared then
            continue
