"""``async-test-run plan``: which phase takes which test, without running anything.

``--json`` prints one object. Keys may be added; a change of meaning raises ``version``::

    {"version": 1, "plan": NAME, "path": FILE, "root": DIRECTORY,
     "exit_code": 0 | 1 | 2 | 5,                      # that of this command
     "problem": null | {"message", "hint"},           # why no run would start
     "collected": N, "planned": N,
     "phases": [{"name", "isolation", "workers": N, "processes": N, "coroutines": N, "resources": [NAME],
                 "tests": [NODEID]}],                 # in the order of the run and of the collection
     "unassigned": [NODEID], "overlaps": [{"id", "phases": [NAME]}],
     "left_out": [{"reason", "count", "what": "tests" | "paths", "examples"}],
     "notes": [TEXT],
     "collection_errors": [{"id", "text"}], "collection_skips": [{"id", "text"}],
     "pytest": {"version", "python", "rootdir"},
     "interpreter": {"path", "why", "note"}}          # the Python that has collected

With ``--explain``::

    {"version": 1, "id", "file", "line": N, "coroutine": BOOL, "marks": [NAME], "fixtures": [NAME],
     "phase": NAME | null, "summary": TEXT, "steps": [{"phase", "takes": BOOL, "reasons": [TEXT]}]}
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from ..model.errors import UsageError
from ..model.inventory import Inventory
from ..model.plan import Plan
from ..plan import reading as plans
from ..record import runs
from ..record.events import Asked
from ..reports.terminal import planning, views
from ..reports.wording import text
from ..run import collection, editors, failed
from ..run.request import narrowing_of
from ..suite import assignment as selection
from ..suite.assignment import Assignment, Explanation
from ..suite.workers import workers_of
from ..words.wording import listed
from . import collecting, options

_EPILOG = """\b
Examples:
  async-test-run plan                      all phases with their tests counted
  async-test-run plan -v async             the ids of one phase
  async-test-run plan --explain tests/test_a.py::test_login
  async-test-run plan --json | jq '.phases[].tests | length'

\b
Exit codes:
  0  every test belongs to exactly one phase (with --explain: the test is known)
  1  files could not be collected
  2  tests belong to no phase or to several, or the plan is not valid
  5  nothing is selected"""


@click.command(
    "plan",
    cls=options.ManyFiles,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@options.config
@options.asking(*options.NARROWING)
@click.option(
    "--explain", "explained", metavar="NODEID", help="Say which phase has this test, and why no phase before it."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@options.run_dir
@options.color
@click.option("-v", "--verbose", count=True, help="List every test id, and cut nothing.")
@click.pass_context
def command(
    context: click.Context,
    asked: Asked,
    plan: Path | None,
    explained: str | None,
    as_json: bool,
    run_dir: Path | None,
    color: bool | None,
    verbose: int,
) -> None:
    """Show which phase takes which test, without running anything.

    pytest collects the suite as it would for a run. What is left out is counted with its reason, and what belongs to
    no phase is listed. Narrowing works as for `run`.
    """
    path = plan if plan is not None else runs.find_plan(options.here())
    loaded = plans.load(path)
    editors.keep_schema(path)
    narrowing = narrowing_of(failed.taken(asked, loaded, runs.base_directory(loaded.path, run_dir)), loaded)
    selection.check_phase_names(loaded, narrowing)
    inventory = collecting.inventory(loaded, narrowing, os.environ, asked.pytest_args)
    assignment = selection.assign(loaded, inventory, narrowing)
    if explained is not None:
        explanation = _explain(loaded, inventory, assignment, explained)
        lines, document = planning.explained(explanation), planning.explained_document(explanation)
        code = 0
    else:
        forecast = _forecast(loaded, inventory, assignment)
        lines, document = planning.render(forecast, verbosity=verbose), planning.document(forecast)
        code = int(planning.exit_code(forecast))
    if as_json:
        click.echo(_json(document))
    else:
        views.show(lines, sys.stdout, color=color, environ=os.environ)
    context.exit(code)


def _forecast(plan: Plan, inventory: Inventory, assignment: Assignment) -> planning.Forecast:
    problem = None
    try:
        collection.proved(plan, inventory, assignment.narrowing)
    except UsageError as error:
        problem = error
    workers = tuple(workers_of(assigned.phase, inventory.facts) for assigned in assignment.phases)
    return planning.Forecast(plan=plan, inventory=inventory, assignment=assignment, workers=workers, problem=problem)


def _explain(plan: Plan, inventory: Inventory, assignment: Assignment, id: str) -> Explanation:
    try:
        return selection.explain(plan, inventory, assignment, id)
    except UsageError as error:
        raise UsageError(error.message, hint=_perhaps(inventory) or error.hint) from None


def _perhaps(inventory: Inventory) -> str:
    """Where an id may be that the collection does not show."""
    reasons = [group.reason for group in inventory.left_out if group.what == "tests"]
    said = []
    if inventory.errors:
        said.append(f"these could not be collected: {listed([error.id for error in inventory.errors], 3)}")
    if reasons:
        said.append(f"tests are left out by {listed(reasons, 3)}")
    return "; ".join(said)


def _json(document: dict[str, Any]) -> str:
    return text.as_json(document, indent=2)
