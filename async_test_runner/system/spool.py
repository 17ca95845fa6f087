"""Files that a test may write into without end: what they take of the disk is bounded while they grow.

Their middle is given back to the file system and their length stays, so a writer that keeps a position goes on as if
nothing had happened (Linux). A file that is complete is written anew, with a word in the place of its middle.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from ..model.errors import InfrastructureError
from .files import opened, replaced

_ROOM = 16 << 20  # bytes that a file may take on the disk before anything is done
_PAGE = 4096
_KEEP_SIZE_AND_PUNCH = 0x01 | 0x02  # flags of fallocate(2)


def thin(path: Path | str, keep: int, identity: tuple[int, int] | None = None) -> bool:
    """Free what lies ``keep`` bytes from both ends of a file that takes too much of the disk; whether that was done.

    ``identity`` (device, inode) is the file that is meant: a test may have put another one in its place.
    """
    try:
        status = os.stat(path)  # noqa: PTH116 - also for the files that a process has open, which have no name
        if status.st_blocks * 512 <= 4 * keep + _ROOM or identity not in (None, (status.st_dev, status.st_ino)):
            return False
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except (OSError, AttributeError):  # gone, or a system without blocks
        return False
    try:
        status = os.fstat(fd)
        if identity not in (None, (status.st_dev, status.st_ino)):
            return False
        begin = -(-keep // _PAGE) * _PAGE
        return _punch(fd, begin, status.st_size - keep - begin)
    finally:
        os.close(fd)


def _punch(fd: int, begin: int, length: int) -> bool:
    if length <= 0 or not sys.platform.startswith("linux"):
        return False
    import ctypes

    try:
        fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    except (OSError, AttributeError):
        return False
    fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return bool(fallocate(fd, _KEEP_SIZE_AND_PUNCH, begin, length) == 0)


def shorten(path: Path, keep: int) -> None:
    """Leave ``keep`` bytes at both ends of a complete file, and a word between them."""
    with contextlib.suppress(OSError, InfrastructureError):  # it is gone, or there is no room: so it stays as it is
        size = path.stat().st_size
        if size <= 2 * keep + _ROOM:
            return
        with open(path, "rb", opener=opened) as file:
            head = file.read(keep)
            file.seek(size - keep)
            tail = file.read(keep)
        with replaced(path) as new:
            new.write(head + f"\n… {size - 2 * keep} bytes left out …\n".encode() + tail)
