"""What the supervisor asks the engine to do, and what limits it works under."""

from __future__ import annotations

import msgspec

from ..contract.launching import Job
from ..contract.messages import Why
from ..model.result import Kept


class Start(msgspec.Struct, frozen=True):
    """Start a session for this job."""

    job: Job


class Ask(msgspec.Struct, frozen=True):
    """Ask a process of a session what it is at; if it is ``overdue``, also to fail this test from inside."""

    process: str
    id: str
    message: str
    pid: int
    dump_signal: int
    why: Why = "overdue"


class AskInC(msgspec.Struct, frozen=True):
    """Ask a process that does not answer for bare stacks."""

    process: str
    pid: int
    number: int


class Signal(msgspec.Struct, frozen=True):
    """Signal a session: one process of it, or all of them where ``pid`` is 0."""

    process: str
    number: int
    pid: int = 0


class StopSoon(msgspec.Struct, frozen=True):
    """Have a session end after the test that it runs."""

    process: str


Action = Start | Ask | AskInC | Signal | StopSoon


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a phase beyond its own keys. Times are seconds; ``run_deadline`` is monotonic."""

    workers: int
    fresh: int = 8  # as many fresh processes at once, where forks were wanted and could not be had
    max_failures: int
    capacities: dict[str, int]
    idle: float | None
    run_timeout: float | None = None
    run_deadline: float | None = None
    kept: Kept = Kept()
    numbers: int = 0  # sessions that the phase has had, before the run was resumed
