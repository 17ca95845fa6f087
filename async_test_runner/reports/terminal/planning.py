"""What a plan makes of a suite, before anything runs: as text for a person, and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.text import Text

from ...model.errors import ExitCode, UsageError
from ...model.inventory import CollectedTest, CollectError, Inventory, LeftOut
from ...model.plan import Plan
from ...suite import lacking
from ...suite.assignment import AssignedPhase, Assignment, Explanation
from ...suite.units import units
from ..wording.text import item, tail
from ..wording.words import plural
from .entries import behind
from .screen import aligned

VERSION = 1
_SHOWN = 20
_ERROR_LINES = 60


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, what was collected for it, and who takes what. ``workers`` has a number for each assigned phase.

    ``problem`` is what keeps the assignment from being run, if anything does.
    """

    plan: Plan
    inventory: Inventory
    assignment: Assignment
    workers: tuple[int, ...]
    problem: UsageError | None = None

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """By pytest, by the plan, by the command line."""
        return (*self.inventory.left_out, *self.assignment.left_out)


def exit_code(forecast: Forecast) -> ExitCode:
    """2 when no run would start, 1 when it would be red from the beginning, 5 when it would hold nothing."""
    if forecast.problem is not None:
        return ExitCode.USAGE
    if forecast.inventory.errors:
        return ExitCode.FAILED
    return ExitCode.PASSED if forecast.assignment.planned else ExitCode.NOTHING_SELECTED


# --------------------------------------------------------------------------------------------------------------- text


def render(forecast: Forecast, *, verbosity: int = 0) -> list[Text]:
    """The lines for a person; with ``verbosity`` 1 every id is listed and nothing is cut."""
    whole = verbosity > 0
    limit = None if whole else _SHOWN
    inventory = forecast.inventory
    sections = [
        python(inventory) if whole else [],
        _section("phases", table(forecast.assignment.phases, forecast.workers)),
        *(_members(assigned) for assigned in forecast.assignment.phases if whole),
        left_out(forecast.left_out),
        _section("files that skipped themselves", _skips(inventory.skips, limit)),
        collection_errors(inventory, whole=whole),
        notes((*forecast.assignment.notes, *_unawaited(forecast))),
        _section("problem", _problem(forecast, whole=whole)),
    ]
    lines = [line for section in sections if section for line in (*section, Text())]
    return [*lines, _verdict(forecast)]


def table(phases: Sequence[AssignedPhase], workers: Sequence[int]) -> list[Text]:
    """A row for each phase, and one for all when there are several."""
    rows = [_cells(assigned, count) for assigned, count in zip(phases, workers, strict=True)]
    if not rows:
        return []
    if len(rows) > 1:
        sums = [str(sum(int(row[column]) for row in rows)) for column in (3, 4, 5)]
        rows.append(["total", "", "", *sums, ""])
    header = ["", "isolation", "workers", "tests", "coroutines", "processes", "resources"]
    shown = 7 if any(row[6] for row in rows) else 6
    return aligned(
        [[(text, "dim") for text in header[:shown]], *(_styled(row[:shown]) for row in rows)], right=range(2, 6)
    )


def _cells(assigned: AssignedPhase, workers: int) -> list[str]:
    return [
        item(assigned.phase.name),
        str(assigned.phase.isolation),
        str(workers),
        str(len(assigned.tests)),
        str(_coroutines(assigned)),
        str(_processes(assigned)),
        ", ".join(_resources(assigned)),
    ]


def _styled(row: Sequence[str]) -> list[tuple[str, str]]:
    return [(text, "" if position else "bold") for position, text in enumerate(row)]


def _coroutines(assigned: AssignedPhase) -> int:
    return sum(test.is_async for test in assigned.tests)


def _processes(assigned: AssignedPhase) -> int:
    return len(units(assigned.phase, assigned.tests))


def _resources(assigned: AssignedPhase) -> list[str]:
    names = set(assigned.phase.resources).union(*(test.resources for test in assigned.tests))
    return sorted(item(name) for name in names)


def _section(title: str, lines: Iterable[Text]) -> list[Text]:
    body = list(lines)
    return [Text(title, "bold underline"), *body] if body else []


def python(inventory: Inventory) -> list[Text]:
    """Which Python has collected, and why that one; nothing if nobody knows."""
    found, facts = inventory.interpreter, inventory.facts
    if not found.path:
        return []
    known = [facts.python, f"pytest {facts.version}" if facts.version else ""]
    versions = f" ({', '.join(filter(None, known))})" if any(known) else ""
    lines = [Text.assemble("  ", (item(found.path), "bold"), f"{versions}: {item(found.why)}")]
    return _section("python", [*lines, *([Text(f"  {item(found.note)}", "dim")] if found.note else [])])


