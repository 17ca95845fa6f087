"""A run that is taken up again: what of it stands, what is open, and what has changed since it ended."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ..model.errors import ExitCode, InfrastructureError, RunnerError, UsageError
from ..model.inventory import TestRef
from ..model.result import Kept, Problem, RunResult
from ..record import journal, runs, verdict
from ..record.events import Event, RunStarted
from ..record.fold import Fold, fold
from ..record.runs import RunDir
from ..reports.wording.words import plural
from ..suite.assignment import Assignment
from ..system.files import replaced

_NAMED = 5
_LOOKED_AT = 20  # newest runs among which one to resume is looked for


class NothingToResumeError(RunnerError):
    """Every test of the run has its outcome: there is nothing that could go on."""

    def __init__(self, result: RunResult) -> None:
        code = verdict.exit_code(result)
        super().__init__(
            f"nothing to resume: run {result.run_id} is complete, "
            f"{'and all is well' if code is ExitCode.PASSED else f'and ended with exit code {int(code)}'}",
            hint="`async-test-run report` shows it again, `async-test-run run` runs everything anew",
        )
        self.exit_code = code


class Recorded(msgspec.Struct, frozen=True):
    """A run as its journal has it."""

    started: RunStarted
    events: tuple[Event, ...]
    result: RunResult
    run: RunDir = RunDir(Path())

    @property
    def plan(self) -> Path:
        """The file with the text of its plan."""
        return self.run.plan if self.started.proposed else Path(self.started.plan_path)


def recorded(run: RunDir) -> Recorded:
    """The run in a directory. ``UsageError`` if its journal does not say what was asked for."""
    found = tuple(journal.read(run.journal))
    try:
        result = fold(found)
    except KeyError as error:
        raise InfrastructureError(f"{run.journal} is damaged: no line plans phase {error}") from error
    started = next((event for event in found if isinstance(event, RunStarted)), None)
    if started is None:
        raise UsageError(f"run {run.run_id} was ended before it had begun", hint="begin one: async-test-run run")
    if not started.plan_digest:
        raise UsageError(f"{run.journal} does not say under which plan it ran", hint="async-test-run run")
    return Recorded(started, found, result, run)


def newest_open(base: Path) -> Path | None:
    """The journal of the newest run below ``base`` that is not complete; None if all of those looked at are."""
    for run in runs.listing(base)[:_LOOKED_AT]:
        try:
            if _is_open(recorded(run)):
                return run.journal
        except RunnerError:  # it cannot be read, or had not begun: there is nothing to resume
            continue
    return None


def _is_open(run: Recorded) -> bool:
    fold = Fold()
    for event in run.events:
        fold.add(event)
    return bool(not run.result.finished or run.result.signal or _open(fold, run.result))


def check(run: Recorded) -> None:
    """Raises for a run that is complete, and ``UsageError`` for one whose plan is not what it was."""
    if not _is_open(run):
        raise NothingToResumeError(run.result)
    if digest(run.plan) != run.started.plan_digest:
        raise UsageError(
            f"{run.plan} has changed since run {run.started.run_id}: "
            "what it came to so far does not go with the new plan",
            hint="run it anew: async-test-run run",
        )


def _open(fold: Fold, result: RunResult) -> bool:
    """Whether anything was not run, was to be tried again, or stood in the way."""
    kept = fold.kept()
    undone = any(phase.attempts or phase.rechecks for phase in kept.values())
    return undone or any(not test.attempts for test in result.tests()) or _was_hindered(result)


def _was_hindered(result: RunResult) -> bool:
    return bool(result.collect_errors) or any(problem.kind == "infrastructure" for problem in result.problems)


def keep_plan(run: RunDir, text: str) -> None:
    """Write a plan that no file of the project has into the run's directory."""
    with replaced(run.plan) as file:
        file.write(text.encode())


def digest(plan: Path) -> str:
    """What the plan's file says, as a number; empty when it cannot be read."""
    try:
        return hashlib.sha256(plan.read_bytes()).hexdigest()
    except OSError:
        return ""


def still(kept: dict[str, Kept], result: RunResult, assignment: Assignment) -> dict[str, Kept]:
    """What was kept, for the tests that there are now: outcomes of vanished tests stay, in the phase that they had."""
    now = {test.id: phase.phase.name for phase in assignment.phases for test in phase.tests}
    changed = {}
    for phase in result.phases:
        gone = tuple(
            TestRef(test.id, test.file, test.line) for test in phase.tests if test.attempts and test.id not in now
        )
        mine = [
            test for test in phase.tests if now.get(test.id) == phase.name or (test.attempts and test.id not in now)
        ]
        counts = Counter(test.outcome for test in mine if test.id in kept[phase.name].settled)
        changed[phase.name] = msgspec.structs.replace(kept[phase.name], gone=gone, counts=dict(counts))
    return changed


def changes(result: RunResult, assignment: Assignment) -> Iterator[str | Problem]:
    """What is to be said about the tests that are not what they were: a warning, or what makes the run red."""
    now = {test.id: phase.phase.name for phase in assignment.phases for test in phase.tests}
    before = {test.id: phase.name for phase in result.phases for test in phase.tests}
    fresh = [id for id in now if id not in before]
    moved = [id for id in now if before.get(id, now[id]) != now[id]]
    gone = [test for phase in result.phases for test in phase.tests if test.id not in now]
    if before and fresh:
        yield f"{plural(len(fresh), 'test')} new since the run was begun, run now: {_named(fresh)}"
    if moved:
        yield f"{plural(len(moved), 'test')} in another phase than when the run was begun, run again: {_named(moved)}"
    decided = [test.id for test in gone if test.attempts]
    if decided:
        yield f"{plural(len(decided), 'test')} of the run not collected any more, outcome kept: {_named(decided)}"
    done = {test.id for phase in result.phases for test in phase.tests if test.attempts}
    planned = (test for phase in assignment.phases for test in phase.tests)
    alone = [test.id for test in planned if test.id not in done and not done.isdisjoint(test.depends)]
    if alone:
        text = f"{plural(len(alone), 'test')} may be skipped now, as others that they need ran before: {_named(alone)}"
        yield Problem("failure", text, "run everything anew: async-test-run run")
    lost = [test.id for test in gone if not test.attempts]
    if lost:
        text = f"{plural(len(lost), 'test')} of the run had not run, and cannot any more: not collected: {_named(lost)}"
        yield Problem("failure", text, "run everything anew if they are gone on purpose: async-test-run run")


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more
