"""One function decides the exit code, and one says what is wrong with the books."""

from __future__ import annotations

import signal

from ..model.errors import ExitCode
from ..model.result import RunResult
from ..model.vocabulary import Outcome

_SIGNALS = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    getattr(signal, "SIGHUP", 1): ExitCode.HANGUP,
}


def violations(result: RunResult) -> tuple[str, ...]:
    """What breaks ``planned = reported``: an empty tuple is the invariant that every finished run must keep."""
    found = [f"reported without being planned: {id}" for id in result.unplanned]
    found += [f"reported twice in one attempt: {id}" for id in result.duplicates]
    for phase in result.phases:
        found += [
            f"phase {phase.name}: planned, but neither reported nor accounted for: {test.id}"
            for test in phase.tests
            if not test.attempts and not test.reason
        ]
    return tuple(found)


def exit_code(result: RunResult) -> ExitCode:
    """The exit code of a run: interrupted > internal > infrastructure > failed > nothing selected > passed.

    A run whose journal ends early (its runner was killed) is never better than failed. Only `RunResult` is asked: the
    exit status of a pytest process is no argument here.
    """
    if result.signal:
        return _SIGNALS.get(signal.Signals(result.signal), ExitCode.INTERRUPTED)
    kinds = {problem.kind for problem in result.problems}
    if "internal" in kinds or violations(result):
        return ExitCode.INTERNAL
    if "infrastructure" in kinds:
        return ExitCode.INFRASTRUCTURE
    counts = result.counts
    red = any(outcome.is_red for outcome in counts) or counts[Outcome.NOT_RUN]
    if red or kinds or result.collect_errors or not result.finished:
        return ExitCode.FAILED
    return ExitCode.PASSED if counts.total() else ExitCode.NOTHING_SELECTED
