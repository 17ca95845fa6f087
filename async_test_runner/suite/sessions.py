"""Whether one pytest session, or one process, sees all tests that run. Plugins that judge at their end count on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from ..model.errors import UsageError
from ..model.inventory import Demand, PytestFacts
from ..model.plan import Phase
from ..model.vocabulary import Isolation
from .assignment import AssignedPhase
from .units import units
from .workers import workers_of

_IN_ONE = "put all tests into one phase with `isolation: phase` and `workers: 1`"
_UNDIVIDED = "give each phase `isolation: phase` and `workers: 1`"
_IN_ONE_SESSION = "put all tests into one phase with `isolation: phase`"


class Sessions(msgspec.Struct, frozen=True):
    """Why there are several; each is empty where there is one."""

    session: str
    process: str
    all: str
    own: str  # tests run in other processes than their session

    def obstacle(self, demand: Demand) -> str:
        """Why this demand is not met; empty if it is."""
        match demand.needs:
            case "all":
                return self.session or self.all
            case "session":
                return self.session
            case "process":
                return self.session or self.process
            case "own process":
                return self.own


def sessions(
    phases: tuple[AssignedPhase, ...], facts: PytestFacts, forks: Callable[[Phase], bool], *, collected: int
) -> Sessions:
    """How many the tests of these phases have; ``forks`` says whether a phase runs in forks."""
    running = [assigned for assigned in phases if assigned.tests]
    planned = sum(len(assigned.tests) for assigned in running)
    return Sessions(
        session=_several_sessions(running, forks),
        process=next((text for assigned in running if (text := _several_processes(assigned, facts))), ""),
        own=next((text for assigned in running if (text := _other_processes(assigned, facts, forks))), ""),
        all=f"{planned} of {collected} collected tests run" if planned < collected else "",
    )


def _several_sessions(running: list[AssignedPhase], forks: Callable[[Phase], bool]) -> str:
    if len(running) > 1:
        names = ", ".join(assigned.phase.name for assigned in running)
        return f"each phase has a session of its own ({names})"
    for assigned in running:
        phase = assigned.phase
        if phase.isolation is Isolation.CLEAN and len(assigned.tests) > 1 and not forks(phase):
            return f"phase {phase.name} may need several fresh processes (`isolation: clean`)"
        if len(units(phase, assigned.tests)) > 1 and not forks(phase):
            return f"phase {phase.name} has a fresh process for each {phase.isolation.value}"
    return ""


def _several_processes(assigned: AssignedPhase, facts: PytestFacts) -> str:
    phase = assigned.phase
    several = len(assigned.tests) if phase.isolation is Isolation.CLEAN else len(units(phase, assigned.tests))
    if several > 1:
        return f"phase {phase.name} has `isolation: {phase.isolation.value}`"
    workers = workers_of(phase, facts)
    if phase.isolation is Isolation.PHASE and workers > 1 and len(assigned.tests) > 1:
        return f"phase {phase.name} has {workers} workers"
    return ""


def _other_processes(assigned: AssignedPhase, facts: PytestFacts, forks: Callable[[Phase], bool]) -> str:
    """A fresh process for each unit is a session of its own."""
    is_fresh = len(units(assigned.phase, assigned.tests)) > 1 and not forks(assigned.phase)
    return "" if is_fresh else _several_processes(assigned, facts)


def refuse(demands: tuple[Demand, ...], found: Sessions) -> None:
    """``UsageError`` where a plugin would change files of the project, or judge, without having seen all tests."""
    for demand in demands:
        obstacle = found.obstacle(demand)
        if demand.refused and obstacle:
            raise UsageError(
                f"{demand.what} {demand.does}, and needs {_one(demand)} for all tests: {obstacle}",
                hint=", or ".join(filter(None, [_remedy(demand), demand.otherwise])),
            )


def notes(demands: tuple[Demand, ...], found: Sessions) -> Iterator[str]:
    """What is done in part, or by the last process only."""
    for demand in demands:
        obstacle = found.obstacle(demand)
        if obstacle and not demand.refused:
            yield f"{demand.what} needs {_one(demand)} for all tests, and {obstacle}: {demand.otherwise}"


def _one(demand: Demand) -> str:
    return "one process" if "process" in demand.needs else "one pytest session"


def _remedy(demand: Demand) -> str:
    match demand.needs:
        case "process":
            return _IN_ONE
        case "own process":
            return _UNDIVIDED
        case "all" | "session":
            return _IN_ONE_SESSION
