"""How the engine has pytest sessions started, whatever the launcher.

A `Job` goes in; a `Session` comes back. Its ``poll`` yields messages in the order in which they happened, and its
``status`` is set once its process has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from ..model.errors import InfrastructureError
from ..model.inventory import CollectedTest
from ..model.plan import Phase
from .messages import Damaged, Message, Why


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Tests that one pytest session is to run. ``slot`` is the lowest of ``workers`` slots that it holds.

    ``maxfail`` is pytest's own limit (0: none); ``workers`` above 1 means distribution inside the session, and
    ``divided`` that the session itself keeps the phase's units apart, within the ``capacities`` of its resources.
    ``clean``: a process of the session runs nothing after a test that leaves anything behind.
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
    clean: bool = False
    recheck: bool = False
    capacities: tuple[tuple[str, int], ...] = ()


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

    def poll(self) -> Sequence[Message | Damaged]:
        """What it has said since the last call."""

    def signal(self, number: int) -> None:
        """Signal everything that belongs to it."""

    def stop_soon(self) -> None:
        """Have it end after the test that it runs."""

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


class HostLostError(InfrastructureError):
    """What a session was to be started from is gone; asked again, the launcher starts it in another way."""


class Launcher(Protocol):
    """Starts sessions."""

    async def prepare(self, phase: Phase) -> None:
        """Make ready for the jobs of a phase. Being cancelled leaves nothing behind."""

    async def end(self, grace: float) -> None:
        """There will be no more jobs; what stays is killed after ``grace`` seconds."""

    def divides(self, phase: Phase) -> bool:
        """Whether a session of this phase keeps the phase's units apart by itself."""

    def watch(self) -> None:
        """Once a second: look at the launcher's own processes, and see to it that they go on or end."""

    def keeps(self) -> set[int]:
        """Process ids of the launcher's own processes, which are no leftovers of any test."""

    def knows_another_way(self, job: Job, why: str) -> bool:
        """A session of this job ended before its first test: whether another kind of process is left to try."""

    async def start(self, job: Job) -> Session:
        """Start a pytest session for a job. ``InfrastructureError`` when there can be none, `HostLostError` when it is
        to be asked for again.
        """
