"""Plan + inventory -> assignment: which phase takes which test, and what takes part in none.

Pure. pytest has evaluated the expressions already (`CollectedTest.matches`); here they are only put together. What the
command line narrows is taken away after the assignment, so that the proof speaks of the whole plan.
"""

from __future__ import annotations

import re

import msgspec

from ..model.errors import UsageError
from ..model.inventory import CollectedTest, Inventory, LeftOut
from ..model.plan import Phase, Plan, Select
from ..words.globs import directories, fixed_part, relative
from ..words.wording import closest, did_you_mean, listed, printable, quoted
from . import red, targets
from .criteria import Criteria, Criterion, all_hold
from .targets import Target

Expression = tuple[str, str]

_EXAMPLES = 3
_SHOWN_IDS = 20
_EXPRESSION_WORDS = frozenset({"and", "or", "not", "True", "False", "None"})


class Narrowing(msgspec.Struct, frozen=True):
    """What the command line asks for out of the plan. ``files`` are relative to the plan's root, or absolute."""

    phases: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    markers: str = ""
    keyword: str = ""
    tests: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    red: tuple[str, ...] = ()  # of the run ``red_of``, where this is asked for
    red_of: str = ""


class AssignedPhase(msgspec.Struct, frozen=True):
    """A phase and its tests, in the order of the collection."""

    phase: Phase
    tests: tuple[CollectedTest, ...]


