"""Run the console blocks of README.md and docs/, and compare.

A page with console blocks names the project in which they run: ``<!-- project: examples/docs/shop -->``, or ``new``
for an empty directory. The project is copied, so that pages do not disturb each other or the checkout. Then, in order:

- A block whose first line is a comment with the path of a file (``# tests/test_a.py``) is written to that file.
- A command of a console block is run by bash, in the directory of the copy. Its output must be the lines below it, with
  ``…`` for any number of lines. Durations, ids of runs, blank lines and the list of slowest tests, which depends on the
  machine, are not compared. A command with no lines below it must exit with 0.

Blocks marked ``sh`` are for readers only.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import examples

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 120.0  # seconds for a command: on a busy machine many times what it takes
_PROJECT = re.compile(r"^<!-- project: (\S+) -->$", re.MULTILINE)
_FENCE = re.compile(r"^```(\w*)$")
_FILE = re.compile(r"^# ([\w./-]+\.(?:py|toml|ini|yaml))$")
_RUN_ID = re.compile(r"\b\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{6}\b")
_SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")
_LEFT_OUT = re.compile(r"^(│ )?…$")


class File(NamedTuple):
    """A file that a page shows as a whole."""

    line: int
    path: str
    text: str


class Command(NamedTuple):
    """A command of a page, with the lines that stand below it."""

    line: int
    text: str
    output: tuple[str, ...]


class Page(NamedTuple):
    """What a page shows, in its order; ``project`` is a directory of the repository, or "new"."""

    name: str
    project: str
    steps: tuple[File | Command, ...]


def pages(root: Path = ROOT) -> list[Page]:
    """Those of README.md and docs/ that have console blocks. ``ValueError`` for one that names no project."""
    found = [page(path, root) for path in (root / "README.md", *sorted((root / "docs").rglob("*.md")))]
    return [one for one in found if any(isinstance(step, Command) for step in one.steps)]


def page(path: Path, root: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    name = str(path.relative_to(root))
    named = _PROJECT.search(text)
    steps = tuple(_steps(text))
    if not named and any(isinstance(step, Command) for step in steps):
        raise ValueError(f"{name}: has console blocks and names no project: <!-- project: examples/docs/… -->")
    return Page(name, named[1] if named else "", steps)


def _steps(text: str) -> Iterator[File | Command]:
    for line, language, lines in blocks(text):
        if language == "console":
            yield from _commands(line, lines)
        elif lines and (file := _FILE.match(lines[0])):
            yield File(line, file[1], "\n".join(lines[1:]) + "\n")


def blocks(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Every fenced block: the number of its first line, its language, its lines."""
    opened: tuple[int, str, list[str]] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and opened is None:
            opened = (number + 1, fence[1], [])
        elif fence and opened is not None:
            yield opened
            opened = None
        elif opened is not None:
            opened[2].append(line)


def _commands(first: int, lines: list[str]) -> Iterator[Command]:
    found: list[Command] = []
    for number, line in enumerate(lines, first):
        if line.startswith("$ "):
            found.append(Command(number, line[2:], ()))
        elif line.strip() and found:
            found[-1] = found[-1]._replace(output=(*found[-1].output, line))
    return iter(found)


def normalized(line: str) -> str:
    """A line without what differs from run to run."""
    return examples.normalized(_SECONDS.sub("#", _RUN_ID.sub("ID", line)))


def compared(lines: Iterable[str]) -> Iterator[str]:
    """The lines that count, normalized: not blank, and not of the list of slowest tests."""
    slowest = False
    for line in lines:
        slowest = line == "slowest tests" or (slowest and line.startswith("  "))
        if not slowest and normalized(line):
            yield normalized(line)


def problem(command: Command, status: int, written: str) -> str:
    """What is wrong with what a command has written; empty if nothing."""
    if not command.output:
        return f"exit {status}" if status else ""
    expected, lines = list(compared(command.output)), list(compared(written.splitlines()))
    if re.fullmatch("".join(map(_pattern, expected)), "".join(f"{line}\n" for line in lines)):
        return ""
    lost = examples.missing(expected, "\n".join(lines))
    if lost is not None:
        return f"not there, or not in its turn: {lost!r}"
    return "there are more lines than the page shows; … stands for lines that are left out"


def _pattern(line: str) -> str:
    """The regular expression for a line of a page, which is normalized."""
    return r"(?:[^\n]*\n)*?" if _LEFT_OUT.match(line) else re.escape(f"{line}\n")


def execute(text: str, directory: Path) -> tuple[int, str]:
    """The exit status and the output of a command; -1 if it has not ended in time."""
    try:
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=directory,
            env=examples.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return -1, shown(late.output or b"")
    return done.returncode, shown(done.stdout)


def shown(written: bytes) -> str:
    """What a command has written, with this environment as a reader has it."""
    text = written.decode("utf-8", "replace").replace(f"{sys.prefix}{os.sep}", ".venv/")
    return re.sub(r"(\.venv/bin/python)[\d.]*", r"\1", text)


def prepared(project: str, scratch: Path) -> Path:
    """A copy of a project, or an empty directory, without what earlier runs have left."""
    directory = scratch / (Path(project).name or "new")
    if project == "new":
        directory.mkdir()
    else:
        ignored = shutil.ignore_patterns("__pycache__", ".async-test-run", ".pytest_cache")
        shutil.copytree(ROOT / project, directory, ignore=ignored)
    return directory


def check(one: Page) -> bool:
    """Do what a page shows; tells about each command as soon as it is over."""
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        directory = prepared(one.project, Path(scratch))
        for step in one.steps:
            if isinstance(step, File):
                path = directory / step.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(step.text, encoding="utf-8")
            else:
                good = _checked(one, step, directory) and good
    return good


def _checked(one: Page, command: Command, directory: Path) -> bool:
    began = time.monotonic()
    status, written = execute(command.text, directory)
    wrong = problem(command, status, written)
    word = "FAILED" if wrong else "ok    "
    said = f"{word} {time.monotonic() - began:5.1f}s  {one.name}:{command.line}: {command.text}"
    if wrong:
        said += f"\n       {wrong}\n" + "\n".join(f"│ {line}" for line in written.splitlines()[-60:])
    print(said, flush=True)
    return not wrong


def main() -> int:
    found = pages()
    parser = argparse.ArgumentParser(description="Run the console blocks of README.md and docs/, and compare.")
    names = [one.name for one in found]
    parser.add_argument("pages", nargs="*", metavar="PAGE", help=f"only these: {', '.join(names)}")
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="pages at the same time (default: 2)")
    options = parser.parse_args()
    if unknown := set(options.pages) - set(names):
        parser.error(f"no page with console blocks is called {', '.join(sorted(unknown))}")
    chosen = [one for one in found if not options.pages or one.name in options.pages]
    began = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        good = list(pool.map(check, chosen))
    print(f"pages: {sum(good)} of {len(good)} are as they say, in {time.monotonic() - began:.0f}s")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
