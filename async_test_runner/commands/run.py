"""``async-test-run run``: the whole of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

import click
from rich.text import Text

from .. import runs, workflow
from ..reports import final, terminal, text
from ..selection import Narrowing
from . import options

_EPILOG = """\b
Examples:
  async-test-run                              all phases of runner.yaml
  async-test-run run sync async               two phases of it
  async-test-run run -k "login and not slow"  narrowed; what is left out is counted
  async-test-run run --files tests/test_a.py  the tests of one file, each in its phase
  async-test-run run -- --log-level=DEBUG     arguments for pytest"""


@click.command(
    "run",
    cls=options.ManyFiles,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@options.narrowing
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="At most N workers in any phase.")
@click.option(
    "--max-failures", type=click.IntRange(min=0), metavar="N", help="Stop a phase after N failures; 0 never stops."
)
@options.timeout
@click.option(
    "--junit",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the merged JUnit XML here, not where the plan says.",
)
@click.option(
    "--launcher",
    type=click.Choice(["auto", "exec", "warm"]),
    help="How all phases make their processes, whatever the plan says.",
)
@options.run_dir
@options.color
@click.option("-q", "--quiet", count=True, help="At most ten lines when all is well.")
@click.option("-v", "--verbose", count=True, help="A line per test; everything in full at the end.")
@click.pass_context
def command(
    context: click.Context,
    phases: tuple[str, ...],
    plan: Path | None,
    files: tuple[str, ...],
    tests: tuple[str, ...],
    markers: str,
    keyword: str,
    workers: int | None,
    max_failures: int | None,
    timeout: float | None,
    junit: Path | None,
    launcher: Literal["auto", "exec", "warm"] | None,
    run_dir: Path | None,
    color: bool | None,
    quiet: int,
    verbose: int,
) -> None:
    """Run the plan: collect once, prove that every test has one phase, run the phases, report.

    PHASE names phases of the plan; without any, all of them run, in the plan's order. Everything after `--` is passed
    on to pytest.
    """
    verbosity = verbose - quiet
    cwd = options.here()
    request = workflow.Request(
        plan=plan if plan is not None else runs.find_plan(cwd),
        narrowing=Narrowing(phases=phases, files=absolute(files), markers=markers, keyword=keyword, tests=tests),
        workers=workers,
        max_failures=max_failures,
        run_timeout=timeout,
        launcher=launcher,
        junit=junit.absolute() if junit else None,
        run_dir=run_dir.absolute() if run_dir else None,
        pytest_args=context.meta[options.AFTER_DASHES],
        argv=tuple(sys.argv[1:]),
    )
    reporter = terminal.reporter(sys.stdout, color=color, verbosity=verbosity, environ=os.environ)
    live = terminal.is_live(sys.stdout, verbosity=verbosity, environ=os.environ)
    outcome = workflow.run(request, reporter, os.environ, interval=0.12 if live else 1.0)
    lines = final.render(outcome.result, outcome.exit_code, verbosity=verbosity, cwd=cwd, places=outcome.places)
    if outcome.coverage:
        table = [Text(text.visible(line)) for line in outcome.coverage.rstrip().splitlines()]
        terminal.show([*table, Text()], sys.stdout, color=color, environ=os.environ)
    terminal.show(lines, sys.stdout, color=color, environ=os.environ)
    context.exit(int(outcome.exit_code))


def absolute(files: tuple[str, ...]) -> tuple[str, ...]:
    """Files as the caller means them: from where he stands, not from the plan."""
    return tuple(os.path.abspath(file) for file in files)  # noqa: PTH100 - links stay as they are
