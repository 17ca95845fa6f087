"""What the engine and a launcher (see `launchers`) say to each other.

A `Job` goes in; a `Session` comes back, whose `poll` yields `Message` values in the order in which they happened, and
whose ``status`` is set once its process has ended. Messages mirror what the package inside pytest writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from .model import CollectedTest, Leak, LeftOut, Phase, PytestFacts


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Tests that one pytest session is to run. ``slot`` is the lowest of ``workers`` slots that it holds.

    ``maxfail`` is pytest's own limit (0: none); ``workers`` above 1 means distribution inside the session, and
    ``divided`` that the session itself keeps the phase's units apart, within the ``capacities`` of its resources.
    ``recheck``: its one test was red, and runs once more, alone; that is no attempt.
    """

    process: str
    phase: Phase
    tests: tuple[CollectedTest, ...]
    attempt: int
    slot: int
    workers: int = 1
    parallel: bool = False
    maxfail: int = 0
    divided: bool = False
    recheck: bool = False
    capacities: tuple[tuple[str, int], ...] = ()


class _Message(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind"):
    at: float
    mono: float


class Hello(_Message, frozen=True, kw_only=True, tag="hello"):
    """A pytest process (``worker`` names an xdist worker) is up. It answers ``dump_signal`` with a `Hang`, from Python,
    and ``c_signal`` with bare stacks in a file, also where Python cannot answer.
    """

    pid: int
    worker: str = ""
    dump_signal: int | None = None
    c_signal: int | None = None


class Capturing(_Message, frozen=True, kw_only=True, tag="capturing"):
    """Where a process keeps captured output, up to ``limit`` bytes: ``(descriptor, device, inode)`` of each file."""

    pid: int
    limit: int
    files: tuple[tuple[int, int, int], ...]
    worker: str = ""


class Stage(msgspec.Struct, frozen=True, gc=False):
    """One stage of a test that is not simply passed. ``sub`` marks a subtest's own report."""

    when: Literal["setup", "call", "teardown"]
    outcome: str
    message: str = ""
    text: str = ""
    sub: bool = False


class Started(_Message, frozen=True, kw_only=True, tag="started"):
    id: str
    worker: str = ""


class StageDone(_Message, frozen=True, kw_only=True, tag="stage"):
    id: str
    stage: Stage


class Finished(_Message, frozen=True, kw_only=True, tag="finished"):
    """A test is over. ``started`` is wall time; ``call`` the duration of its call stage alone."""

    id: str
    started: float
    duration: float
    call: float
    worker: str = ""
    stages: tuple[Stage, ...] = ()
    sections: tuple[tuple[str, str], ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    leaks: tuple[Leak, ...] = ()


class Leaked(_Message, frozen=True, kw_only=True, tag="leaked"):
    """Something that a test left has come up after the test was over."""

    id: str
    leak: Leak


class Missing(_Message, frozen=True, kw_only=True, tag="missing"):
    """Ids that were asked for and do not exist when this process collects."""

    ids: tuple[str, ...]


class CollectFailed(_Message, frozen=True, kw_only=True, tag="collect_error"):
    id: str
    text: str


class ConftestFailed(_Message, frozen=True, kw_only=True, tag="conftest_failed"):
    """A conftest.py that pytest loads before it collects raised; nothing was collected. ``path`` is absolute."""

    id: str
    path: str
    text: str


class CollectSkipped(_Message, frozen=True, kw_only=True, tag="collect_skip"):
    """A whole file skipped itself."""

    id: str
    text: str


class Collecting(_Message, frozen=True, kw_only=True, tag="collecting"):
    """This file is about to be imported; an empty id says that all files have been. ``path`` is absolute."""

    id: str
    path: str = ""


class Found(_Message, frozen=True, kw_only=True, tag="test"):
    test: CollectedTest


class LeftOutSaid(_Message, frozen=True, kw_only=True, tag="left_out"):
    reason: str
    count: int
    what: Literal["tests", "paths"]
    examples: tuple[str, ...] = ()

    @property
    def value(self) -> LeftOut:
        """The same as the model has it."""
        return LeftOut(self.reason, self.count, self.what, self.examples)


class BadExpression(_Message, frozen=True, kw_only=True, tag="bad_expression"):
    index: int
    text: str


class Hosting(_Message, frozen=True, kw_only=True, tag="hosting"):
    """The collecting process waits for jobs; ``unsafe`` says why it must not fork."""

    unsafe: tuple[str, ...] = ()


class Forked(_Message, frozen=True, kw_only=True, tag="forked"):
    """The host has forked the session of a job."""

    process: str
    pid: int


class Exited(_Message, frozen=True, kw_only=True, tag="exited"):
    """A session that the host had forked has ended."""

    process: str
    status: int


class InventoryDone(_Message, frozen=True, kw_only=True, tag="inventory"):
    facts: PytestFacts


class WorkerDied(_Message, frozen=True, kw_only=True, tag="worker_died"):
    """A worker died while it ran ``id``. With a ``status`` the session goes on without it, and ``reason`` is what it
    said of its own end; without one (xdist) the session is at its end.
    """

    id: str
    worker: str = ""
    status: int | None = None
    reason: str = ""


Why = Literal["overdue", "slow", "asked", "exit"]  # why a process is asked what it is at


class Hang(_Message, frozen=True, kw_only=True, tag="hang"):
    """The answer of a process that was asked. ``id`` is the test that it runs, ``likely`` the line that most likely
    hangs, and ``text`` the whole report. An empty ``likely`` is no answer.
    """

    pid: int
    id: str
    why: Why
    likely: str
    text: str


class WorkerLost(_Message, frozen=True, kw_only=True, tag="worker_lost"):
    worker: str
    text: str


class LeftBehind(_Message, frozen=True, kw_only=True, tag="left_behind"):
    """A process has finished, and something of its tests is still there. A forked worker leaves all the same; the
    session itself (``worker`` is empty) may have to be ended. ``stacks`` are those of a worker that did not leave in
    time, as C has written them.
    """

    worker: str
    what: str
    stacks: str = ""


class SessionFinished(_Message, frozen=True, kw_only=True, tag="session_finished"):
    """pytest came to its end by itself, with its own ``status``; ``reason`` says why it stopped early, if it did.

    ``error`` is the exception that it calls an internal error.
    """

    status: int
    reason: str = ""
    error: str = ""
    red: int = 0


Message = (
    Hello
    | Capturing
    | Started
    | StageDone
    | Finished
    | Leaked
    | Missing
    | CollectFailed
    | ConftestFailed
    | CollectSkipped
    | Collecting
    | Found
    | LeftOutSaid
    | BadExpression
    | InventoryDone
    | Hosting
    | Forked
    | Exited
    | WorkerDied
    | Hang
    | WorkerLost
    | LeftBehind
    | SessionFinished
)


class Session(Protocol):
    """A pytest session under way."""

    @property
    def pid(self) -> int:
        """Process id of the session, the leader of its group."""

    @property
    def log(self) -> Path:
        """The file with everything that the process printed."""

    @property
    def status(self) -> int | None:
        """None while it runs, then its exit status, negative for a signal."""

    def poll(self) -> Sequence[Message]:
        """What it has said since the last call."""

    def signal(self, number: int) -> None:
        """Signal everything that belongs to it."""

    def ask(self, why: Why, id: str, message: str, pid: int, number: int) -> None:
        """Ask the process ``pid`` of it what it is at, with the signal ``number``.

        If ``why`` is ``overdue`` it is also to fail the test ``id`` from inside with ``message``.
        """

    def ask_in_c(self, pid: int, number: int) -> None:
        """Ask a process that has not answered for bare stacks."""

    def dumped(self) -> str:
        """The stacks that have been written since they were asked for."""

    def last_words(self) -> str:
        """For an outcome that pytest could not explain: the end of the log."""


class Launcher(Protocol):
    """Starts sessions."""

    async def prepare(self, phase: Phase) -> None:
        """Make ready for the jobs of a phase. Being cancelled leaves nothing behind."""

    async def end(self, grace: float) -> None:
        """There will be no more jobs; what stays is killed after ``grace`` seconds."""

    def divides(self, phase: Phase) -> bool:
        """Whether a session of this phase keeps the phase's units apart by itself."""

    def keeps(self) -> set[int]:
        """Process ids of the launcher's own processes, which are no leftovers of any test."""

    async def start(self, job: Job) -> Session:
        """Start a pytest session for a job. ``InfrastructureError`` when there can be none."""