class Overlap(msgspec.Struct, frozen=True):
    """A test that several phases select; the first of them has it."""

    test: CollectedTest
    phases: tuple[str, ...]


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Every collected test exactly once: in a phase, in ``unassigned``, or counted in ``left_out``.

    ``overlaps`` is filled for ``overlap: error`` only. What the collection itself left out (`Inventory.left_out`) is
    not repeated here.
    """

    phases: tuple[AssignedPhase, ...]
    unassigned: tuple[CollectedTest, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    narrowing: Narrowing = Narrowing()

    @property
    def planned(self) -> int:
        """The number of tests that will run."""
        return sum(len(assigned.tests) for assigned in self.phases)


def expressions(plan: Plan, narrowing: Narrowing) -> tuple[Expression, ...]:
    """The distinct expressions that pytest must evaluate for every test: ``("markers" | "keyword", text)``."""
    sources: list[Expression] = []
    askers: tuple[Select | Phase | Narrowing, ...] = (plan.select, *plan.phases, narrowing)
    for source in askers:
        sources += [("markers", source.markers), ("keyword", source.keyword)]
    return tuple(dict.fromkeys(source for source in sources if source[1]))


def collection_paths(plan: Plan) -> tuple[str, ...]:
    """What pytest is to collect: `select.paths`, a glob replaced by the directory that its matches lie in."""
    return tuple(dict.fromkeys(fixed_part(entry) for entry in plan.select.paths))


# -------------------------------------------------------------------------------------------------- the assignment


def assign(plan: Plan, inventory: Inventory, narrowing: Narrowing) -> Assignment:
    """Every test to the first phase that selects it; a phase without criteria takes what no other phase takes.

    `UsageError` for a phase, a target or a test that the narrowing names and that is not there.
    """
    check_phase_names(plan, narrowing)
    _check_test_ids(inventory, narrowing)
    criteria = Criteria(plan, inventory)
    _check_targets(inventory, narrowing, criteria)
    _check_distinct(inventory.tests)
    tests = list(inventory.tests)
    universe, outside = _universe(plan, tests, criteria)
    claims = _Claims(plan, criteria)
    for test in universe:
        claims.add(test)
    empty = [index for index, (_, taken) in enumerate(claims.phases) if not taken and tests]
    notes = [_empty_note(index, claims, tests, criteria) for index in empty]
    unassigned = claims.unassigned
    ignored: list[LeftOut] = []
    phases = list(claims.phases)
    if plan.unassigned == "run" and (unassigned or plan.rest.name in narrowing.phases):
        phases.append((plan.rest, unassigned))
        unassigned = []
    elif plan.unassigned == "ignore":
        ignored, unassigned = _left_out("in no phase (unassigned: ignore)", unassigned), []
    kept, narrowed = _narrow(phases, narrowing, criteria)
    return Assignment(
        phases=tuple(AssignedPhase(phase, tuple(members)) for phase, members in kept),
        unassigned=tuple(unassigned),
        overlaps=tuple(claims.overlaps),
        left_out=(*outside, *ignored, *narrowed),
        notes=(*_renamed_note(inventory), *notes, *_narrowing_notes(plan, narrowing, kept, tests, criteria)),
        narrowing=narrowing,
    )


def _check_distinct(tests: tuple[CollectedTest, ...]) -> None:
    """An id that two tests have cannot be told apart in any report: neither of them is to run unnoticed."""
    first: dict[str, CollectedTest] = {}
    again = [test for test in tests if first.setdefault(test.id, test) is not test]
    if again:
        lines = [f"  {printable(test.id)} ({printable(test.file)}:{test.line})" for test in again[:_SHOWN_IDS]]
        raise UsageError(
            f"{len(again)} of the collected tests have ids that belong to others:\n"
            + "\n".join(lines)
            + _more(len(again)),
            hint="give each an id of its own",
        )


def _renamed_note(inventory: Inventory) -> list[str]:
    ids = inventory.facts.renamed
    if not ids:
        return []
    what = "1 test shares its id" if len(ids) == 1 else f"{len(ids)} tests share their ids"
    return [f"{what} with others, and got a new one: {listed((printable(id) for id in ids), _EXAMPLES)}"]


def _universe(plan: Plan, tests: list[CollectedTest], criteria: Criteria) -> tuple[list[CollectedTest], list[LeftOut]]:
    select = plan.select
    left_out: list[LeftOut] = []
    for criterion in criteria.of(select.paths, select.markers, select.keyword, ()):
        out = [test for test in tests if not criterion.holds(test)]
        left_out += _left_out(f"not in select: {criterion.shown}", out)
        tests = [test for test in tests if criterion.holds(test)] if out else tests
    return tests, left_out


class _Claims:
    """Gives tests to phases, in the order of the plan; a phase without criteria waits for what is left."""

    def __init__(self, plan: Plan, criteria: Criteria) -> None:
        self.phases: list[tuple[Phase, list[CollectedTest]]] = [(phase, []) for phase in plan.phases]
        self.unassigned: list[CollectedTest] = []
        self.overlaps: list[Overlap] = []
        self.criteria = [criteria.of_phase(phase) for phase in plan.phases]
        self._selecting = [(index, found) for index, found in enumerate(self.criteria) if found]
        self._catch_all = next((index for index, found in enumerate(self.criteria) if not found), None)
        self._all = plan.overlap == "error"

    def add(self, test: CollectedTest) -> None:
        selecting = (index for index, criteria in self._selecting if all_hold(criteria, test))
        first = next(selecting, self._catch_all)
        if first is None:
            self.unassigned.append(test)
            return
        self.phases[first][1].append(test)
        if self._all:
            others = tuple(self.phases[index][0].name for index in selecting)
            if others:
                self.overlaps.append(Overlap(test, (self.phases[first][0].name, *others)))


def _left_out(reason: str, tests: list[CollectedTest]) -> list[LeftOut]:
    if not tests:
        return []
    return [LeftOut(reason=reason, count=len(tests), examples=tuple(test.id for test in tests[:_EXAMPLES]))]


# ------------------------------------------------------------------------------------------------------ narrowing


def phase_names(plan: Plan) -> list[str]:
    """The phases that a command line may name."""
    rest = [plan.rest.name] if plan.unassigned == "run" else []
    return [*(phase.name for phase in plan.phases), *rest]


def check_phase_names(plan: Plan, narrowing: Narrowing) -> None:
    known = phase_names(plan)
    for name in narrowing.phases:
        if name not in known:
            near = did_you_mean(name, known)
            raise UsageError(f"no phase is called {quoted(name)}; {near or f'phases are {listed(known)}'}")


def _check_test_ids(inventory: Inventory, narrowing: Narrowing) -> None:
    if narrowing.tests:
        known = {test.id for test in inventory.tests}
        for id in narrowing.tests:
            if id not in known:
                raise unknown_test(inventory, id)


def _check_targets(inventory: Inventory, narrowing: Narrowing, criteria: Criteria) -> None:
    """Where files could not be collected, what they hold is not known, and the run is red anyway."""
    for target in narrowing.targets if not inventory.errors else ():
        holds = criteria.target(target)
        if not any(holds(test) for test in inventory.tests):
            raise targets.unknown(target, inventory.tests, criteria.file)


def unknown_test(inventory: Inventory, id: str) -> UsageError:
    """The error for an id that the collection does not have, with the nearest that it has."""
    name = id.rpartition("::")[2].partition("[")[0]
    ids = [test.id for test in inventory.tests]
    same_name = [other for other in ids if other.rpartition("::")[2].partition("[")[0] == name]
    near = closest(id, same_name, most=len(ids)) or closest(id, ids, most=len(ids))
    remedy = f"did you mean {quoted(near, 200)}?" if near else "see the ids with: pytest --collect-only -q"
    return UsageError(f"no test has the id {quoted(id, 200)}; {remedy}")


def _narrow(
    phases: list[tuple[Phase, list[CollectedTest]]], narrowing: Narrowing, criteria: Criteria
) -> tuple[list[tuple[Phase, list[CollectedTest]]], list[LeftOut]]:
    left_out: list[LeftOut] = []
    if narrowing.phases:
        out = [test for phase, tests in phases if phase.name not in narrowing.phases for test in tests]
        left_out += _left_out("phases not named", out)
        phases = [(phase, tests) for phase, tests in phases if phase.name in narrowing.phases]
    for criterion in _narrowing_criteria(narrowing, criteria):
        out = [test for _, tests in phases for test in tests if not criterion.holds(test)]
        left_out += _left_out(criterion.shown, out)
        phases = [(phase, [test for test in tests if criterion.holds(test)]) for phase, tests in phases]
    return phases, left_out


def _narrowing_criteria(narrowing: Narrowing, criteria: Criteria) -> list[Criterion]:
    """One criterion for each thing that the command line asks for; ``shown`` is the reason for what it leaves out."""
    found = []
    if narrowing.targets:
        asked = [criteria.target(target) for target in narrowing.targets]
        words = listed((target.word for target in narrowing.targets), 4)
        found.append(Criterion(f"not in {words}", lambda test: any(holds(test) for holds in asked)))
    if narrowing.files:
        found.append(Criterion("--files", criteria.paths(narrowing.files)))
    for kind, option, text in (("markers", "-m", narrowing.markers), ("keyword", "-k", narrowing.keyword)):
        if text:
            found.append(Criterion(f"{option} {quoted(text, 120)}", criteria.expression(kind, text)))
    if narrowing.tests:
        wanted = frozenset(narrowing.tests)
        found.append(Criterion("--test", lambda test: test.id in wanted))
    if narrowing.red_of:
        found.append(Criterion(f"not red in run {narrowing.red_of} (--failed)", criteria.red(narrowing.red)))
    return found


# ---------------------------------------------------------------------------------------------------------- notes


def _empty_note(position: int, claims: _Claims, tests: list[CollectedTest], criteria: Criteria) -> str:
    """Why a phase selects nothing, as far as that can be seen."""
    phase = claims.phases[position][0]
    own = claims.criteria[position]
    said = f"phase {phase.name} has no tests"
    if not own:
        return f"{said}: the other phases take them all"
    owners = [other.name for other, members in claims.phases if any(all_hold(own, test) for test in members)]
    if owners:
        return f"{said}: what it selects belongs to {listed(owners)}, earlier in the plan"
    outside = sum(all_hold(own, test) for test in tests)
    if outside:
        return f"{said}: select leaves out all {outside} that it would take"
    alone = [criterion.shown for criterion in own if not any(criterion.holds(test) for test in tests)]
    why = f"nothing matches its {' and '.join(alone)}" if alone else "no test meets all of its criteria"
    return f"{said}: {why}{_mark_remedy(phase, tests)}{_path_remedy(phase, tests, criteria)}"


def _mark_remedy(phase: Phase, tests: list[CollectedTest]) -> str:
    known = {mark for test in tests for mark in test.marks}
    for word in re.findall(r"\w+", phase.markers):
        if word not in known and word not in _EXPRESSION_WORDS:
            meant = did_you_mean(word, sorted(known))
            return f"; no test has the mark {quoted(word)}" + (f", {meant}" if meant else "")
    return ""


def _path_remedy(phase: Phase, tests: list[CollectedTest], criteria: Criteria) -> str:
    files = {criteria.file(test) for test in tests}
    known = sorted({relative(part, criteria.root) for file in files for part in directories(file)})
    for entry in phase.paths:
        matches = criteria.paths((entry,))
        meant = "" if any(matches(test) for test in tests) else did_you_mean(entry, known)
        if meant:
            return f"; no test lies in {quoted(entry)}, {meant}"
    return ""


def _narrowing_notes(
    plan: Plan,
    narrowing: Narrowing,
    kept: list[tuple[Phase, list[CollectedTest]]],
    tests: list[CollectedTest],
    criteria: Criteria,
) -> list[str]:
    notes = []
    names = {phase.name for phase, _ in kept}
    for phase, _ in kept:
        missing = [name for name in phase.needs if name not in names]
        if missing:
            notes.append(f"phase {phase.name} needs {listed(missing)}, which this run leaves out")
    for file in narrowing.files:
        holds = criteria.paths((file,))
        if not any(holds(test) for test in tests):
            notes.append(f"{printable(file)} holds no collected test")
    running = {test.id for _, members in kept for test in members}
    for target in narrowing.targets:
        holds = criteria.target(target)
        if not any(holds(test) for _, members in kept for test in members):
            notes.append(f"{printable(target.word)} was asked for, but none of its tests takes part")
    notes += [f"{printable(id)} was asked for, but does not take part" for id in narrowing.tests if id not in running]
    gone = red.gone(narrowing.red, tests)
    if gone:
        what = "1 test that was red is" if len(gone) == 1 else f"{len(gone)} tests that were red are"
        notes.append(f"{what} not collected any more: {listed((printable(id) for id in gone), _EXAMPLES)}")
    return notes


# --------------------------------------------------------------------------------------------------------- errors


def unassigned_error(assignment: Assignment) -> UsageError:
    """The error for tests that belong to no phase."""
    tests = assignment.unassigned
    one = len(tests) == 1
    return UsageError(
        f"{len(tests)} {'test belongs' if one else 'tests belong'} to no phase:\n{_ids(tests)}",
        hint="add or widen a phase, or set `unassigned: run` (a process per test) or `unassigned: ignore` in the plan",
    )


def overlap_error(assignment: Assignment) -> UsageError:
    """The error for tests that several phases select, under ``overlap: error``."""
    overlaps = assignment.overlaps
    lines = [f"  {printable(overlap.test.id)} ({', '.join(overlap.phases)})" for overlap in overlaps[:_SHOWN_IDS]]
    one = len(overlaps) == 1
    return UsageError(
        f"{len(overlaps)} {'test is' if one else 'tests are'} selected by several phases:\n"
        + "\n".join(lines)
        + _more(len(overlaps)),
        hint="narrow the phases (`and not …`), or set `overlap: first` in the plan: the first phase takes the test",
    )


def assignment_error(assignment: Assignment) -> UsageError | None:
    """What keeps an assignment from being run, if anything does."""
    if assignment.overlaps:
        return overlap_error(assignment)
    return unassigned_error(assignment) if assignment.unassigned else None


def _ids(tests: tuple[CollectedTest, ...]) -> str:
    return "\n".join(f"  {printable(test.id)}" for test in tests[:_SHOWN_IDS]) + _more(len(tests))


def _more(count: int) -> str:
    return f"\n  and {count - _SHOWN_IDS} more" if count > _SHOWN_IDS else ""


# ---------------------------------------------------------------------------------------------------- explanation


class Step(msgspec.Struct, frozen=True):
    """One phase and the test: ``reasons`` holds its criteria, each with whether it is true for the test."""

    phase: str
    takes: bool
    reasons: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a test is where it is. ``phase`` is empty when it runs in none; ``summary`` is the answer in one line."""

    test: CollectedTest
    phase: str
    summary: str
    steps: tuple[Step, ...] = ()


