"""``async-test-run report``: show a recorded run again, from its journal."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import ExitCode, InfrastructureError, UsageError

if TYPE_CHECKING:
    from ..model import RunResult

_LISTED = 20


@click.command(name="report", short_help="Show a recorded run again.")
@click.argument("run", required=False)
@click.option("-c", "--config", "plan", type=click.Path(path_type=Path), help="The plan whose runs are meant.")
@click.option("--run-dir", type=click.Path(path_type=Path), help="The directory that holds the runs.")
@click.option("--list", "listed", is_flag=True, help=f"List the last {_LISTED} runs and what they came to.")
@click.option("-v", "--verbose", count=True, help="Show tracebacks, captured output, and every list in full.")
@click.option("-q", "--quiet", count=True, help="Show at most ten lines of a green run.")
@click.option("--color/--no-color", default=None, help="Colours; by default where a terminal shows them.")
@click.option(
    "--slowest", type=click.IntRange(min=0), default=10, show_default=True, help="How many slow tests to list."
)
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write the JUnit XML again, to FILE.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON instead of text.")
@click.option("--exit-code", "with_verdict", is_flag=True, help="Exit as the run did, not with 0.")
@click.pass_context
def command(
    context: click.Context,
    run: str | None,
    plan: Path | None,
    run_dir: Path | None,
    listed: bool,
    verbose: int,
    quiet: int,
    color: bool | None,
    slowest: int,
    junit: Path | None,
    as_json: bool,
    with_verdict: bool,
) -> None:
    """Show a recorded run again, from its journal; without RUN, the newest.

    RUN is a run id, the beginning of one, a run directory or a journal file. A run that was killed is shown as far as
    it came. The exit code is 0 when the run could be shown, whatever it came to; --exit-code returns its verdict.
    """
    from .. import runs, verdict

    base = _base(plan, run_dir, required=run is None or listed)
    if listed:
        _list(base, color)
        return
    journal = runs.find(base, run)
    result = _recorded(journal)
    code = verdict.exit_code(result)
    if junit is not None:
        _write_junit(result, junit)
    if as_json:
        _print_json(result, code)
    else:
        _show(result, code, journal, junit, verbosity=verbose - quiet, color=color, slowest=slowest)
    if with_verdict:
        context.exit(int(code))


def _base(plan: Path | None, run_dir: Path | None, *, required: bool) -> Path:
    """Where the runs are. No plan is needed for ``--run-dir``, for a path to a run, or where runs lie right here."""
    from .. import runs

    if run_dir is not None:
        return run_dir
    if plan is not None:
        return runs.base_directory(plan)
    here = Path.cwd()
    try:
        return runs.base_directory(runs.find_plan(here))
    except UsageError:
        base = here / runs.BASE_NAME
        if required and not base.is_dir():
            raise
        return base


def _recorded(journal: Path) -> RunResult:
    from .. import events
    from ..journal import read

    try:
        result = events.fold(read(journal))
    except KeyError as error:
        raise InfrastructureError(
            f"{journal} is damaged: it speaks of phase {error} but the line that plans it is unreadable",
            hint="`async-test-run report --list` shows other runs",
        ) from error
    if not result.run_id:
        raise UsageError(f"{journal} records no run", hint="`async-test-run report --list` shows those that do")
    return result


def _show(
    result: RunResult,
    code: ExitCode,
    journal: Path,
    junit: Path | None,
    *,
    verbosity: int,
    color: bool | None,
    slowest: int,
) -> None:
    from ..reports import final, terminal

    cwd = Path.cwd()
    places = [("journal", journal.absolute())] + ([("junit", junit.absolute())] if junit else [])
    lines = final.render(result, code, verbosity=verbosity, cwd=cwd, slowest=slowest, places=places)
    terminal.show(lines, sys.stdout, color=color, environ=os.environ)


def _write_junit(result: RunResult, path: Path) -> None:
    from ..journal import replaced
    from ..reports import junit

    with replaced(path) as file:
        file.writelines(junit.render(result))


def _print_json(result: RunResult, code: ExitCode) -> None:
    from ..reports import summary

    click.echo(summary.render(result, code, cwd=Path.cwd()), nl=False)


def _list(base: Path, color: bool | None) -> None:
    """The last runs, newest first, one line each."""
    from rich.text import Text

    from .. import runs, verdict
    from ..reports import final, terminal

    known = runs.listing(base)
    if not known:
        raise UsageError(f"no runs in {base}", hint="`async-test-run run` records one; --run-dir DIR looks elsewhere")
    lines = []
    for run in known[:_LISTED]:
        try:
            result = _recorded(run.journal)
            said = final.verdict(result, verdict.exit_code(result))
        except (InfrastructureError, UsageError):
            said = Text("unreadable", "bold red")
        lines.append(Text.assemble((run.run_id, "bold"), "  ", said))
    if len(known) > _LISTED:
        lines.append(Text(f"… and {len(known) - _LISTED} older runs", "dim"))
    terminal.show(lines, sys.stdout, color=color, environ=os.environ)
