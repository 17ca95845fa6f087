"""The plan that `init` writes, and that a run without a plan runs: proposed from one collection, and proven."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ..model.errors import InternalError, UsageError
from ..model.inventory import Inventory
from ..model.plan import Phase, Plan, Select
from ..plan import reading as plans
from ..run import collection, editors
from ..suite import proposal
from ..suite.assignment import Assignment, Narrowing, expressions
from ..suite.proposal import Proposal


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """A plan's text, and the assignment that the collection comes to under it."""

    text: str
    assignment: Assignment
    notes: tuple[str, ...]


def start(target: Path, paths: tuple[str, ...] = (), python: str = "auto") -> Plan:
    """The plan with which the collection is made: one phase for all. ``paths`` are seen from the plan's directory."""
    root = target.parent
    return Plan(
        path=target,
        root=root,
        name=root.name,
        phases=(Phase(name="all"),),
        select=Select(paths=paths),
        python=python,
    )


def proven(start: Plan, inventory: Inventory) -> Proven:
    """The proposal if it holds, else the simplest plan: its text has been parsed and assigned."""
    proposed = proposal.propose(
        inventory,
        processors=os.cpu_count() or 1,
        paths=start.select.paths,
        python=start.python,
    )
    try:
        return _proof(start, proposed, inventory)
    except UsageError as error:
        refusal = error.message
    try:
        return _proof(start, proposal.simplest(proposed, refusal.replace("\n", " ")), inventory)
    except UsageError as error:
        raise InternalError(f"no plan could be proven for this suite: {refusal}; {error.message}") from error


def _proof(start: Plan, candidate: Proposal, inventory: Inventory) -> Proven:
    """``UsageError`` when the text is no plan, or its plan does not take every test as it is meant to."""
    text = proposal.text(candidate, inventory.facts, schema=editors.SCHEMA)
    plan = plans.parse(text, start.path)
    evaluated = proposal.evaluated(inventory, expressions(plan, Narrowing()))
    assignment = collection.proved(plan, evaluated, Narrowing())
    misplaced = proposal.misplaced(candidate, assignment)
    if misplaced:
        raise UsageError(f"coroutine tests would run among the others: {misplaced[0]}")
    return Proven(text=text, assignment=assignment, notes=candidate.notes)
