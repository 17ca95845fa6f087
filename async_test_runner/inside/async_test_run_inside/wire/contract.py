"""The shapes of what crosses between this process and the runner, as JSON holds them.

The other half is ``contract/`` in the runner. A test compares both field by field, so a field stands on both sides.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from ..leaks.found import LeakKind

Why = Literal["overdue", "slow", "asked", "exit", "interrupted"]  # a process is asked what it is at

# ------------------------------------------------------------------------------------------------- from the runner


class Asked(TypedDict):
    """The settings file of a pytest process (``Settings`` in the runner)."""

    mode: Literal["collect", "run"]
    runner: int  # process id of what started this one
    at_end: str  # directory for commands that are left for the end of the run
    without: list[str]  # absolute paths of files that nobody is to import again
    seed: int  # of what is drawn while tests are collected
    files: list[str]  # in a fresh session, all files that are to be imported, relative to the rootdir; empty: all
    # a collection
    expressions: list[tuple[str, str]]  # ("markers" | "keyword", text)
    host: bool  # stay after the collection, to be forked from
    begins: bool  # a run begins with it
    watched: dict[str, str]  # options that are looked for, by what pytest keeps
    # a session
    tests: list[str]
    meant: list[str]  # what each of them stands for; empty in a fork of the process that made the inventory
    units: list[list[str]]
    divided: bool
    clean: bool  # a process ends after the test that leaves anything behind
    recheck: bool
    slot: int
    workers: int
    whole: bool  # this session has all tests of the inventory
    alone: bool  # no other process runs tests beside this one
    maxfail: int
    capacities: list[tuple[str, int]]
    resources: list[str]
    worker_env: dict[str, dict[str, str]]  # by xdist worker
    leaks: dict[str, str]  # policy by kind
    leak_timeout: float  # seconds
    memory: int | None  # bytes
    output: int  # bytes
    testrun_uid: str
    preload: str  # the file of what workers import; empty where nothing is learned
    junit: str  # path of pytest's own XML in a forked session; empty where nobody wants one


class Order(TypedDict):
    """One line for a host: fork the session of this job."""

    process: str
    settings: str  # path


class Question(TypedDict):
    """The note that is left before a process is signalled."""

    why: Why
    id: str
    message: str


# --------------------------------------------------------------------------------------------------- to the runner


class Entry(TypedDict):
    """One item of the inventory (``CollectedTest``)."""

    id: str
    file: str
    line: int
    marks: list[str]
    is_async: bool
    fixtures: list[str]
    resources: list[str]
    matches: list[int]
    class_id: str
    source: str  # the file that it was collected from: "" if it is ``file``, "?" if there is none
    parameters: str  # their values in one line
    depends: list[str]  # ids of tests without which a plugin skips it
    unawaited: bool  # a coroutine that nothing here would await


class CoverageAsked(TypedDict):
    """What the project asks of pytest-cov (``Coverage``)."""

    config: str
    reports: list[tuple[str, str]]
    fail_under: float
    append: bool


class Demand(TypedDict):
    """What a plugin needs so that it judges as in one process (``Demand``)."""

    what: str  # the option, as the user has written it
    needs: Literal["all", "session", "process", "own process"]
    refused: bool
    otherwise: str
    does: str


class WarningSaid(TypedDict):
    """A warning of Python's ``warnings``, as often as it came from one place (``SuiteWarning``)."""

    category: str  # empty: warnings beyond the limit of their session, which are counted only
    where: str  # path:line
    text: str
    count: int
    tests: list[str]  # the first ones in which it came


class Facts(TypedDict):
    """What the project's pytest is and asks for (``PytestFacts``)."""

    version: str
    python: str
    rootdir: str
    inipath: str
    plugins: list[str]
    junit_xml: str
    junit_prefix: str
    junit_suite: str
    junit_family: str
    junit_logging: str
    junit_log_passing: bool
    junit_duration: str
    maxfail: int
    max_warnings: int | None
    warnings: int  # of the collection
    warned: list[WarningSaid]  # the same
    durations: int | None
    durations_min: float | None
    report_chars: str
    numprocesses: int
    dist: str
    seed: str  # the option that gives the random order again
    renamed: list[str]  # ids of tests whose own ids belonged to others
    given: list[str]  # those of ``watched`` that are set
    coverage: CoverageAsked | None
    demands: list[Demand]


class Stage(TypedDict):
    """One stage of a test that is not simply passed."""

    when: Literal["setup", "call", "teardown"]
    outcome: str  # as pytest has it, or ``xfailed``, ``xpassed``, ``rerun``
    message: NotRequired[str]
    text: NotRequired[str]
    sub: NotRequired[bool]


class LeakSaid(TypedDict):
    """Something that was left behind (``Leak``)."""

    kind: LeakKind
    what: str
    where: NotRequired[str]
