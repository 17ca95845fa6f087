"""Opening files where tests may have put something else: never waiting, never following, regular files only.

A FIFO in the place of a file would be waited for until somebody opens its other end.
"""

from __future__ import annotations

import errno
import os
import stat
from os import close, fstat  # as they are now: tests put something else in their places
from os import open as open_

_PLAINLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def opened(path: str, flags: int) -> int:
    """A descriptor of a regular file; for ``open(…, opener=opened)`` too. ``OSError`` where it is something else."""
    fd = open_(path, flags | _PLAINLY, 0o644)
    if stat.S_ISREG(fstat(fd).st_mode):
        return fd
    close(fd)
    raise OSError(errno.EINVAL, "it is no regular file", path)
