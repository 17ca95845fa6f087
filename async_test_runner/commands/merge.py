"""``async-test-run merge``: JUnit XML files of any producer become one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import click

from ..model.errors import ExitCode, InfrastructureError, ReportInputError, UsageError
from ..reports.junit_files.merging import Merge, Merged
from ..reports.junit_files.xml import Counts
from ..reports.wording import words
from ..reports.wording.text import defused, one_line
from ..system.files import replaced

_ROWS = 20
_EPILOG = """\b
Examples:
  async-test-run merge reports/unit.xml reports/db.xml -o merged.xml
  async-test-run merge shards/ -o merged.xml --fail-on-red
  async-test-run merge shards/ -o - > merged.xml

\b
Exit codes:
  0  merged; red tests do not change that unless --fail-on-red is given
  1  merged, and a test in it failed (with --fail-on-red)
  2  nothing was written: a directory without XML, the output among the inputs
  4  merged as far as possible: an input is missing, truncated or no JUnit XML
"""


@click.command(epilog=_EPILOG)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, metavar="FILE", help="Where to write. '-' is standard output.")
@click.option("--name", default="merged", show_default=True, help="The name of the merged report.")
@click.option("--fail-on-red", is_flag=True, help="Exit with 1 when the merged report holds a failure or an error.")
@click.pass_context
def command(ctx: click.Context, inputs: tuple[Path, ...], output: str, name: str, fail_on_red: bool) -> None:
    """Merge JUnit XML files, and directories of them, into one.

    Files of every producer are understood: pytest's xunit1 and xunit2, nested suites, Surefire's reruns. A file may
    hold several documents. Testcases are kept, counts are computed anew, and nested suites become siblings. A testcase
    whose attributes say that it did not run gets `<skipped>`, one that failed `<failure>`. Characters that XML cannot
    hold are spelled out.

    A file that is truncated or no JUnit XML gets an error testcase that names it. Its complete testcases are kept.

    Directories are searched for `*.xml`, except for the output file itself. XML about something else is passed over.
    """
    target = None if output == "-" else Path(output)
    paths, missing = _resolve(inputs, target)
    named = {path.resolve() for path in inputs}
    if target is not None:
        _make_directory(target)
    with Merge(name, directory=None if target is None else target.parent) as merge:
        found = [merge.add(path, is_named=path.resolve() in named) for path in paths]
        _check_something_is_there(found, missing, inputs)
        merged = [*found, *(merge.miss(path, reason) for path, reason in missing)]
        _write(merge, target)
        total = merge.total
    for line in _table([file for file in merged if not file.passed_over], total):
        click.echo(line, err=target is None)
    for line in _notes(merged):
        click.echo(line, err=True)
    problems = [_shown(file.problem) for file in merged if file.problem]
    if problems:
        raise ReportInputError(
            "\n".join(problems),
            hint="the merged report holds an error for each; look at the job that should have written the file",
        )
    if fail_on_red and total.red:
        ctx.exit(ExitCode.FAILED)


# ---------------------------------------------------------------------------------------------------------- the inputs


def _resolve(inputs: Sequence[Path], output: Path | None) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The files to merge, each once, and what cannot be looked at, with the reason."""
    missing: list[tuple[Path, str]] = []
    out = output.resolve() if output else None
    found: dict[Path, Path] = {}
    for path in inputs:
        if path.is_dir():
            files = [file for file in _walk(path, missing) if file.resolve() != out]
            if not files and not missing:
                raise UsageError(
                    f"{_shown(str(path))}: no *.xml file in this directory",
                    hint="name the directory that the JUnit XML files were written to",
                )
        elif path.resolve() == out:
            raise UsageError(
                f"{_shown(str(path))}: is an input and the output",
                hint="write the merged report to another file, or one that no input pattern matches",
            )
        else:
            files = [path]
        for file in files:
            found.setdefault(file.resolve(), file)
    if not any(path.exists() for path in inputs):
        raise UsageError(
            f"none of the inputs exists: {', '.join(_shown(str(path)) for path in inputs)}",
            hint="name the files that pytest --junitxml wrote, or their directory",
        )
    return list(found.values()), missing


def _check_something_is_there(
    found: Sequence[Merged], missing: Sequence[tuple[Path, str]], inputs: Sequence[Path]
) -> None:
    if missing or any(not file.passed_over for file in found):
        return
    passed_over = [_shown(file.passed_over) for file in found]
    raise UsageError(
        "\n".join(["no JUnit XML in " + ", ".join(_shown(str(path)) for path in inputs), *passed_over[:_ROWS]]),
        hint="name the directory that the JUnit XML files were written to",
    )


def _notes(merged: Sequence[Merged]) -> Iterator[str]:
    """What a reader of the merged report should know, and what is no problem of it."""
    for file in merged:
        if file.passed_over:
            yield f"passed over: {_shown(file.passed_over)}"
        elif file.is_mended:
            yield f"{_shown(str(file.path))}: holds characters that XML cannot hold; they are spelled out, such as #x1B"


def _walk(directory: Path, missing: list[tuple[Path, str]]) -> Iterator[Path]:
    """The XML files below a directory, sorted by path; pipes and devices are passed over, they would block."""

    def note(error: OSError) -> None:
        missing.append((Path(error.filename), f"cannot be listed: {error.strerror}"))

    files = [Path(top, name) for top, _, names in os.walk(directory, onerror=note) for name in names]
    missing.sort()
    return (file for file in sorted(files) if file.suffix.lower() == ".xml" and not _is_special(file))


def _is_special(file: Path) -> bool:
    return file.exists() and not file.is_file()


# --------------------------------------------------------------------------------------------------------- the outputs


def _make_directory(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InfrastructureError(f"cannot write {_shown(str(target))}: {error.strerror}") from error


def _write(merge: Merge, target: Path | None) -> None:
    if target is not None:
        with replaced(target) as file:
            merge.write(file)
        return
    stdout: BinaryIO = sys.stdout.buffer
    merge.write(stdout)
    stdout.flush()


def _table(merged: Sequence[Merged], total: Counts) -> Iterator[str]:
    """The summary: a line per input, the problematic and the red ones when there are many, and the sum of all."""
    shown = merged
    if len(merged) > _ROWS:
        shown = [file for file in merged if file.problem or file.counts.red][:_ROWS]
    rows = [(_shown(str(file.path)), file.counts) for file in shown]
    width = max(len(name) for name, _ in [*rows, ("total", total)])
    yield f"{'file':{width}}  {'tests':>7} {'failed':>7} {'errors':>7} {'skipped':>7} {'time':>9}"
    yield from (_row(name, counts, width) for name, counts in rows)
    if len(merged) > len(shown):
        yield f"… {words.plural(len(merged) - len(shown), 'more file')}"
    yield _row("total", total, width)


def _shown(text: str) -> str:
    """One line that neither a terminal nor a CI service obeys, though it begins with the name of a file."""
    line = defused(one_line(text))
    return f"./{line}" if line.lstrip().startswith("::") else line


def _row(name: str, counts: Counts, width: int) -> str:
    numbers = " ".join(f"{n:>7}" for n in (counts.tests, counts.failures, counts.errors, counts.skipped))
    return f"{name:{width}}  {numbers} {words.seconds(counts.time):>9}"
