"""Frozen values: the plan, the inventory, and what a run came to. No behaviour beyond small derived facts.

Durations are seconds (float); ``at`` is wall time in seconds since the epoch; ``None`` for a limit means "no limit".
"""

from __future__ import annotations

import enum
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import msgspec

# --------------------------------------------------------------------------------------------------------- the plan


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

RetryOn = Literal["failed", "timed_out", "crashed"]
PassOrFail = Literal["pass", "fail"]


class Retries(msgspec.Struct, frozen=True):
    """How often a red test is tried again, in a fresh process: alone (``test``), or with those that shared its own."""

    count: int = 0
    delay: float = 0.0
    on: tuple[RetryOn, ...] = ("failed", "timed_out", "crashed")
    isolation: Literal["same", "test"] = "test"

    def covers(self, outcome: Outcome) -> bool:
        """Whether this outcome is one that is tried again (``error`` counts as ``failed``)."""
        wanted = Outcome.FAILED if outcome is Outcome.ERROR else outcome
        return wanted.value in self.on


LeakKind = Literal[
    "tasks", "exceptions", "loops", "generators", "threads", "processes", "descriptors", "clients", "state", "teardowns"
]
LeakPolicy = Literal["report", "fail", "ignore"]


class Leaks(msgspec.Struct, frozen=True):
    """What becomes of what a test leaves behind, by kind; ``default`` holds for the kinds that are None."""

    default: LeakPolicy = "report"
    tasks: LeakPolicy | None = None
    exceptions: LeakPolicy | None = None
    loops: LeakPolicy | None = None
    generators: LeakPolicy | None = None
    threads: LeakPolicy | None = None
    processes: LeakPolicy | None = None
    descriptors: LeakPolicy | None = None
    clients: LeakPolicy | None = None
    state: LeakPolicy | None = None
    teardowns: LeakPolicy | None = None

    def of(self, kind: LeakKind) -> LeakPolicy:
        """The policy for one kind."""
        policy: LeakPolicy | None = getattr(self, kind)
        return policy or self.default

    def by_kind(self) -> dict[LeakKind, LeakPolicy]:
        """The policy for every kind."""
        return {kind: self.of(kind) for kind in get_args(LeakKind)}


class Command(msgspec.Struct, frozen=True):
    """A setup or teardown command: ``argv`` is executed as it stands, unless ``shell`` hands ``argv[0]`` to a shell."""

    argv: tuple[str, ...]
    shell: bool = False
    timeout: float | None = None

    @property
    def shown(self) -> str:
        """The command as it stands in the plan."""
        return self.argv[0] if self.shell else shlex.join(self.argv)


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A named selection of tests and the policy they run under; defaults are filled in already."""

    name: str
    # selection: all criteria that are given must hold; none at all takes whatever is left
    paths: tuple[str, ...] = ()
    markers: str = ""
    keyword: str = ""
    tests: tuple[str, ...] = ()
    # policy
    isolation: Isolation = Isolation.PHASE
    workers: int | Literal["auto"] | None = None
    launcher: Literal["auto", "exec", "warm"] = "auto"
    preload: bool = True
    timeout: float | None = None
    test_timeout: float | None = 300.0
    slow_after: float | None = 60.0
    setup_timeout: float | None = 300.0
    grace: float = 5.0
    max_failures: int | None = None
    retries: Retries = Retries()
    flaky: PassOrFail = "pass"
    recheck: bool = False
    order_dependent: PassOrFail = "fail"
    memory: int | None = None  # bytes that a test process may have resident
    output: int = 1_000_000  # bytes of a test's output that are kept
    leaks: Leaks = Leaks()
    leak_timeout: float = 5.0
    needs: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    setup: tuple[Command, ...] = ()
    teardown: tuple[Command, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    pytest_args: tuple[str, ...] = ()
    python: str = "auto"
    line: int = 0


class Select(msgspec.Struct, frozen=True, kw_only=True):
    """The universe: what the plan speaks about at all."""

    paths: tuple[str, ...] = ()
    markers: str = ""
    keyword: str = ""


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """Where the reports of a run are written, besides the run directory; relative to the plan."""

    junit: str | None = None
    summary: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A validated plan. ``root`` is its directory: every relative path is meant from there."""

    path: Path
    root: Path
    name: str
    phases: tuple[Phase, ...]
    select: Select = Select()
    unassigned: Literal["error", "run", "ignore"] = "error"
    overlap: Literal["first", "error"] = "first"
    collect_errors: Literal["fail", "continue"] = "fail"
    collect_timeout: float | None = 300.0
    run_timeout: float | None = None
    resources: tuple[tuple[str, int], ...] = ()
    reports: Reports = Reports()
    # what the collection process itself runs under: the plan's `defaults`
    python: str = "auto"
    pytest_args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    # the phase that `unassigned: run` adds when tests are left; it carries the plan's `defaults`
    rest: Phase = Phase(name="unassigned", isolation=Isolation.TEST)

    def phase(self, name: str) -> Phase:
        """The phase of that name; ``KeyError`` if there is none."""
        for phase in (*self.phases, self.rest):
            if phase.name == name:
                return phase
        raise KeyError(name)


