"""What a pytest process of ours says, one value per fact. The other half is `inside/async_test_run_inside/wire`."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..model.inventory import CollectedTest, LeftOut, PytestFacts, SuiteWarning
from ..model.result import Leak, Problem

NOT_BELIEVED = "does a test write below .async-test-run? what it writes there is not believed"


def file_name(process: str) -> str:
    """The file of facts of one process of a session: ``main``, or the name of an xdist worker."""
    return f"events.{process}.jsonl"


class _Message(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind"):
    """``n`` counts the facts of one process in its file from 0, which a `Hello` has."""

    at: float
    mono: float
    n: int = 0


class Damaged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What stands in a file of facts in the place of a message: something was lost, or somebody else wrote there."""

    at: float
    mono: float
    file: str
    what: str

    def problem(self, whose: str) -> Problem:
        """What comes of it: nobody knows what was to be said, so the run is not green."""
        return Problem("failure", f"{self.file} of {whose} {self.what}", NOT_BELIEVED)


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
    attributes: tuple[tuple[str, str], ...] = ()  # of its element in the XML (`record_xml_attribute`)
    leaks: tuple[Leak, ...] = ()


class Leaked(_Message, frozen=True, kw_only=True, tag="leaked"):
    """Something that a test left has come up after the test was over."""

    id: str
    leak: Leak


class Missing(_Message, frozen=True, kw_only=True, tag="missing"):
    """Ids that were asked for and do not exist when this process collects."""

    ids: tuple[str, ...]


class Changed(_Message, frozen=True, kw_only=True, tag="changed"):
    """An id means another test when this process collects: ``meant`` in the collection, ``found`` here."""

    id: str
    meant: str
    found: str


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
    """The collecting process waits for jobs; ``unsafe`` says why it must not fork.

    ``reads`` are lines of the project's that have asked, before any test, which worker the process is
    (``conftest.py:3 reads PYTEST_XDIST_WORKER``): several workers must not be forks then.
    """

    unsafe: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


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


Why = Literal["overdue", "slow", "asked", "exit", "interrupted"]  # why a process is asked what it is at


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


class Retired(_Message, frozen=True, kw_only=True, tag="retired"):
    """A process runs no other test after ``id``, and others were to follow: ``why`` it is not clean any more."""

    id: str
    why: str
    worker: str = ""


class Notice(_Message, frozen=True, kw_only=True, tag="notice"):
    """Something worth knowing that is nobody's fault."""

    text: str


class WarningSaid(_Message, frozen=True, kw_only=True, tag="warned"):
    """Tests of the session have caused it. Repetitions come at the end, with their number."""

    warning: SuiteWarning


class SessionFinished(_Message, frozen=True, kw_only=True, tag="session_finished"):
    """pytest came to its end by itself, with its own ``status``; ``reason`` says why it stopped early, if it did.

    ``error`` is the exception that it calls an internal error. ``warnings`` are those of its tests.
    """

    status: int
    reason: str = ""
    error: str = ""
    red: int = 0
    warnings: int = 0


class SuiteProperty(_Message, frozen=True, kw_only=True, tag="suite_property"):
    """A test has added it to the whole suite (`record_testsuite_property`)."""

    name: str
    value: str


Message = (
    Hello
    | SuiteProperty
    | Capturing
    | Started
    | StageDone
    | Finished
    | Leaked
    | Missing
    | Changed
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
    | Retired
    | Notice
    | WarningSaid
    | SessionFinished
)
