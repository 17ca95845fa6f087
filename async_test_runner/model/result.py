"""What a run came to, as frozen values. No behaviour beyond small derived facts.

Durations are seconds (float); ``at`` is wall time in seconds since the epoch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

import msgspec

from .inventory import CollectError, LeftOut, PytestFacts, SuiteWarning, TestRef
from .vocabulary import GREEN, Isolation, LeakKind, Outcome


class Section(msgspec.Struct, frozen=True, gc=False):
    """Captured output of a test: ``name`` as pytest calls it (``Captured stdout call``)."""

    name: str
    content: str


class Detail(msgspec.Struct, frozen=True, gc=False):
    """Why a test is not simply passed: one stage of it, with pytest's own words.

    ``when`` is pytest's ``setup | call | teardown``, or ``runner`` for what the runner itself found (a crash, a
    deadline). ``outcome`` is that stage's outcome; ``message`` one line or a few; ``text`` the whole.
    """

    when: Literal["setup", "call", "teardown", "runner"]
    outcome: Outcome
    message: str
    text: str = ""


class Leak(msgspec.Struct, frozen=True, gc=False):
    """Something that a test left behind. ``where`` is the place in the code that made it, if that is known."""

    kind: LeakKind
    what: str
    where: str = ""


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One execution of one test. ``duration`` is the sum of setup, call and teardown, ``call`` the call's, if known."""

    number: int
    outcome: Outcome
    at: float = 0.0
    duration: float = 0.0
    call: float | None = None
    details: tuple[Detail, ...] = ()
    sections: tuple[Section, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()  # of its element in the XML, as the test has set them
    process: str = ""
    worker: str = ""
    slot: int = 0
    leaks: tuple[Leak, ...] = ()


class Recheck(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A red test was run once more, alone. ``passes`` says that the plan lets it decide.

    It is no attempt, unless a retry has shown the same.

    ``history`` are the tests of the process in which the test was red, in their order; the first ``position`` of them
    ran before it. With the outcome ``not_run`` it could not be run, and ``message`` says why.
    """

    outcome: Outcome
    passes: bool = False
    message: str = ""
    process: str = ""
    duration: float = 0.0
    position: int = 0
    history: tuple[str, ...] = ()

    @property
    def is_green(self) -> bool:
        """It did not fail alone; one that was skipped has shown nothing."""
        return self.outcome in GREEN

    @property
    def before(self) -> tuple[str, ...]:
        """What ran before it in the process in which it was red."""
        return self.history[: self.position]


class TestResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came of one planned test. No attempts means ``not_run``, with the ``reason``.

    ``fails`` says that it fails although its last attempt is green: the plan does not want it to be flaky, or not to
    depend on the order.
    """

    __test__ = False  # not a test class, whatever pytest makes of its name

    id: str
    file: str
    line: int
    phase: str
    attempts: tuple[Attempt, ...] = ()
    reason: str = ""
    fails: bool = False
    recheck: Recheck | None = None
    slow: tuple[float, str] | None = None  # the last slow notice: the test's age in seconds, what it was at

    @property
    def outcome(self) -> Outcome:
        """The last attempt decides, unless the plan wants flaky tests red, or lets pass what passed alone."""
        if not self.attempts:
            return Outcome.NOT_RUN
        if self.fails:
            return Outcome.FAILED
        if self.recheck is not None and self.recheck.passes:
            return self.recheck.outcome
        return self.attempts[-1].outcome

    @property
    def duration(self) -> float:
        """Seconds of the attempt that decides."""
        return self.attempts[-1].duration if self.attempts else 0.0

    @property
    def flaky(self) -> bool:
        """Its last attempt is not red, and an earlier one was, for a reason that nobody knows."""
        return len(self.attempts) > 1 and not self._is_red and self._was_red and not self.order_dependent

    @property
    def order_dependent(self) -> bool:
        """Red after other tests in its process, and not alone: in a recheck, or in a retry that was one."""
        return self._was_red and self.recheck is not None and self.recheck.is_green

    @property
    def _was_red(self) -> bool:
        return any(attempt.outcome.is_red for attempt in self.attempts)

    @property
    def _is_red(self) -> bool:
        return bool(self.attempts) and self.attempts[-1].outcome.is_red

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What its attempts left behind, the same thing once."""
        return tuple(dict.fromkeys(leak for attempt in self.attempts for leak in attempt.leaks))


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """A setup or teardown command that ended. ``status``: exit status, negative for a signal, None if not started.

    ``at`` is wall time of its start, 0 in journals of older versions.
    """

    phase: str
    stage: Literal["setup", "teardown"]
    command: str
    status: int | None
    duration: float
    output: str
    problem: str = ""
    at: float = 0.0


class ProcessRun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A pytest process of a phase: when it ran, for how many tests, and how it ended.

    ``name`` is ``async/0007``; its worker processes hold ``workers`` slots, from ``slot`` on. ``mono`` is the run's
    clock when it started, and begins anew where the run was resumed. With the status None nobody saw it end: it has
    run for ``duration`` at least.
    """

    name: str
    phase: str
    pid: int
    slot: int
    workers: int
    attempt: int
    tests: int
    at: float
    mono: float
    log: str  # its output, relative to the run directory
    duration: float = 0.0
    status: int | None = None  # the exit status, negative for a signal
    finished: bool = False  # pytest said that its session was over
    warnings: int = 0  # of its tests

    @property
    def ended(self) -> float:
        """Wall time of its end, or until when it is known to have run."""
        return self.at + self.duration


class Retirement(msgspec.Struct, frozen=True):
    """A process of a clean phase ended after the test ``id``, because of ``why``; ``process`` is its session."""

    process: str
    worker: str
    id: str
    why: str


class PhaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """A phase and its tests in the order of the collection."""

    name: str
    isolation: Isolation
    workers: int
    tests: tuple[TestResult, ...]
    wall: float = 0.0
    started: bool = False
    finished: bool = False
    reason: str = ""  # why it did not start, or ended early
    commands: tuple[CommandResult, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()  # what tests have added to the suite, each once
    shared: int = 0  # processes in which the tests of a clean phase ran
    retirements: tuple[Retirement, ...] = ()  # those of them that others have followed
    processes: tuple[ProcessRun, ...] = ()  # in the order of their start, those of all parts of a resumed run

    @property
    def counts(self) -> Counter[Outcome]:
        """Outcome -> number of tests."""
        return Counter(test.outcome for test in self.tests)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is nobody's test: ``kind`` decides the exit code."""

    kind: Literal["infrastructure", "internal", "failure"]
    message: str
    hint: str = ""
    phase: str = ""
    stays: bool = False  # also when the run is resumed


class JournalHead(msgspec.Struct, frozen=True):
    """How far a journal goes: the number of its lines, and the digest of them all."""

    events: int = 0
    digest: str = ""


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """The fold of a run's events; every report is a pure function of it."""

    run_id: str
    plan: str
    plan_path: str
    root: str
    at: float
    wall: float
    phases: tuple[PhaseResult, ...] = ()
    collect_errors: tuple[CollectError, ...] = ()
    collect_skips: tuple[CollectError, ...] = ()  # files that skipped themselves as a whole, with the reason
    left_out: tuple[LeftOut, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()  # of the runner
    suite_warnings: tuple[SuiteWarning, ...] = ()  # of the suite, each message and place once
    facts: PytestFacts = PytestFacts()
    argv: tuple[str, ...] = ()
    proposed: bool = False  # there is no file ``plan_path``: the runner has proposed the plan
    signal: int = 0  # the signal that interrupted the run
    finished: bool = False  # the runner itself reached its end
    goes_on: bool = False  # this is how far it has come while it runs
    journal: JournalHead | None = None  # whence it comes
    duplicates: tuple[str, ...] = ()  # ids with two results in one attempt: a broken invariant
    unplanned: tuple[str, ...] = ()  # ids that reported without being planned: a broken invariant

    def tests(self) -> Iterator[TestResult]:
        """All planned tests, in the plan's and the collection's order."""
        for phase in self.phases:
            yield from phase.tests

    @property
    def counts(self) -> Counter[Outcome]:
        """Outcome -> number of tests, over all phases."""
        total: Counter[Outcome] = Counter()
        for phase in self.phases:
            total.update(phase.counts)
        return total


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a run that is resumed has of a phase already: nothing of it in a run of its own.

    ``settled`` tests have their outcome; ``attempts`` says which attempt follows for those that were to be tried again,
    and ``rechecks`` after which attempt a test was to be run once more alone. ``after_others`` are those of them that
    were red after other tests of their process. ``gone`` have an outcome, and are not collected any more.
    ``ended`` says that the phase has come to its end, teardown included.
    """

    settled: frozenset[str] = frozenset()
    attempts: dict[str, int] = {}
    rechecks: dict[str, int] = {}
    after_others: frozenset[str] = frozenset()
    gone: tuple[TestRef, ...] = ()
    counts: dict[Outcome, int] = {}
    ended: bool = False
