"""The events of a run, and their JSON codec.

One event is one fact, written as one JSON line the moment it happens: ``{"kind": "test_finished", "at": …, …}``.
``at`` is wall time (seconds since the epoch), ``mono`` the system's monotonic clock (comparable between the processes
of one boot) less the time in which the run was stopped.
A reader ignores kinds and keys that it does not know; `VERSION` changes only when a known key changes its
meaning.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from ..model.inventory import CollectError, LeftOut, PytestFacts, SuiteWarning, TestRef
from ..model.result import (
    CommandResult,
    Detail,
    Leak,
    Problem,
    Section,
)
from ..model.vocabulary import Isolation, Outcome

VERSION = 1

Service = Literal["none", "github", "gitlab"]


class _Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="kind", omit_defaults=True):
    at: float
    mono: float


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the command line asked for beside the plan. A resumed run goes on with the same."""

    phases: tuple[str, ...] = ()  # words: names of phases, or what `places` says
    places: tuple[str, ...] = ()  # for each word its absolute path or id; empty where it can only be a phase
    files: tuple[str, ...] = ()
    markers: str = ""
    keyword: str = ""
    tests: tuple[str, ...] = ()
    failed: bool = False
    red: tuple[str, ...] = ()  # with ``failed``: tests that were red in the run ``red_of``, files it could not collect
    red_of: str = ""
    workers: int | None = None
    max_failures: int | None = None
    run_timeout: float | None = None
    launcher: Literal["auto", "exec", "warm"] | None = None
    reports: dict[str, str] = {}  # by format: where the command line wants it
    pytest_args: tuple[str, ...] = ()


class RunStarted(_Event, frozen=True, kw_only=True, tag="run_started"):
    """First line of every journal. ``plan_digest`` is the SHA-256 of the plan's text.

    ``proposed``: there is no file ``plan_path``. The runner has proposed the plan, and the run directory has its text.
    ``service`` is the CI service whose log the run writes for. It is none where the plan switches that off.
    """

    version: int
    run_id: str
    plan: str
    plan_path: str
    root: str
    argv: tuple[str, ...]
    runner: str
    plan_digest: str = ""
    asked: Asked = Asked()
    service: Service = "none"
    proposed: bool = False


class RunResumed(_Event, frozen=True, kw_only=True, tag="run_resumed"):
    """Another process resumes the run. Outcomes stay; tests that were running or not run are open once more.

    ``mono`` may begin anew here, after a restart of the machine.
    """

    run_id: str
    argv: tuple[str, ...]
    runner: str
    service: Service = "none"


class PythonFound(_Event, frozen=True, kw_only=True, tag="python_found"):
    """The Python that runs pytest for ``python: wanted`` of the plan, and ``why`` it is that one.

    ``note`` is what a reader may have expected instead, such as a ``.venv`` that was not taken.
    """

    wanted: str
    python: str
    why: str
    note: str = ""


