"""Whole files, written so that a reader sees the old one or the new one and never half of it; and files of others.

What stands in a run directory may be something else than it was: tests can write there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ..model.errors import InfrastructureError

_PLAINLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class NoFileError(OSError):
    """Something else than a regular file is there: a link, a directory, a named pipe."""


def opened(path: str, flags: int) -> int:
    """A descriptor of a regular file: for ``open(…, opener=opened)``.

    `NoFileError` where it is a FIFO, say, or a link; another ``OSError`` where it cannot be opened. A FIFO that is
    opened in the ordinary way is waited for, until somebody opens its other end.
    """
    try:
        fd = os.open(path, flags | _PLAINLY, 0o666)
    except OSError as error:
        kind = kind_of(Path(path))
        if kind in ("", "a file"):
            raise
        raise NoFileError(error.errno, f"it is {kind} and no regular file", path) from error
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise NoFileError(errno.EINVAL, f"it is {kind_of(Path(path)) or 'gone'} and no regular file", path)


_KINDS = {stat.S_IFREG: "a file", stat.S_IFLNK: "a link", stat.S_IFDIR: "a directory", stat.S_IFIFO: "a named pipe"}


def kind_of(path: Path) -> str:
    """What is at a path, in words; empty if nothing is."""
    try:
        return _KINDS.get(stat.S_IFMT(path.lstat().st_mode), "a device or socket")
    except OSError:
        return ""


def text_of(path: Path) -> str:
    """What a regular file says. ``OSError`` where it cannot be read."""
    with open(path, "rb", opener=opened) as file:
        return file.read().decode("utf-8", "replace")


@contextlib.contextmanager
def replaced(path: Path) -> Iterator[BinaryIO]:
    """A file to write in full that takes the place of ``path`` at the end, or leaves no trace when something raises."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InfrastructureError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(fd, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise InfrastructureError(f"cannot write {path}: {error.strerror}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
