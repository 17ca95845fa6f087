"""Where runs are kept: ``.async-test-run/runs/<run id>/`` next to the plan, or under ``--run-dir``.

A run id is its start in UTC, to the millisecond, and six random digits: ``20261120T071500.250Z-ab12cd``.
Names are in the order of time.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ..model.errors import InfrastructureError, UsageError
from . import chain, journal

BASE_NAME = ".async-test-run"
MEMORY_NAME = "preload.json"
SCHEMA_NAME = "plan.schema.json"
PLAN_NAMES = ("runner.yaml", "runner.yml")

_RUN_ID = re.compile(r"\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{6}")
_RECENT = 5
_TRIES = 10


@dataclass(frozen=True, slots=True)
class RunDir:
    """The directory of one run."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run that it belongs to."""
        return self.path.name

    @property
    def journal(self) -> Path:
        """Its journal, which may not be there yet."""
        return self.path / journal.FILE_NAME

    @property
    def plan(self) -> Path:
        """The text of its plan, where no file of the project had it."""
        return self.path / PLAN_NAMES[0]

    @property
    def memory(self) -> Path:
        """What the runs of this place have learned of the modules that tests import; it may not be there."""
        return self.path.parent.parent / MEMORY_NAME


def nearest_plan(cwd: Path) -> Path | None:
    """The ``runner.yaml`` of this directory or of the nearest one above it.

    One that cannot be read, a directory or a link to nowhere, is an error of its reader: what has the name of a plan is
    not passed over for one further up, nor for none.
    """
    places = (directory / name for directory in (cwd, *cwd.parents) for name in PLAN_NAMES)
    return next((place for place in places if os.path.lexists(place)), None)


def find_plan(cwd: Path) -> Path:
    """`nearest_plan`; ``UsageError`` if there is none."""
    found = nearest_plan(cwd)
    if found is not None:
        return found
    raise UsageError(
        f"no {PLAN_NAMES[0]} in {cwd} or above it", hint="name the plan with -c PLAN, or write one: async-test-run init"
    )


def base_directory(plan: Path, run_dir: Path | None = None) -> Path:
    """The directory that holds ``runs/``: what ``--run-dir`` says, or ``.async-test-run`` next to the plan."""
    return run_dir if run_dir is not None else plan.parent / BASE_NAME


def new_run_id(now: float, random: Callable[[int], str] = secrets.token_hex) -> str:
    """A run id for this wall time. ``random`` takes a number of bytes and answers in hexadecimal digits."""
    milliseconds = round(now * 1000)
    start = time.strftime("%Y%m%dT%H%M%S", time.gmtime(milliseconds // 1000))
    return f"{start}.{milliseconds % 1000:03d}Z-{random(3)}"


def create(base: Path, now: float | None = None, random: Callable[[int], str] = secrets.token_hex) -> RunDir:
    """Make the directory of a new run, which nobody else has. ``InfrastructureError`` when that cannot be."""
    runs = base / "runs"
    try:
        prepare(base)
        for _ in range(_TRIES):
            path = runs / new_run_id(time.time() if now is None else now, random)
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return RunDir(path)
    except OSError as error:
        raise InfrastructureError(
            f"cannot make a run directory in {runs}: {error.strerror}", hint="choose another place with --run-dir DIR"
        ) from error
    raise InfrastructureError(f"cannot make a run directory in {runs}: every name that was tried is taken")


def prepare(base: Path) -> None:
    """Make ``base/runs`` and keep it out of git. A directory with other things in it is not ours to hide."""
    with contextlib.suppress(FileExistsError):
        base.mkdir(parents=True)
    ours = base if {entry.name for entry in base.iterdir()} <= {"runs", SCHEMA_NAME, ".gitignore"} else base / "runs"
    (base / "runs").mkdir(exist_ok=True)
    with contextlib.suppress(FileExistsError), (ours / ".gitignore").open("x", encoding="utf-8") as file:
        file.write("*\n")


def listing(base: Path) -> list[RunDir]:
    """The runs that left a journal, newest first; none if there is no such directory."""
    try:
        entries = list((base / "runs").iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InfrastructureError(f"cannot list {base / 'runs'}: {error.strerror}") from error
    runs = [RunDir(path) for path in entries if _RUN_ID.fullmatch(path.name)]
    return sorted(filter(_has_journal, runs), key=lambda run: run.run_id, reverse=True)


def _has_journal(run: RunDir) -> bool:
    """Whatever is in its place by now, and also where it was deleted after its end."""
    return os.path.lexists(run.journal) or os.path.lexists(chain.sealed(run.journal))


def find(base: Path, run: str | None) -> Path:
    """The journal of a run: the newest for None, else a run id, the beginning of one, a run directory or a journal.

    A name is looked up among the runs that are there, never joined to a path; a path must exist as it is given.
    ``UsageError`` when nothing, or more than one run, is meant.
    """
    known = listing(base)
    if run is None:
        if not known:
            raise UsageError(
                f"no runs in {base}", hint="`async-test-run run` records one; --run-dir DIR looks elsewhere"
            )
        return known[0].journal
    if not run:  # the beginning of every id, and a path to where we stand
        _refuse(run, base, known)
    matching = [candidate for candidate in known if candidate.run_id.startswith(run)]
    if len(matching) == 1:
        return matching[0].journal
    if matching:
        names = ", ".join(candidate.run_id for candidate in matching[:_RECENT])
        raise UsageError(f"{len(matching)} runs begin with {run!r}: {names}", hint="give more of the run id")
    path = _explicit(run)
    if path is None:
        _refuse(run, base, known)
    return path


def _explicit(run: str) -> Path | None:
    path = Path(run)
    try:
        if path.is_file():
            return path
        if _has_journal(RunDir(path)):
            return path / journal.FILE_NAME
    except (OSError, ValueError):  # a name that is too long, or holds a NUL, is no path
        pass
    return None


def _refuse(run: str, base: Path, known: list[RunDir]) -> NoReturn:
    names = [candidate.run_id for candidate in known]
    close = difflib.get_close_matches(run, names, n=1, cutoff=0.8)
    if close:
        hint = f"did you mean {close[0]}?"
    elif names:
        hint = f"recent runs: {', '.join(names[:_RECENT])}; `async-test-run report --list` shows more"
    else:
        hint = f"there are no runs in {base}; --run-dir DIR looks elsewhere"
    raise UsageError(f"no run {run!r}", hint=hint)
