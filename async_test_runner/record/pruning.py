"""Old runs make room for new ones: only those that came to their end, and only where nobody else has left anything."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..model.errors import ExitCode, InfrastructureError
from ..system.files import opened
from . import chain
from .events import RunFinished, decode
from .runs import RunDir, listing

_REPORTED = (ExitCode.PASSED, ExitCode.FAILED, ExitCode.NOTHING_SELECTED)  # after others somebody may want to resume it
_TAIL = 64 * 1024  # bytes at the end of a journal that hold its last line
_SLACK = 60.0  # seconds after its end in which a run may still have written


def prune(runs: Path, keep: int | None) -> None:
    """Delete the oldest runs below ``runs`` that have come to their end, all but the newest ``keep`` of them."""
    if keep is None:
        return
    with contextlib.suppress(InfrastructureError, OSError):  # a run is not red because an old one stays
        ended = ((run, at) for run in listing(runs.parent) if (at := _ended(run)) is not None)
        for run, at in list(ended)[keep:]:
            if _is_its_own(run.path, at + _SLACK):
                _delete(run)


def _ended(run: RunDir) -> float | None:
    """Wall time at which a run ended that has been reported; None for one that goes on, was killed or interrupted."""
    if run.path.is_symlink():
        return None
    try:
        with open(run.journal, "rb", opener=opened) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            last = decode(file.read().rstrip(b"\n").rpartition(b"\n")[2])
    except (OSError, msgspec.DecodeError):
        return None
    return last.at if isinstance(last, RunFinished) and last.exit_code in _REPORTED else None


def _is_its_own(directory: Path, until: float) -> bool:
    """Whether nothing below was written after the run: what came later is somebody else's."""
    return all(entry.stat(follow_symlinks=False).st_mtime <= until for entry in _below(directory))


def _below(directory: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(directory) as entries:
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path))


def _delete(run: RunDir) -> None:
    """The journal last: as long as it is there, the rest is found again."""
    last = {run.journal.name, chain.sealed(run.journal).name}
    for entry in list(os.scandir(run.path)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        elif entry.name not in last:
            Path(entry.path).unlink()
    shutil.rmtree(run.path)