def _unawaited(forecast: Forecast) -> list[str]:
    planned = (test for assigned in forecast.assignment.phases for test in assigned.tests)
    return lacking.unawaited(planned, forecast.inventory.facts, forecast.inventory.interpreter)


def _members(assigned: AssignedPhase) -> list[Text]:
    return _section(f"phase {item(assigned.phase.name)}", (Text(f"  {item(test.id)}") for test in assigned.tests))


def _left_out(groups: Sequence[LeftOut]) -> Iterator[Text]:
    for group in groups:
        examples = [item(example) for example in group.examples[:3]]
        examples += ["…"] if group.count > len(examples) else []
        said = f" ({', '.join(examples)})" if group.examples else ""
        yield Text.assemble(f"  {plural(group.count, group.what[:-1])}: {item(group.reason)}", (said, "dim"))


def _skips(skips: Sequence[CollectError], limit: int | None) -> Iterator[Text]:
    for skip in skips[:limit]:
        yield Text(f"  {item(skip.id)}: {item(skip.text)}")
    yield from _more(len(skips) - len(skips[:limit]))


def collection_errors(inventory: Inventory, *, whole: bool = False) -> list[Text]:
    """What could not be collected, in pytest's own words; nothing if there is nothing."""
    return _section("collection errors", _errors(inventory.errors, whole=whole))


def left_out(groups: Sequence[LeftOut]) -> list[Text]:
    """What takes no part, and by whose decision; nothing if there is nothing."""
    return _section("left out", _left_out(groups))


def notes(texts: Iterable[str]) -> list[Text]:
    """The section of things worth knowing."""
    return _section("notes", (Text(f"  {item(text)}") for text in texts))


def _errors(errors: Sequence[CollectError], *, whole: bool) -> Iterator[Text]:
    kept = errors if whole else errors[:_SHOWN]
    for error in kept:
        yield Text.assemble("  ", (item(error.id), "bold red"))
        lines, dropped = tail(error.text, None if whole else _ERROR_LINES)
        if dropped:
            yield Text(f"  … {plural(dropped, 'earlier line')}; -v shows all", "dim")
        yield from (behind(line, "red" if line.startswith("E  ") else "") for line in lines)
    yield from _more(len(errors) - len(kept))


def _more(hidden: int) -> Iterator[Text]:
    if hidden > 0:
        yield Text(f"  … and {hidden} more; -v shows all", "dim")


def _problem(forecast: Forecast, *, whole: bool) -> Iterator[Text]:
    if forecast.problem is None:
        return
    first, *rest = forecast.problem.message.split("\n")
    assignment = forecast.assignment
    if whole and assignment.overlaps:
        rest = [f"  {overlap.test.id} ({', '.join(overlap.phases)})" for overlap in assignment.overlaps]
    elif whole and assignment.unassigned:
        rest = [f"  {test.id}" for test in assignment.unassigned]
    yield Text(f"  {item(first)}", "bold red")
    yield from (Text(f"  {item(line)}") for line in rest)
    yield Text(f"  {item(forecast.problem.hint)}", "cyan")


def _verdict(forecast: Forecast) -> Text:
    code = exit_code(forecast)
    planned, phases = forecast.assignment.planned, len(forecast.assignment.phases)
    match code:
        case ExitCode.PASSED:
            return _said("OK", "bold green", f"{_in_phases(planned, phases)}, every test in exactly one")
        case ExitCode.FAILED:
            errors = plural(len(forecast.inventory.errors), "collection error")
            return _said("COLLECTION ERRORS", "bold red", f"{errors}; {_in_phases(planned, phases)} (exit 1)")
        case ExitCode.NOTHING_SELECTED:
            return _said("NOTHING SELECTED", "bold yellow", f"{_nothing(forecast)} (exit 5)")
        case _:
            return _said("NOT RUNNABLE", "bold red", "change the plan as said above (exit 2)")


def _said(label: str, style: str, text: str) -> Text:
    return Text.assemble((label, style), " ", text)


def _in_phases(planned: int, phases: int) -> str:
    return f"{plural(planned, 'test')} in {plural(phases, 'phase')}"


def _nothing(forecast: Forecast) -> str:
    if forecast.inventory.tests:
        return f"{plural(len(forecast.inventory.tests), 'test')} collected, none takes part; see what is left out"
    return "pytest collected no tests; look at `testpaths` in its configuration and at `select` in the plan"


# ------------------------------------------------------------------------------------------------------- explanation


