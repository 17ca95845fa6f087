"""What there is to say of a red test that was run once more, alone."""

from __future__ import annotations

from ...model.result import TestResult
from ...model.vocabulary import Outcome
from .words import plural


def said(test: TestResult) -> str:
    """One line; empty for a test that was not rechecked."""
    recheck = test.recheck
    if recheck is None:
        return ""
    if recheck.outcome is Outcome.NOT_RUN:
        return f"not run again alone: {recheck.message}"
    if not test.order_dependent:
        return f"not order-dependent: {recheck.outcome.label} alone too"
    red = next(attempt for attempt in reversed(test.attempts) if attempt.outcome.is_red)
    after = f"but not after {plural(len(recheck.before), 'test')} in {red.process}"
    if red is test.attempts[-1]:
        return f"order-dependent: {recheck.outcome.label} alone, in a process of its own, {after}"
    return f"{recheck.outcome.label} alone in a fresh process, {after}: probably order-dependent"


def before(test: TestResult, limit: int | None) -> list[str]:
    """The tests that ran before it, the nearest ones of many, and how many more there are."""
    ids = test.recheck.before if test.recheck is not None else ()
    kept = list(ids if limit is None else ids[-limit:])
    return kept if len(kept) == len(ids) else [f"… {len(ids) - len(kept)} more before these, in summary.json", *kept]


def flaky(test: TestResult) -> str:
    """``failed, then passed: flaky``."""
    return ", then ".join(attempt.outcome.label for attempt in test.attempts) + ": flaky"