def explain(plan: Plan, inventory: Inventory, assignment: Assignment, id: str) -> Explanation:
    """Where a test runs and why, or why it does not. `UsageError` with the nearest id for an unknown one."""
    test = next((test for test in inventory.tests if test.id == id), None)
    if test is None:
        raise unknown_test(inventory, id)
    criteria = Criteria(plan, inventory)
    select = plan.select
    for criterion in criteria.of(select.paths, select.markers, select.keyword, ()):
        if not criterion.holds(test):
            reason = _reason(criterion, test)
            return Explanation(test=test, phase="", summary=f"left out by select: {reason}")
    steps, phase = _steps(plan, criteria, test)
    phase, summary = _outcome(plan, phase)
    for reason in _narrowed_by(assignment.narrowing, criteria, test, phase) if phase else ():
        return Explanation(test=test, phase="", summary=f"{summary}, but left out of this run: {reason}", steps=steps)
    return Explanation(test=test, phase=phase, summary=summary, steps=steps)


def _steps(plan: Plan, criteria: Criteria, test: CollectedTest) -> tuple[tuple[Step, ...], str]:
    """The phases up to the one that takes the test, and its name."""
    steps = []
    catch_all = ""
    for phase in plan.phases:
        found = criteria.of_phase(phase)
        if not found:
            catch_all = catch_all or phase.name
            continue
        takes = all_hold(found, test)
        steps.append(Step(phase.name, takes, tuple(_reason(criterion, test) for criterion in found)))
        if takes:
            return tuple(steps), phase.name
    if catch_all:
        steps.append(Step(catch_all, True, ("takes whatever no other phase takes",)))
    return tuple(steps), catch_all


