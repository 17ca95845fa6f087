"""The words that plan, events and reports share: isolations, outcomes, kinds of leaks, and their policies."""

from __future__ import annotations

import enum
from typing import Literal


class Isolation(enum.StrEnum):
    """Which tests share one process (a unit)."""

    PHASE = "phase"
    FILE = "file"
    CLASS = "class"
    TEST = "test"


class Outcome(enum.StrEnum):
    """The nine outcomes of a test; there is no "other"."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"
    NOT_RUN = "not_run"

    @property
    def is_red(self) -> bool:
        """True for what fails a run by itself (``not_run`` does so too, but as a gap, not as a failure)."""
        return self in RED

    @property
    def label(self) -> str:
        """The outcome as a person reads it: ``timed out``."""
        return self.value.replace("_", " ")


RED = frozenset({Outcome.FAILED, Outcome.ERROR, Outcome.TIMED_OUT, Outcome.CRASHED})


GREEN = frozenset({Outcome.PASSED, Outcome.XPASSED, Outcome.XFAILED})


RetryOn = Literal["failed", "timed_out", "crashed"]


PassOrFail = Literal["pass", "fail"]


LeakKind = Literal[
    "tasks", "exceptions", "loops", "generators", "threads", "processes", "descriptors", "clients", "state", "teardowns"
]


LeakPolicy = Literal["report", "fail", "ignore"]