class Collected(_Event, frozen=True, kw_only=True, tag="collected"):
    """The collection is over. The phases that follow as ``phase_planned`` hold its tests."""

    tests: int
    facts: PytestFacts
    errors: tuple[CollectError, ...] = ()
    skips: tuple[CollectError, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class PhasePlanned(_Event, frozen=True, kw_only=True, tag="phase_planned"):
    """A phase with every test that it must account for."""

    phase: str
    isolation: Isolation
    workers: int
    tests: tuple[TestRef, ...]
    kept: dict[Outcome, int] = {}  # outcomes that the run has from before it was resumed


class PhaseStarted(_Event, frozen=True, kw_only=True, tag="phase_started"):
    """A phase begins, with its setup."""

    phase: str


class CommandFinished(_Event, frozen=True, kw_only=True, tag="command_finished"):
    """A setup or teardown command ended."""

    result: CommandResult


class ProcessStarted(_Event, frozen=True, kw_only=True, tag="process_started"):
    """A pytest process for ``tests`` tests of a phase, the leader of ``workers`` where it has more than one.

    ``process`` is its name in this run (``async/0007``), ``slot`` the lowest that it holds.
    """

    phase: str
    process: str
    pid: int
    slot: int
    attempt: int
    tests: int
    log: str
    workers: int = 1


class ProcessExited(_Event, frozen=True, kw_only=True, tag="process_exited"):
    """A process ended. ``status`` is its exit status, negative for a signal: evidence, never the verdict."""

    phase: str
    process: str
    status: int
    finished: bool  # the pytest session inside said that it had finished
    warnings: int = 0  # of its tests, as far as it came to its end


class SuitePropertyAdded(_Event, frozen=True, kw_only=True, tag="suite_property_added"):
    """A test has added a property to the whole suite (`record_testsuite_property`)."""

    phase: str
    name: str
    value: str


class TestStarted(_Event, frozen=True, kw_only=True, tag="test_started"):
    """A test begins to run."""

    __test__ = False

    phase: str
    id: str
    process: str
    attempt: int
    worker: str = ""
    recheck: bool = False  # no attempt: ``test_rechecked`` follows


class TestFinished(_Event, frozen=True, kw_only=True, tag="test_finished"):
    """An attempt of a test has its outcome, from pytest or, for what pytest cannot tell, from the runner."""

    __test__ = False

    phase: str
    id: str
    attempt: int
    outcome: Outcome
    process: str = ""
    worker: str = ""
    slot: int = 0
    started: float = 0.0  # wall time at which the attempt began
    duration: float = 0.0
    call: float | None = None  # seconds of the call alone
    details: tuple[Detail, ...] = ()
    sections: tuple[Section, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()  # of its element in the XML (`record_xml_attribute`)
    retry: bool = False  # another attempt follows
    fails: bool = False  # red all the same: it is flaky, and the plan wants that to fail
    recheck: bool = False  # it will run once more, alone: ``test_rechecked`` follows
    alone: bool = False  # it was red after others in its process, and passes as the first of a fresh one
    nth: int = 0  # how many tests had run in its process before it; known in phases that recheck


class TestRechecked(_Event, frozen=True, kw_only=True, tag="test_rechecked"):
    """A red test was run once more, alone. With the outcome ``not_run`` it could not be, for this ``reason``."""

    __test__ = False

    phase: str
    id: str
    outcome: Outcome
    passes: bool = False  # the plan lets it pass: it depends on the order only
    process: str = ""
    duration: float = 0.0
    details: tuple[Detail, ...] = ()
    reason: str = ""


class LeakFound(_Event, frozen=True, kw_only=True, tag="leak_found"):
    """An attempt of a test has left something behind."""

    phase: str
    id: str
    attempt: int
    process: str
    leak: Leak


class WorkerRetired(_Event, frozen=True, kw_only=True, tag="worker_retired"):
    """A process of a phase with ``isolation: clean`` ends early: after the test ``id`` it is not clean any more."""

    phase: str
    process: str
    id: str
    why: str
    worker: str = ""


class DeadlineReached(_Event, frozen=True, kw_only=True, tag="deadline_reached"):
    """A budget is used up. The escalation begins: dump, fail from inside, TERM, KILL."""

    budget: Literal["collection", "setup", "test", "end", "phase", "run"]
    limit: float
    phase: str = ""
    process: str = ""
    id: str = ""


class TestSlow(_Event, frozen=True, kw_only=True, tag="test_slow"):
    """A test runs for longer than ``slow_after``, or as long once more. ``line`` is the line that it had reached."""

    __test__ = False

    phase: str
    id: str
    process: str
    attempt: int
    age: float
    line: str


class HangReported(_Event, frozen=True, kw_only=True, tag="hang_reported"):
    """Where a process waits, and ``why`` it was asked.

    ``overdue``: a deadline is over. ``asked``: a person wants to know. ``exit``: it does not end. ``slow``: a test is
    slow. ``likely`` is the line that most likely hangs. With an empty ``id`` no test runs in it.
    """

    phase: str
    process: str
    id: str
    attempt: int
    why: Literal["overdue", "asked", "exit", "slow"]
    age: float
    likely: str
    text: str


class TestNotRun(_Event, frozen=True, kw_only=True, tag="test_not_run"):
    """A planned test will not run, and why."""

    __test__ = False

    phase: str
    ids: tuple[str, ...]
    reason: str


class PhaseFinished(_Event, frozen=True, kw_only=True, tag="phase_finished"):
    """A phase is over. ``reason`` says why, if it ended early."""

    phase: str
    wall: float
    reason: str = ""


class WarningRecorded(_Event, frozen=True, kw_only=True, tag="warning_recorded"):
    """Tests of a process have caused a warning of Python's ``warnings``. Its repetitions add to the count later."""

    phase: str
    process: str
    warning: SuiteWarning


class Warned(_Event, frozen=True, kw_only=True, tag="warned"):
    """Worth knowing, changes nothing."""

    message: str


class ProblemFound(_Event, frozen=True, kw_only=True, tag="problem_found"):
    """Something beside the tests makes the run red."""

    problem: Problem


class Interrupted(_Event, frozen=True, kw_only=True, tag="interrupted"):
    """A signal asked the run to end. ``count`` is 1 for the first one (orderly), 2 for the second (at once)."""

    signal: int
    count: int = 1


class Paused(_Event, frozen=True, kw_only=True, tag="paused"):
    """The run was stopped (Ctrl-Z) and goes on. ``mono`` stood still meanwhile, in all events of the run."""

    seconds: float


class RunFinished(_Event, frozen=True, kw_only=True, tag="run_finished"):
    """Last line of a journal whose runner was not killed."""

    exit_code: int
    wall: float


Event = (
    RunStarted
    | RunResumed
    | PythonFound
    | Collected
    | PhasePlanned
    | PhaseStarted
    | CommandFinished
    | ProcessStarted
    | ProcessExited
    | SuitePropertyAdded
    | TestStarted
    | TestFinished
    | TestRechecked
    | LeakFound
    | WorkerRetired
    | DeadlineReached
    | TestSlow
    | HangReported
    | TestNotRun
    | PhaseFinished
    | WarningRecorded
    | Warned
    | ProblemFound
    | Interrupted
    | Paused
    | RunFinished
)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)


class _Kind(msgspec.Struct):
    kind: str


_kind_decoder = msgspec.json.Decoder(_Kind)
_KINDS: frozenset[str] = frozenset(str(cls.__struct_config__.tag) for cls in get_args(Event))


def encode(event: Event) -> bytes:
    """One line of JSON, without the newline. Lone surrogates, which JSON in UTF-8 cannot hold, are escaped visibly."""
    try:
        return _encoder.encode(event)
    except UnicodeEncodeError:
        return _encoder.encode(_without_surrogates(msgspec.to_builtins(event)))


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value


def decode(line: bytes) -> Event | None:
    """The event of one line, or None for a kind of a later version. ``msgspec.DecodeError`` for a damaged line."""
    try:
        event: Event = _decoder.decode(line)
    except msgspec.ValidationError:
        if _kind_decoder.decode(line).kind in _KINDS:
            raise
        return None
    except UnicodeDecodeError as error:  # what msgspec raises for bytes that are no UTF-8
        raise msgspec.DecodeError(str(error)) from error
    return event
