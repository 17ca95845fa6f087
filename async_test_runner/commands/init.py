"""``async-test-run init``: a commented ``runner.yaml`` that is proven to give every collected test to one phase."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import click
from rich.text import Text

from ..model.errors import ExitCode, UsageError
from ..model.inventory import Inventory
from ..record import runs
from ..reports.terminal import planning, views
from ..reports.wording.text import defused, item, visible
from ..reports.wording.words import plural
from ..run import editors
from ..suite import lacking
from ..suite.assignment import Narrowing
from ..suite.workers import workers_of
from ..system.files import replaced
from ..words.wording import quoted
from . import collecting, options, proposing
from .proposing import Proven

_EPILOG = """\b
Examples:
  async-test-run init                            write runner.yaml for this directory
  async-test-run init --print                    only print it
  async-test-run init tests/unit tests/api       of these tests only
  async-test-run init --python .venv/bin/python  with the pytest of this environment

\b
Exit codes:
  0  written or printed, or left unchanged because you said no
  1  written or printed, but files could not be collected
  2  a plan exists and there is nobody to ask, or the arguments are wrong
  5  pytest found no tests; nothing is written"""


@click.command("init", epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--python", default="auto", metavar="PATH", help="The Python whose pytest collects, and runs the plan.")
@click.option("--print", "printed", is_flag=True, help="Print the plan and write nothing.")
@click.option("--force", is_flag=True, help="Replace an existing plan without asking.")
@options.color
@click.pass_context
def command(
    context: click.Context, paths: tuple[str, ...], python: str, printed: bool, force: bool, color: bool | None
) -> None:
    """Write a runner.yaml that assigns every test of this project to a phase.

    pytest collects the suite. Its marks, coroutine tests and database fixtures decide the phases. The plan is shown,
    and an existing one is replaced only if you say yes. PATHs limit it to these files and directories.
    """
    target = _target(Path(os.path.realpath(options.here())))
    if target.exists() and not (printed or force or interactive()):
        raise UsageError(
            f"{target.name} exists already, and there is nobody to ask whether to replace it",
            hint="async-test-run init --force replaces it; async-test-run init --print only shows what it would be",
        )
    start = proposing.start(target, tuple(_path(path, target.parent) for path in paths), python)
    inventory = collecting.inventory(start, Narrowing(), os.environ)
    if inventory.interpreter.path:
        _show([*planning.python(inventory), Text()], sys.stderr if printed else sys.stdout, color)
    if not inventory.tests:
        _show(planning.nothing_to_propose(inventory, so="nothing is written"), sys.stderr, color)
        context.exit(int(ExitCode.FAILED if inventory.errors else ExitCode.NOTHING_SELECTED))
    proven = proposing.proven(start, inventory)
    if printed:
        click.echo(proven.text, nl=False)
    else:
        _show(_shown(proven.text), sys.stdout, color)
        if target.exists() and not force and not click.confirm(f"Replace {target.name}?"):
            click.echo(f"{target.name} is left as it is.")
            return
        _write(target, proven.text)
    _show(_summary(proven, inventory, None if printed else target), sys.stderr if printed else sys.stdout, color)
    context.exit(int(ExitCode.FAILED if inventory.errors else ExitCode.PASSED))


def interactive() -> bool:
    """Whether there is somebody to answer."""
    return sys.stdin.isatty()


def _target(directory: Path) -> Path:
    """The plan that is there, or the one to be."""
    present = (directory / name for name in runs.PLAN_NAMES if (directory / name).exists())
    return next(present, directory / runs.PLAN_NAMES[0])


def _path(path: str, root: Path) -> str:
    if "::" in path:
        raise UsageError(
            f"{quoted(path)} names tests; init takes files and directories",
            hint="write it under `tests` of a phase once the plan is there",
        )
    if not Path(path).exists():
        raise UsageError(f"no such file or directory: {quoted(path)}", hint="name files or directories that hold tests")
    return Path(os.path.relpath(path, root)).as_posix()


# ---------------------------------------------------------------------------------------------------------- the output


def _write(target: Path, text: str) -> None:
    """The plan, and the schema that its first line names."""
    with replaced(target) as file:
        file.write(text.encode())
    editors.keep_schema(target)


def _show(lines: Iterable[Text], stream: TextIO, color: bool | None) -> None:
    views.show(lines, stream, color=color, environ=os.environ)


def _shown(text: str) -> list[Text]:
    lines = [defused(visible(line)) for line in text.rstrip("\n").split("\n")]
    return [*(Text(line, "dim" if line.lstrip().startswith("#") else "") for line in lines), Text()]


def _summary(proven: Proven, inventory: Inventory, written: Path | None) -> list[Text]:
    phases = proven.assignment.phases
    workers = [workers_of(assigned.phase, inventory.facts) for assigned in phases]
    lacks = lacking.unawaited(inventory.tests, inventory.facts, inventory.interpreter)
    sections = [
        planning.table(phases, workers),
        planning.collection_errors(inventory),
        planning.notes((*proven.notes, *proven.assignment.notes, *lacks)),
    ]
    lines = [line for section in sections if section for line in (*section, Text())]
    if written is None:
        return lines[:-1]
    counted = f"{plural(proven.assignment.planned, 'test')} in {plural(len(phases), 'phase')}"
    said = f"wrote {item(written.name)}: {counted}, every test in exactly one"
    return [*lines, Text(said, "bold"), Text("next: async-test-run", "cyan")]