def explained(explanation: Explanation) -> list[Text]:
    """Why a test is where it is: what it bears, and the answer of each phase up to the one that takes it."""
    test = explanation.test
    kind = "coroutine test" if test.is_async else "test"
    lines = [
        Text(item(test.id), "bold"),
        Text(f"  {item(explanation.summary)}", "green" if explanation.phase else "yellow"),
        Text(f"  {kind} at {item(test.file)}:{test.line}"),
        Text(f"  marks: {_names(test.marks)}"),
        Text(f"  fixtures: {_names(test.fixtures)}"),
    ]
    if not explanation.steps:
        return lines
    width = max(cell_len(item(step.phase)) for step in explanation.steps)
    lines += [Text(), Text("phases, in the order in which they are asked", "bold underline")]
    for step in explanation.steps:
        name = item(step.phase)
        answer = ("takes it ", "green") if step.takes else ("passes it", "dim")
        reasons = "; ".join(item(reason) for reason in step.reasons)
        lines.append(Text.assemble("  ", (name, "bold"), " " * (width - cell_len(name)), "  ", answer, "  ", reasons))
    return lines


def _names(names: Sequence[str]) -> str:
    return ", ".join(item(name) for name in names) or "none"


# -------------------------------------------------------------------------------------------------------------- JSON


def document(forecast: Forecast) -> dict[str, Any]:
    """The forecast as JSON values; the shape is described in ``commands/plan.py``."""
    inventory, assignment = forecast.inventory, forecast.assignment
    code = exit_code(forecast)
    return {
        "version": VERSION,
        "plan": forecast.plan.name,
        "path": str(forecast.plan.path),
        "root": str(forecast.plan.root),
        "exit_code": int(code),
        "problem": _problem_document(forecast.problem),
        "collected": len(inventory.tests),
        "planned": assignment.planned,
        "phases": [
            _phase_document(assigned, workers)
            for assigned, workers in zip(assignment.phases, forecast.workers, strict=True)
        ],
        "unassigned": [test.id for test in assignment.unassigned],
        "overlaps": [{"id": overlap.test.id, "phases": list(overlap.phases)} for overlap in assignment.overlaps],
        "left_out": [msgspec.to_builtins(group) for group in forecast.left_out],
        "notes": [*assignment.notes, *_unawaited(forecast)],
        "collection_errors": [msgspec.to_builtins(error) for error in inventory.errors],
        "collection_skips": [msgspec.to_builtins(skip) for skip in inventory.skips],
        "pytest": {name: getattr(inventory.facts, name) for name in ("version", "python", "rootdir")},
        "interpreter": msgspec.to_builtins(inventory.interpreter),
    }


def _problem_document(problem: UsageError | None) -> dict[str, str] | None:
    if problem is None:
        return None
    return {"message": problem.message.split("\n")[0], "hint": problem.hint}


def _phase_document(assigned: AssignedPhase, workers: int) -> dict[str, Any]:
    return {
        "name": assigned.phase.name,
        "isolation": str(assigned.phase.isolation),
        "workers": workers,
        "processes": _processes(assigned),
        "coroutines": _coroutines(assigned),
        "resources": sorted(set(assigned.phase.resources).union(*(test.resources for test in assigned.tests))),
        "tests": [test.id for test in assigned.tests],
    }


def explained_document(explanation: Explanation) -> dict[str, Any]:
    """An explanation as JSON values; ``phase`` is null for a test that runs in none."""
    test: CollectedTest = explanation.test
    return {
        "version": VERSION,
        "id": test.id,
        "file": test.file,
        "line": test.line,
        "coroutine": test.is_async,
        "marks": list(test.marks),
        "fixtures": list(test.fixtures),
        "phase": explanation.phase or None,
        "summary": explanation.summary,
        "steps": [
            {"phase": step.phase, "takes": step.takes, "reasons": list(step.reasons)} for step in explanation.steps
        ],
    }


def nothing_to_propose(inventory: Inventory, *, so: str) -> list[Text]:
    """What is said where there is no test to propose a plan for, and ``so`` what comes of it."""
    errors = collection_errors(inventory)
    said = f"async-test-run: pytest could not collect any test; {so}"
    hint = "  mend what is shown above, then do the same again"
    if not errors:
        said = f"async-test-run: pytest found no tests in {item(inventory.facts.rootdir)}; {so}"
        hint = "  name where they are: async-test-run init tests/"
    return [*errors, *left_out(inventory.left_out), Text(said), Text(hint, "cyan")]


def proposed(phases: Sequence[AssignedPhase], name: str) -> list[Text]:
    """Two lines about a plan that is run without having been written: ``name`` is the file that there is not."""
    each = (f"{item(phase.phase.name)} {plural(len(phase.tests), 'test')}" for phase in phases)
    return [
        Text(f"no {name} here: this runs the plan that init would write: {', '.join(each)}"),
        Text("keep it, and change it: async-test-run init", "cyan"),
    ]
