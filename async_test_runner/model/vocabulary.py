"""The words that plan, events and reports share: isolations, outcomes, kinds of leaks, and their policies."""

from __future__ import annotations

import enum
from typing import Literal


class Isolation(enum.StrEnum):
    """Which tests share one process (a unit). ``clean``: as many as leave nothing behind."""

    PHASE = "phase"
    FILE = "file"
    CLASS = "class"
    TEST = "test"
    CLEAN = "clean"


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
LeakPolicy = Literal["report", "fail", "ignore"]


class LeakKind(enum.StrEnum):
    """What a test can leave behind; ``help`` says it in the reference of the plan."""

    help: str

    def __new__(cls, value: str, help: str) -> LeakKind:
        """A member that is its value."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.help = help
        return member

    TASKS = (
        "tasks",
        "Asyncio tasks that are still pending, even if the framework's loop cancels them silently at its end.",
    )
    EXCEPTIONS = ("exceptions", "Exceptions of background tasks and callbacks that nobody retrieved.")
    LOOPS = ("loops", "Event loops that were not closed.")
    GENERATORS = ("generators", "Asynchronous generators that were not closed.")
    THREADS = ("threads", "Threads that still run, but for daemon threads.")
    PROCESSES = ("processes", "Child processes that still run, and those that left their parent (daemons).")
    DESCRIPTORS = (
        "descriptors",
        "Sockets, files and pipes that are still open, and sockets that only the garbage collector closed.",
    )
    CLIENTS = (
        "clients",
        "Clients of httpx and aiohttp that were not closed. Connections that were not returned to the pool of an "
        "SQLAlchemy engine.",
    )
    STATE = (
        "state",
        "Changes that were not put back: environment, working directory, `sys.path`, signal handlers, logging, "
        "`dependency_overrides` of FastAPI.",
    )
    TEARDOWNS = (
        "teardowns",
        "Fixtures that return before their teardown. The lines after the `return` never run.",
    )
