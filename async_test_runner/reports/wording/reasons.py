"""Why a test is red, and where it stands for a service that knows the repository only."""

from __future__ import annotations

import os
from collections import Counter

from ...model.result import Attempt, RunResult, TestResult
from .words import signal_name


def last_red(test: TestResult) -> Attempt | None:
    """The attempt that has the reason; None for a test that was never red."""
    return next((attempt for attempt in reversed(test.attempts) if attempt.outcome.is_red), None)


def message(attempt: Attempt) -> str:
    """What the attempt says first about its outcome."""
    red = [detail for detail in attempt.details if detail.outcome.is_red]
    exact = [detail for detail in red if detail.outcome is attempt.outcome]
    return next((detail.message for detail in [*exact, *red]), "") or attempt.outcome.label


def text(attempt: Attempt) -> str:
    """The whole of what is red about it."""
    red = [detail.text or detail.message for detail in attempt.details if detail.outcome.is_red]
    return "\n\n".join(filter(None, red)) or attempt.outcome.label


def end(result: RunResult) -> str:
    """Why the run is not complete, in one sentence; empty for one that goes on or came to its end by itself."""
    if result.signal:
        return f"the run was interrupted by {signal_name(result.signal)}"
    if result.finished or result.goes_on:
        return ""
    return "the runner did not come to its end: this is how far the run has come"


def gaps(result: RunResult) -> dict[str, int]:
    """Why tests were not run, and how many for each reason."""
    return Counter(test.reason or "nobody knows why" for test in result.tests() if not test.attempts)


def place(result: RunResult, file: str, base: str) -> str:
    """A file of the suite as a path below ``base``; empty where it lies elsewhere, for a wrong path shows nowhere."""
    path = os.path.relpath(os.path.join(result.facts.rootdir or result.root, file), base or result.root or ".")  # noqa: PTH118
    return "" if path == os.pardir or path.startswith(os.pardir + os.sep) else path.replace(os.sep, "/")
