"""``async-test-run run``: the whole of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from rich.text import Text

from ..model.errors import ExitCode, UsageError
from ..record import runs
from ..record.events import Asked
from ..reports.terminal import final, planning, views
from ..reports.wording import text
from ..run import resuming, services, workflow
from ..run.request import Request, RunReport
from ..suite.assignment import Narrowing
from . import collecting, options, proposing

_EPILOG = """\b
While it runs, the key d on a terminal, or kill -USR1, shows where every running test waits.

\b
Examples:
  async-test-run                              all phases of runner.yaml
  async-test-run run sync async               two phases of it
  async-test-run tests/test_a.py              one file, directory or glob
  async-test-run tests/test_a.py::test_login  a test with all its parameters, or a class
  async-test-run run -k "login and not slow"  narrowed; what is left out is counted
  async-test-run run --files tests/test_a.py  the tests of one file, each in its phase
  async-test-run --failed                     tests that were red in the last run
  async-test-run run --resume                 resume the last run, which was killed
  async-test-run run -- --log-level=DEBUG     arguments for pytest"""


@click.command(
    "run",
    cls=options.ManyFiles,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@options.config
@options.asking()
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[RUN]",
    help="Resume a run that was killed or interrupted. Without RUN, the newest that is not complete.",
)
@options.run_dir
@options.color
@options.report_chars
@options.durations
@click.option("-q", "--quiet", count=True, help="At most three lines when all is well.")
@click.option("-v", "--verbose", count=True, help="A line per test; everything in full, the diffs of pytest too.")
@click.pass_context
def command(
    context: click.Context,
    asked: Asked,
    plan: Path | None,
    resume: str | None,
    run_dir: Path | None,
    color: bool | None,
    report_chars: str | None,
    slowest: int | None,
    quiet: int,
    verbose: int,
) -> None:
    """Run the plan: collect once, prove that every test has one phase, run the phases, report.

    Without a plan, the one that `init` would write here is proposed and run, and nothing is written.

    PHASE names phases of the plan. Without any, all of them run, in the plan's order. PATH and ID name files,
    directories, classes and tests, as seen from here. An ID without brackets means all its parameters. Globs may stand
    in both. With phases and paths, only tests that are in one of each run. Everything after `--` is passed on to
    pytest.
    """
    verbosity = verbose - quiet
    cwd = options.here()
    if resume is not None:
        _refuse_beside_resume(context)
    reporter = views.reporter(sys.stdout, color=color, verbosity=verbosity, environ=os.environ)
    live = views.is_live(sys.stdout, verbosity=verbosity, environ=os.environ)
    interval, keyboard = (0.12, 0) if live else (1.0, None)
    argv = tuple(sys.argv[1:])
    if resume is not None:
        path = _resumed(_base(plan, run_dir, cwd), resume)
        report = workflow.resume(
            path,
            reporter,
            os.environ,
            argv=argv,
            reports=asked.reports,
            keyboard=keyboard,
            whole_diffs=verbosity > 0,
            interval=interval,
        )
    else:
        found = plan if plan is not None else runs.nearest_plan(cwd)
        request = Request(
            plan=found or _where_none_is(cwd),
            proposal="" if found else _proposed(context, asked, cwd, color),
            asked=asked,
            run_dir=run_dir.absolute() if run_dir else None,
            argv=argv,
            keyboard=keyboard,
            whole_diffs=verbosity > 0,
        )
        report = workflow.run(request, reporter, os.environ, interval=interval)
    lines = final.render(
        report.result,
        report.exit_code,
        verbosity=verbosity,
        cwd=cwd,
        slowest=slowest,
        report_chars=report_chars,
        places=report.places,
    )
    _show(context, report, lines, color)


def _where_none_is(cwd: Path) -> Path:
    """Where a plan would lie."""
    return Path(os.path.realpath(cwd)) / runs.PLAN_NAMES[0]


def _proposed(context: click.Context, asked: Asked, cwd: Path, color: bool | None) -> str:
    """The text of the plan that `init` would write here. What it is, is said; nothing is written."""
    start = proposing.start(_where_none_is(cwd))
    inventory = collecting.inventory(start, Narrowing(), os.environ, asked.pytest_args)
    if not inventory.tests:
        lines = planning.nothing_to_propose(inventory, so="nothing runs")
        views.show(lines, sys.stderr, color=color, environ=os.environ)
        context.exit(int(ExitCode.FAILED if inventory.errors else ExitCode.NOTHING_SELECTED))
    proven = proposing.proven(start, inventory)
    said = planning.proposed(proven.assignment.phases, runs.PLAN_NAMES[0])
    views.show(said, sys.stderr, color=color, environ=os.environ)
    return proven.text


def _show(context: click.Context, report: RunReport, lines: list[Text], color: bool | None) -> None:
    patience = views.PATIENCE if report.result.signal else None
    if report.coverage:
        table = [Text(line) for line in text.block(report.coverage.rstrip()).split("\n")]
        lines = [*table, Text(), *lines]
    noted = services.annotated(report.service, report.result, report.exit_code, os.environ)
    if noted:
        lines = [*map(Text, noted), Text(), *lines]
    views.show(lines, sys.stdout, color=color, environ=os.environ, patience=patience)
    context.exit(int(report.exit_code))


def _refuse_beside_resume(context: click.Context) -> None:
    """A run goes on as it was asked for; what would change that is no part of it."""
    given = {
        name for name in context.params if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    others = sorted(given & {*options.ASKED, *options.FAMILIAR}) + (
        ["--"] if context.meta[options.AFTER_DASHES] else []
    )
    if others:
        raise UsageError(
            f"--resume goes on with a run as it was asked for: {', '.join(others)} cannot be given with it",
            hint="async-test-run run --resume",
        )


def _resumed(base: Path, run: str) -> Path:
    """The journal of the run that is meant: without a name, the newest that is not complete."""
    newest = runs.find(base, run or None)
    path = newest if run else resuming.newest_open(base) or newest
    if path != newest:
        click.echo(f"resumes run {path.parent.name}: those that came after it are complete", err=True)
    return path


def _base(plan: Path | None, run_dir: Path | None, cwd: Path) -> Path:
    if run_dir is not None:
        return run_dir
    return runs.base_directory(plan or runs.nearest_plan(cwd) or _where_none_is(cwd))
