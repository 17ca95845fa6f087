"""``async-test-run report``: show a recorded run again, from its journal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import click
import msgspec
from rich.text import Text

from ..model.errors import ChangedJournalError, InfrastructureError, UsageError
from ..model.result import RunResult
from ..record import journal, runs, verdict
from ..record.comparison import compare
from ..record.fold import fold
from ..reports.formats import FORMATS, summary
from ..reports.terminal import difference, final, views
from ..reports.wording.text import as_json as json_of
from ..system.files import replaced
from . import options

_LISTED = 20
_JSON = "json"
_NOT_SEALED = (
    "this journal is not sealed, so nobody could say whether its end is missing: its run goes on, was killed with its "
    "guardian, or is of an older version"
)
_EPILOG = """\b
Examples:
  async-test-run report                  the newest run
  async-test-run report 20261120T07 -v   the run whose id begins so, with every traceback
  async-test-run report --list           the last runs
  async-test-run report --junit out.xml  the merged JUnit XML again
  async-test-run report --html           the HTML report, in the run directory
  async-test-run report --format ctrf -o ctrf.json   any report of any run
  async-test-run report --diff 20261119  what the newest run has changed since that one"""


@click.command("report", epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", required=False)
@options.config
@options.run_dir
@click.option("--list", "listed", is_flag=True, help=f"List the last {_LISTED} runs with their verdicts.")
@click.option("-v", "--verbose", count=True, help="Show tracebacks, captured output, and every list in full.")
@click.option("-q", "--quiet", count=True, help="Show at most three lines of a green run.")
@options.color
@options.report_chars
@options.durations
@options.reports
@click.option(
    "--format",
    "wanted",
    type=click.Choice(sorted([*FORMATS, _JSON])),
    help="Print this report instead of text, or write it to the file of -o. json is the summary, or that of --diff.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Where --format writes to.")
@click.option(
    "--diff",
    "older",
    metavar="OLD",
    help="Compare RUN with this older run: which tests became red, green, slower or flaky, and which are new or gone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON instead of text.")
@click.option("--exit-code", "with_verdict", is_flag=True, help="Exit as the run did, not with 0.")
@click.pass_context
def command(
    context: click.Context,
    /,
    run: str | None,
    plan: Path | None,
    run_dir: Path | None,
    listed: bool,
    verbose: int,
    quiet: int,
    color: bool | None,
    slowest: int | None,
    report_chars: str | None,
    wanted: str | None,
    output: Path | None,
    older: str | None,
    as_json: bool,
    with_verdict: bool,
    **given: Path | None,
) -> None:
    """Show a recorded run again, from its journal. Without RUN, the newest.

    RUN is a run id, the beginning of one, a run directory or a journal file. A run that was killed is shown as far as
    it came; a journal that somebody has changed is refused. The exit code is 0 if the run could be shown. With
    --exit-code it is the verdict of the run.
    """
    if output is not None and wanted is None:
        raise UsageError("-o says where a report is written, and --format which", hint="add --format html, for example")
    base = _base(plan, run_dir, required=run is None or listed)
    if listed:
        _list(base, color)
        return
    path = runs.find(base, run)
    result = _told(path)
    code = verdict.exit_code(result)
    places = _places(path)
    for key, place in options.reports_of(given).items():
        written = Path(place) if place else path.absolute().parent / FORMATS[key].file
        with replaced(written) as file:
            file.writelines(FORMATS[key].render(result, code, os.environ))
        if (key, written) not in places:
            places.insert(0, (key, written))
    as_json = as_json or wanted == _JSON
    if older is not None:
        if wanted not in (None, _JSON):
            raise UsageError(f"--diff has no {wanted}", hint="--diff OLD, or --diff OLD --format json")
        old = _told(runs.find(base, older))
        found = compare(old, result)
        if as_json:
            _write([json_of(difference.document(old, result, found), indent=2).encode() + b"\n"], output)
        else:
            lines = difference.render(old, result, found, whole=verbose > quiet)
            views.show(lines, sys.stdout, color=color, environ=os.environ)
    elif as_json:
        _write([summary.render(result, code, cwd=Path.cwd())], output)
    elif wanted is not None:
        _write(FORMATS[wanted].render(result, code, os.environ), output)
    else:
        lines = final.render(
            result,
            code,
            verbosity=verbose - quiet,
            cwd=Path.cwd(),
            slowest=slowest,
            report_chars=report_chars,
            places=places,
        )
        views.show(lines, sys.stdout, color=color, environ=os.environ)
    if with_verdict:
        context.exit(int(code))


def _told(path: Path) -> RunResult:
    """The run in a journal. Where nobody can say whether the end of that is missing, this is said."""
    result, sealed = _recorded(path)
    if not sealed:
        click.echo(f"{path}: {_NOT_SEALED}", err=True)
    return result


def _write(pieces: Iterable[bytes], output: Path | None) -> None:
    if output is None:
        for piece in pieces:
            click.echo(piece, nl=False)
    else:
        with replaced(output.absolute()) as file:
            file.writelines(pieces)


def _places(path: Path) -> list[tuple[str, Path]]:
    """The reports of a run that are there, beside its journal."""
    directory = path.absolute().parent
    found = [(format.key, directory / format.file) for format in FORMATS.values()]
    return [*((key, place) for key, place in found if place.is_file()), ("journal", path.absolute())]


def _base(plan: Path | None, run_dir: Path | None, *, required: bool) -> Path:
    """Where the runs are. No plan is needed for ``--run-dir``, for a path to a run, or where runs lie right here."""
    if run_dir is not None:
        return run_dir
    if plan is not None:
        return runs.base_directory(plan)
    here = options.here()
    try:
        return runs.base_directory(runs.find_plan(here))
    except UsageError:
        base = here / runs.BASE_NAME
        if required and not base.is_dir():
            raise
        return base


def _recorded(path: Path) -> tuple[RunResult, bool]:
    """The run in a journal, and whether that is sealed."""
    reader = journal.Reader(path)
    try:
        result = fold(reader)
    except KeyError as error:
        raise InfrastructureError(
            f"{path} is damaged: it speaks of phase {error} but the line that plans it is unreadable",
            hint="`async-test-run report --list` shows other runs",
        ) from error
    if not result.run_id:
        raise UsageError(f"{path} records no run", hint="`async-test-run report --list` shows those that do")
    return msgspec.structs.replace(result, journal=reader.head), reader.sealed


def _list(base: Path, color: bool | None) -> None:
    """The last runs, newest first, one line each."""
    known = runs.listing(base)
    if not known:
        raise UsageError(f"no runs in {base}", hint="`async-test-run run` records one; --run-dir DIR looks elsewhere")
    lines = []
    for run in known[:_LISTED]:
        try:
            result, _ = _recorded(run.journal)
            said = final.verdict(result, verdict.exit_code(result))
        except ChangedJournalError:
            said = Text("changed", "bold red")
        except (InfrastructureError, UsageError):
            said = Text("unreadable", "bold red")
        lines.append(Text.assemble((run.run_id, "bold"), "  ", said))
    if len(known) > _LISTED:
        lines.append(Text(f"… and {len(known) - _LISTED} older runs", "dim"))
    views.show(lines, sys.stdout, color=color, environ=os.environ)