# ---------------------------------------------------------------------------------------------------- the inventory


class CollectedTest(msgspec.Struct, frozen=True, gc=False):
    """One item of pytest's collection. ``line`` counts from 1; ``file`` is relative to pytest's rootdir.

    ``matches`` holds the positions of the expressions (`Inventory.expressions`) that pytest found true for it.
    """

    id: str
    file: str
    line: int
    marks: tuple[str, ...] = ()
    is_async: bool = False
    fixtures: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    matches: tuple[int, ...] = ()
    class_id: str = ""


class CollectError(msgspec.Struct, frozen=True):
    """A file or directory that pytest could not collect, or that skipped itself, with pytest's own text about it."""

    id: str
    text: str


class LeftOut(msgspec.Struct, frozen=True):
    """Tests or paths that do not take part, and by whose decision; ``examples`` holds the first few."""

    reason: str
    count: int
    what: Literal["tests", "paths"] = "tests"
    examples: tuple[str, ...] = ()


class Coverage(msgspec.Struct, frozen=True):
    """What the project asks of pytest-cov. ``reports`` are pairs of kind and target; ``fail_under`` 0: no threshold."""

    config: str = ""
    reports: tuple[tuple[str, str], ...] = ()
    fail_under: float = 0.0
    append: bool = False


class PytestFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the collection process knows about the project's pytest."""

    version: str = ""
    python: str = ""
    rootdir: str = ""
    inipath: str = ""
    plugins: tuple[str, ...] = ()
    junit_xml: str = ""
    junit_family: str = "xunit2"
    junit_logging: str = "no"
    junit_log_passing: bool = True
    junit_duration: str = "total"
    maxfail: int = 0
    numprocesses: int = 0
    dist: str = ""
    coverage: Coverage | None = None


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What one pytest collection found."""

    tests: tuple[CollectedTest, ...]
    errors: tuple[CollectError, ...] = ()
    skips: tuple[CollectError, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    expressions: tuple[tuple[str, str], ...] = ()  # ("markers" | "keyword", text)
    without: tuple[str, ...] = ()  # absolute paths of files that took pytest down: nobody is to import them again
    facts: PytestFacts = PytestFacts()


# ------------------------------------------------------------------------------------------------------- the result


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
    """Something that a test left behind: what it is, and the place in the code that made it, if that is known."""

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
    process: str = ""
    worker: str = ""
    slot: int = 0
    leaks: tuple[Leak, ...] = ()


GREEN = frozenset({Outcome.PASSED, Outcome.XPASSED, Outcome.XFAILED})


class Recheck(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A red test was run once more, alone. It is no attempt; ``passes`` says that the plan lets it decide all the same.

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

    ``fails`` says that it fails because the plan does not want it to be flaky.
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
        """Its last attempt is not red, and an earlier one was."""
        return len(self.attempts) > 1 and not self._is_red and any(a.outcome.is_red for a in self.attempts)

    @property
    def order_dependent(self) -> bool:
        """Red after other tests in its process, and not alone."""
        return self._is_red and self.recheck is not None and self.recheck.is_green

    @property
    def _is_red(self) -> bool:
        return bool(self.attempts) and self.attempts[-1].outcome.is_red

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What its attempts left behind, the same thing once."""
        return tuple(dict.fromkeys(leak for attempt in self.attempts for leak in attempt.leaks))


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """A setup or teardown command that ended. ``status``: exit status, negative for a signal, None if not started."""

    phase: str
    stage: Literal["setup", "teardown"]
    command: str
    status: int | None
    duration: float
    output: str
    problem: str = ""


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

    @property
    def counts(self) -> Counter[Outcome]:
        """Outcome -> number of tests."""
        return Counter(test.outcome for test in self.tests)


class Problem(msgspec.Struct, frozen=True):
    """Something that is nobody's test: ``kind`` decides the exit code."""

    kind: Literal["infrastructure", "internal", "failure"]
    message: str
    hint: str = ""
    phase: str = ""


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
    warnings: tuple[str, ...] = ()
    facts: PytestFacts = PytestFacts()
    argv: tuple[str, ...] = ()
    signal: int = 0  # the signal that interrupted the run
    finished: bool = False  # the runner itself reached its end
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


class TestRef(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A planned test as the journal names it: ``[id, file, line]``."""

    __test__ = False

    id: str
    file: str
    line: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a run that is resumed has of a phase already: nothing of it in a run of its own.

    ``settled`` tests have their outcome; ``attempts`` says which attempt follows for those that were to be tried again,
    and ``rechecks`` after which attempt a test was to be run once more alone. ``gone`` have an outcome, and are not
    collected any more. ``ended`` says that the phase has come to its end, teardown included.
    """

    settled: frozenset[str] = frozenset()
    attempts: dict[str, int] = {}
    rechecks: dict[str, int] = {}
    gone: tuple[TestRef, ...] = ()
    counts: dict[Outcome, int] = {}
    ended: bool = False