def _outcome(plan: Plan, phase: str) -> tuple[str, str]:
    if phase:
        return phase, f"runs in phase {phase}"
    match plan.unassigned:
        case "run":
            return plan.rest.name, f"no phase takes it; it runs in phase {plan.rest.name} (unassigned: run)"
        case "ignore":
            return "", "no phase takes it; it is left out (unassigned: ignore)"
        case _:
            return "", "no phase takes it; add or widen a phase, or set `unassigned: run` or `unassigned: ignore`"


def _narrowed_by(narrowing: Narrowing, criteria: Criteria, test: CollectedTest, phase: str) -> list[str]:
    reasons = []
    if narrowing.phases and phase not in narrowing.phases:
        reasons.append("its phase is not named")
    reasons += [c.shown for c in _narrowing_criteria(narrowing, criteria) if not c.holds(test)]
    return reasons


def _reason(criterion: Criterion, test: CollectedTest) -> str:
    answer = "true" if criterion.holds(test) else "false"
    if criterion.shown.startswith("markers"):
        return f"{criterion.shown} is {answer} for its marks [{listed(test.marks, 40)}]"
    if criterion.shown.startswith("paths"):
        return f"{criterion.shown} is {answer} for its file {printable(test.file)}"
    return f"{criterion.shown} is {answer} for it"
