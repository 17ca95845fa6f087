"""The collection of a plan: what pytest is asked, and the proof that every test has one phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ..contract.surroundings import Surroundings
from ..launchers import interpreter
from ..launchers.collect import Collection, Collector
from ..launchers.exec import has_xdist, rootdir_arguments
from ..launchers.warm import Host, may_fork
from ..model.errors import PlanError, RunnerError, UsageError
from ..model.inventory import Interpreter, Inventory, PytestFacts
from ..model.plan import Phase, Plan
from ..model.result import Problem, RunResult
from ..model.vocabulary import Isolation
from ..plan import arguments, pytest_options
from ..reports.wording.words import plural
from ..suite import assignment as selection
from ..suite import lacking, relations, sessions
from ..suite.assignment import Assignment, Narrowing
from ..suite.workers import workers_of
from ..words.templates import expand, template_values

HOST_GRACE = 2.0  # seconds that a host has to end once it is asked to


def surroundings(
    plan: Plan,
    run_dir: Path,
    environ: Mapping[str, str],
    arguments: tuple[str, ...] = (),
    *,
    imports: Path = Path(),
) -> Surroundings:
    """What the processes of a run of this plan are started under, as far as it is known before the collection."""
    return Surroundings(
        root=plan.root,
        run_dir=run_dir,
        run_id=run_dir.name,
        environ=environ,
        arguments=arguments,
        paths=selection.collection_paths(plan),
        imports=imports,
    )


async def collect(plan: Plan, narrowing: Narrowing, around: Surroundings) -> Inventory:
    """One pytest collection for the plan. ``UsageError`` when an expression of it is not one that pytest accepts."""
    return (await gather(plan, narrowing, around, host=False)).inventory


def wants_host(plan: Plan) -> bool:
    """Whether any phase may run in forks of the process that collects."""
    return any(may_fork(phase) for phase in plan.phases)


async def gather(
    plan: Plan,
    narrowing: Narrowing,
    around: Surroundings,
    *,
    host: bool,
    python: Interpreter | None = None,
    begins: bool = False,
) -> Collection:
    """`collect`, and with ``host`` the process that has collected stays, to fork from. ``python`` is known already.

    ``begins`` says that a run begins with it.
    """
    python = python or interpreter.find(plan.python, plan.root, around.environ)
    values = template_values("collection", str(around.run_dir), 0, "gw0")
    collector = Collector(
        msgspec.structs.replace(around, arguments=(*plan.pytest_args, *around.arguments)),
        python=python,
        env={**around.environ, **{name: expand(text, values) for name, text in plan.env}},
        timeout=plan.collect_timeout,
        grace=min((phase.grace for phase in plan.phases), default=5.0),
        begins=begins,
    )
    expressions = selection.expressions(plan, narrowing)
    collected = await collector.inventory(expressions, keep_going=plan.collect_errors == "continue", host=host)
    if collected.refused:
        if collected.host is not None:
            await collected.host.end(HOST_GRACE)
        raise _refused(plan, expressions, collected.refused)
    return collected


def _refused(
    plan: Plan, expressions: tuple[selection.Expression, ...], refused: Mapping[int, str]
) -> PlanError | UsageError:
    lines = []
    for position, said in sorted(refused.items()):
        kind, text = expressions[position]
        places = [
            f"{plan.path.name}:{phase.line}: phases[{number}].{kind}: "
            for number, phase in enumerate(plan.phases)
            if getattr(phase, kind) == text
        ]
        if getattr(plan.select, kind) == text:
            places.insert(0, f"{plan.path.name}: select.{kind}: ")
        lines += [f"{place}{said}" for place in places or [f"command line: {text!r}: "]]
    return PlanError(lines, hint="pytest evaluates these like its own -m and -k")


def proved(plan: Plan, inventory: Inventory, narrowing: Narrowing) -> Assignment:
    """The assignment, if every collected test belongs to exactly one phase. ``UsageError`` with the remedies if not.

    Where files could not be collected, the proof waits for them: the run is red anyway.
    """
    assignment = selection.assign(plan, inventory, narrowing)
    error = selection.assignment_error(assignment)
    if error is not None:
        raise error
    _check_workers(plan, inventory, assignment)
    relations.check(plan.path.name, assignment.phases, inventory.facts)
    return assignment


def judging(collected: Collection, assignment: Assignment) -> list[str]:
    """What plugins that judge at the end of a session do in part; ``UsageError`` where that would cost files."""
    host = collected.host

    def forks(phase: Phase) -> bool:
        return may_fork(phase) and host is not None and not host.unsafe

    inventory = collected.inventory
    demands = inventory.facts.demands
    found = sessions.sessions(assignment.phases, inventory.facts, forks, collected=len(inventory.tests))
    sessions.refuse(demands, found)
    return list(sessions.notes(demands, found))


def check_that_tests_run(facts: PytestFacts) -> None:
    """``UsageError`` where pytest itself would run none."""
    problems = pytest_options.refusals(facts.given)
    if problems:
        raise UsageError("\n".join(problems), hint="remove it there; async-test-run plan shows the tests of each phase")


def notes(facts: PytestFacts, plan: Plan, phases: Sequence[Phase], after_dashes: Sequence[str]) -> list[str]:
    """What is to be said of options of pytest that do not mean in a run what they say.

    ``phases`` are those that run, ``after_dashes`` the arguments of the command line. What a plugin demands of its
    sessions is told by `judging`.
    """
    several = len(phases) > 1 or any(map(_takes_several, phases))
    asked = arguments.names(after_dashes)
    shared = arguments.names([*plan.pytest_args, *arguments.of_environment(plan.env)])
    demanding = {demand.option for demand in facts.demands}
    given = [name for name in facts.given if name not in demanding]
    found = pytest_options.notes(
        [name for name in given if name not in (*asked, *shared)], "in pytest's configuration", several=several
    )
    found += pytest_options.notes([name for name in given if name in asked], "after --", several=several)
    for phase in phases:
        places = {"pytest_args": phase.pytest_args, arguments.VARIABLE: arguments.of_environment(phase.env)}
        for key, said in places.items():
            where = f"in the {key} of phase {phase.name}"
            found += pytest_options.notes(arguments.names(said), where, several=_takes_several(phase))
    return found


def _takes_several(phase: Phase) -> bool:
    """Whether a phase takes more than one session of pytest."""
    return phase.isolation is not Isolation.PHASE and not may_fork(phase)


def too_many_warnings(result: RunResult) -> Problem | None:
    """What ``--max-warnings`` says to a run that is green: its processes are not asked, each has seen a part."""
    limit, count = result.facts.max_warnings, result.facts.warnings
    count += sum(process.warnings for phase in result.phases for process in phase.processes)
    if limit is None or count <= limit:
        return None
    return Problem("failure", f"{plural(count, 'warning')}, more than --max-warnings allows ({limit})")


def _check_workers(plan: Plan, inventory: Inventory, assignment: Assignment) -> None:
    if has_xdist(inventory.facts) or not inventory.facts.version:
        return
    for assigned in assignment.phases:
        phase = assigned.phase
        workers = workers_of(phase, inventory.facts)
        if may_fork(phase):
            continue  # forked workers need no plugin
        if phase.isolation is Isolation.PHASE and workers > 1 and len(assigned.tests) > 1:
            raise UsageError(
                f"{plan.path.name}:{phase.line}: phase {phase.name} asks for {workers} workers, "
                f"but {inventory.interpreter.path or 'its Python'} has no pytest-xdist",
                hint=f"{lacking.install(inventory.interpreter, lacking.XDIST)}, set `workers: 1`, "
                "or divide the phase with `isolation: file`",
            )


async def host_of(plan: Plan, phase: Phase, around: Surroundings, *, python: Interpreter) -> Host | None:
    """A host for a phase with surroundings of its own; None if its collection does not come to an end."""
    values = template_values(phase.name, str(around.run_dir), 0, "gw0")
    collector = Collector(
        msgspec.structs.replace(
            around,
            arguments=(*phase.pytest_args, *around.arguments, *rootdir_arguments(around.facts)),
        ),
        python=python,
        env={**around.environ, **{name: expand(text, values) for name, text in phase.env}},
        timeout=plan.collect_timeout,
        grace=phase.grace,
        directory=around.run_dir / "hosts" / phase.name / "collection",
    )
    try:
        collected = await collector.inventory((), keep_going=True, host=True)
    except RunnerError:
        return None
    return collected.host
