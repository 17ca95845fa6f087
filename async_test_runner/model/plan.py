"""The plan as frozen values: phases with their policies, defaults filled in.

Durations are seconds (float), sizes are bytes; ``None`` for a limit means "no limit".
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

import msgspec

from .vocabulary import Isolation, LeakKind, LeakPolicy, Outcome, PassOrFail, RetryOn


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


class Leaks(msgspec.Struct, frozen=True):
    """What becomes of what a test leaves behind: ``default`` holds for the kinds that have no policy of their own."""

    default: LeakPolicy = "report"
    kinds: dict[LeakKind, LeakPolicy] = {}

    def of(self, kind: LeakKind) -> LeakPolicy:
        """The policy for one kind."""
        return self.kinds.get(kind, self.default)

    def by_kind(self) -> dict[LeakKind, LeakPolicy]:
        """The policy for every kind."""
        return {kind: self.of(kind) for kind in LeakKind}


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
    keep_runs: int | None = 50  # that have come to their end
    run_timeout: float | None = None
    resources: tuple[tuple[str, int], ...] = ()
    reports: dict[str, str] = {}  # by format: where it is written besides the run directory, relative to the plan
    silent: frozenset[str] = frozenset()  # formats of CI services for whose logs a run writes nothing
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
