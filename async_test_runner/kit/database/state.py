"""What the processes of a run tell each other: files in a directory of the run, and locks.

The directory is private to the user: what is in it names servers and, with them, passwords.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import KitError
from .runs import Run

try:
    import fcntl
except ImportError:  # Windows: processes of a run are not kept apart there
    fcntl = None  # type: ignore[assignment]

_POLL = 0.02


def root() -> Path:
    """The directory of all runs of this user on this machine."""
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    path = Path(tempfile.gettempdir()) / f"async-test-kit-{user}"
    path.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and (path.is_symlink() or path.stat().st_uid != os.getuid()):
        raise KitError(f"{path} belongs to somebody else", "set TMPDIR to a directory of your own")
    return path


def of_run(run: Run) -> Path:
    return root() / run.mark


def forget(run: Run) -> None:
    """Remove what a run has left on disk."""
    shutil.rmtree(of_run(run), ignore_errors=True)


def others(run: Run) -> list[Run]:
    """The runs, other than this one, that have left something here."""
    found = (Run.from_mark(path.name) for path in root().iterdir() if path.is_dir())
    return [other for other in found if other is not None and other != run]


class State:
    """The files of one declaration in one run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.directory / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def write(self, name: str, values: dict[str, Any]) -> None:
        temporary = self.directory / f".{name}.{os.getpid()}"
        temporary.write_text(json.dumps(values), encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(self.directory / name)

    def remove(self, name: str) -> None:
        (self.directory / name).unlink(missing_ok=True)

    @contextmanager
    def locked(self, name: str, seconds: float, purpose: str) -> Iterator[None]:
        """Hold a lock that ends with the process, however it ends."""
        with (self.directory / f"{name}.lock").open("a+") as file:
            _lock(file, seconds, purpose)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


def _lock(file: Any, seconds: float, purpose: str) -> None:
    if fcntl is None:
        return  # type: ignore[unreachable]
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < end:
                time.sleep(_POLL)
                continue
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise KitError(
                f"{purpose}: another process (pid {holder}) has been at it for {seconds:g} s",
                "see what it is doing; a slow migration needs a longer migration_timeout",
            ) from None
        return
