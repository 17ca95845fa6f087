"""A fault as data: a tiny project, and what must come out when the runner runs it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.projects import Finished, Project

Drive = Callable[[Project], Finished | None]  # None: it has checked by itself

BEFORE = "def test_before(): pass\n"
AFTER = "def test_after(): pass\n"
INNOCENT = {"test_before": "passed", "test_after": "passed"}
LAUNCHERS = ("exec", "warm")
ISOLATIONS = ("phase", "test")

# Long enough for a machine that is five times slower, for a fault that is no matter of time …
PATIENT = "defaults: {test_timeout: 60s, grace: 10s}\ncollect_timeout: 60s\n"
# … and short for one that is: only what hangs waits for it.
HASTY = "defaults: {test_timeout: 3s, grace: 500ms, leak_timeout: 500ms}\ncollect_timeout: 60s\n"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``why`` says in one line what breaks. ``expect`` holds the outcome of every collected test, by its name.

    ``says`` holds what the report must say about a test; ``problems``, ``warnings`` and ``collect_errors`` what it must
    say about the run, ``shows`` what stands on the screen. Each problem is one of these; of warnings there may be more.
    """

    name: str
    why: str
    covers: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    expect: Mapping[str, str] = field(default_factory=dict)
    code: int = 1
    says: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    collect_errors: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()
    plan: str = PATIENT
    phase: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    drive: Drive | None = None
    leaves: tuple[str, ...] = ()
    launchers: tuple[str, ...] = LAUNCHERS
    isolations: tuple[str, ...] = ISOLATIONS
    where: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def hasty(self) -> bool:
        """Whether the fault is one that only a deadline ends."""
        return self.plan.startswith(HASTY)

    def combinations(self) -> list[tuple[str, str]]:
        """Every launcher with every isolation that the fault is about."""
        return [(launcher, isolation) for launcher in self.launchers for isolation in self.isolations]

    def clean_combinations(self) -> list[tuple[str, str]]:
        """Every launcher with clean processes, where the fault is about all isolations: these run per release only."""
        return [(launcher, "clean") for launcher in self.launchers if self.isolations == ISOLATIONS]

    def under(self, launcher: str, isolation: str) -> Fault:
        """The fault with what ``where`` says to be different under a launcher, an isolation, or both.

        In clean processes a fault spoils no other test, as with a process for each.
        """
        alike = ("test", f"{launcher} test") if isolation == "clean" else ()
        fault = self
        for key in (launcher, *alike, isolation, f"{launcher} {isolation}"):
            fault = replace(fault, **self.where.get(key, {}))
        return fault

    def write(self, project: Project, isolation: str) -> None:
        """The project's files and its plan."""
        for name, text in self.files.items():
            project.write(name, text)
        extra = f", {self.phase}" if self.phase else ""
        project.plan(f"{self.plan}phases: [{{name: all, isolation: {isolation}{extra}}}]\n")


def between(code: str) -> str:
    """A test file in which an innocent test stands before the fault, and one after it."""
    return f"{BEFORE}\n{textwrap.dedent(code).strip()}\n\n{AFTER}"


def in_test(name: str, why: str, source: str, /, outcome: str = "crashed", says: str = "", **more: Any) -> Fault:
    """A fault in one test, ``test_fault``, between two innocent ones: nobody but itself may pay for it."""
    files = {"test_fault.py": between(source), **more.pop("files", {})}
    expect = {**INNOCENT, "test_fault": outcome, **more.pop("expect", {})}
    red = outcome not in ("passed", "skipped", "xfailed")
    more.setdefault("code", int(red))
    said = {"test_fault": says} if says else {}
    return Fault(name=name, why=why, files=files, expect=expect, says={**said, **more.pop("says_too", {})}, **more)


def hanging(name: str, why: str, source: str, /, says: str = "", **more: Any) -> Fault:
    """A fault that only a deadline ends."""
    more.setdefault("outcome", "timed_out")
    plan = HASTY + more.pop("plan", "")
    return in_test(name, why, source, says=says or "test_timeout", plan=plan, **more)


def in_conftest(name: str, why: str, source: str, /, **more: Any) -> Fault:
    """A fault in ``conftest.py``, beside two innocent tests (or those of ``code_of_tests``)."""
    tests = textwrap.dedent(more.pop("tests", f"{BEFORE}{AFTER}"))
    more.setdefault("expect", dict(INNOCENT))
    files = {"conftest.py": textwrap.dedent(source), "test_fault.py": tests, **more.pop("files", {})}
    return Fault(name=name, why=why, files=files, **more)
