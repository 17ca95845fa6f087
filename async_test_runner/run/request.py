"""What the command line asks of a run, and what it came to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path

import msgspec

from ..model.errors import ExitCode
from ..model.plan import Phase, Plan
from ..model.result import RunResult
from ..plan import reading as plans
from ..record.events import Asked, Service
from ..suite.assignment import Narrowing, phase_names
from ..suite.targets import Target
from ..suite.workers import processors
from ..words.wording import listed

_WHOLE_DIFFS = ("-o", "verbosity_assertions=2")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """``asked`` is what the journal keeps, and what a resumed run goes on with; the rest is of this process only.

    ``keyboard`` is a descriptor whose keys are heard while the run goes on. With ``whole_diffs`` pytest shortens no
    comparison that an assertion makes. ``proposal`` is the text of a plan that no file has; it would lie at ``plan``.
    """

    plan: Path
    proposal: str = ""
    asked: Asked = Asked()
    run_dir: Path | None = None
    argv: tuple[str, ...] = ()
    keyboard: int | None = None
    whole_diffs: bool = False

    @property
    def pytest_args(self) -> tuple[str, ...]:
        """What the command line adds to every command line of pytest; what stands after ``--`` comes last, and wins."""
        return (*(_WHOLE_DIFFS if self.whole_diffs else ()), *self.asked.pytest_args)

    def loaded(self) -> Plan:
        """The plan, as the command line changes it. ``PlanError`` with every problem."""
        plan = plans.parse(self.proposal, self.plan, on_disk=True) if self.proposal else plans.load(self.plan)
        return adjusted(plan, self.asked)

    def narrowing(self, plan: Plan) -> Narrowing:
        """Which tests of the plan are meant."""
        return narrowing_of(self.asked, plan)


def narrowing_of(asked: Asked, plan: Plan) -> Narrowing:
    """Which tests of the plan are meant. A word that is the name of a phase is the phase, whatever lies on the disk."""
    known = phase_names(plan)
    words = list(zip_longest(asked.phases, asked.places[: len(asked.phases)], fillvalue=""))
    return Narrowing(
        phases=tuple(word for word, place in words if word in known or not place),
        targets=tuple(Target(word, place) for word, place in words if word not in known and place),
        files=asked.files,
        markers=asked.markers,
        keyword=asked.keyword,
        tests=asked.tests,
        red=asked.red,
        red_of=asked.red_of,
    )


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to, and where it is written down."""

    result: RunResult
    exit_code: ExitCode
    places: tuple[tuple[str, Path], ...]
    service: Service = "none"
    coverage: str = ""  # the table that pytest-cov would have printed


def adjusted(plan: Plan, asked: Asked) -> Plan:
    """The plan as the command line changes it: ``--workers`` is an upper limit, the rest replaces."""
    changes: dict[str, object] = {}
    if asked.run_timeout is not None:
        changes["run_timeout"] = asked.run_timeout
    phases = tuple(_adjusted_phase(phase, asked) for phase in plan.phases)
    return msgspec.structs.replace(plan, phases=phases, **changes)


def notes(asked: Asked, phases: Iterable[Phase]) -> list[str]:
    """What is to be said of ``--workers``, which never gives a phase more than the plan does."""
    alone = [phase.name for phase in phases if phase.workers is None]
    if asked.workers is None or asked.workers < 2 or not alone:
        return []
    what = "phase" if len(alone) == 1 else "phases"
    return [f"--workers is an upper limit, and the plan gives no `workers` to {what} {listed(alone)}"]


def _adjusted_phase(phase: Phase, asked: Asked) -> Phase:
    changes: dict[str, object] = {}
    if asked.launcher is not None:
        changes["launcher"] = asked.launcher
    if asked.max_failures is not None:
        changes["max_failures"] = asked.max_failures
    if asked.workers is not None and phase.workers is not None:
        wanted = processors() if phase.workers == "auto" else phase.workers
        changes["workers"] = min(asked.workers, wanted) if phase.workers != "auto" else asked.workers
    return msgspec.structs.replace(phase, **changes)
