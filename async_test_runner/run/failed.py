"""Which tests `--failed` means: those that were red in the last run of the plan, from its journal."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..model.errors import ExitCode, RunnerError, UsageError
from ..model.plan import Plan
from ..model.result import RunResult
from ..model.vocabulary import GREEN, Outcome
from ..record import journal, runs, verdict
from ..record.events import Asked, RunStarted
from ..record.fold import fold

_WELL = GREEN | {Outcome.SKIPPED}
_LOOKED_AT = 100  # newest runs among which one of the plan is looked for


class NothingRedError(RunnerError):
    """No test was red in the last run: nothing is selected, and nothing has been proven."""

    exit_code = ExitCode.NOTHING_SELECTED


def taken(asked: Asked, plan: Plan, base: Path) -> Asked:
    """The same with the tests that `--failed` means, where it was asked for.

    ``UsageError`` without an earlier run, `NothingRedError` where the last one has no red test.
    """
    if not asked.failed:
        return asked
    last = _last(plan, base)
    if last is None:
        raise UsageError(
            f"--failed: no run of {plan.path} is kept in {base}",
            hint="run everything first: async-test-run; --run-dir DIR looks elsewhere",
        )
    started, result = last
    red = red_of(result)
    if not red:
        raise _nothing(started, result)
    return msgspec.structs.replace(asked, red=red, red_of=result.run_id)


def red_of(result: RunResult) -> tuple[str, ...]:
    """Ids of the tests without a good outcome, and of the files that could not be collected."""
    ids = [test.id for test in result.tests() if test.outcome not in _WELL]
    return tuple(dict.fromkeys([*ids, *(error.id for error in result.collect_errors)]))


def _last(plan: Plan, base: Path) -> tuple[RunStarted, RunResult] | None:
    """The newest run of this plan that has come as far as its tests."""
    for run in runs.listing(base)[:_LOOKED_AT]:
        events = journal.read(run.journal)
        started = next(events, None)
        if not isinstance(started, RunStarted) or started.plan_path != str(plan.path):
            continue
        result = fold([started, *events])
        if result.collect_errors or any(phase.tests for phase in result.phases):
            return started, result
    return None


def _nothing(started: RunStarted, result: RunResult) -> NothingRedError:
    part = " (a part of the tests)" if is_narrowed(started.asked) else ""
    code = verdict.exit_code(result)
    ended = "" if code is ExitCode.PASSED else f"; it ended with exit code {int(code)} all the same"
    return NothingRedError(
        f"--failed: no test was red in run {result.run_id}{part}, so nothing runs{ended}",
        hint="async-test-run runs all tests",
    )


def is_narrowed(asked: Asked) -> bool:
    """Whether a command line has left out tests of the plan."""
    return bool(asked.phases or asked.files or asked.tests or asked.markers or asked.keyword or asked.failed)
