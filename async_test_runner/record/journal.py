"""The journal on disk: an append-only writer, and a reader that survives a torn last line."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..model.errors import InfrastructureError
from ..system.files import replaced
from .events import Event, decode, encode

FILE_NAME = "journal.jsonl"


class JournalWriter:
    """Appends events, one ``write`` call each: what was written survives the death of the writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise self._refused(error) from error
        self._end_torn_line()

    def fileno(self) -> int:
        """Who holds this descriptor holds the run: see `hold`."""
        return self._fd

    def hold(self) -> bool:
        """Keep others from writing, until all copies of the descriptor are closed; False when another one does."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            pass
        return True

    def _end_torn_line(self) -> None:
        """What a killed writer left unfinished must not spoil the next line."""
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            os.write(self._fd, b"\n")

    def write(self, event: Event) -> None:
        """Append one event. ``InfrastructureError`` when the disk does not take it."""
        data = encode(event) + b"\n"
        try:
            while data:  # a short write is what a nearly full disk answers before it answers ENOSPC
                data = data[os.write(self._fd, data) :]
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> InfrastructureError:
        return InfrastructureError(
            f"cannot write the journal {self._path}: {error.strerror}",
            hint="free some space, or choose another place with --run-dir",
        )

    def restore(self) -> None:
        """Write the whole journal again where somebody has deleted it; later events would not be in it.

        ``InfrastructureError`` when that cannot be.
        """
        with contextlib.suppress(OSError):
            if os.path.samestat(self._path.stat(), os.fstat(self._fd)):
                return
        with os.fdopen(os.dup(self._fd), "rb") as old, replaced(self._path) as new:
            old.seek(0)
            shutil.copyfileobj(old, new)

    def close(self) -> None:
        """Close the file; later writes fail."""
        os.close(self._fd)


def read(path: Path) -> Iterator[Event]:
    """The events of a journal. Damaged lines (the torn end of a killed writer) and unknown kinds are passed over."""
    try:
        with path.open("rb") as file:
            for line in file:
                with contextlib.suppress(msgspec.DecodeError):
                    event = decode(line)
                    if event is not None:
                        yield event
    except OSError as error:
        raise InfrastructureError(f"cannot read the journal {path}: {error.strerror}") from error
