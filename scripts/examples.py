"""Run what the READMEs of the gallery show, and compare.

A command in a console block of ``examples/*/README.md`` that has lines below it is run, in the example's directory.
Each of these lines must occur in what the command writes, in this order; more may stand between them (``…`` says so to
readers). Durations are not compared. A run with warnings must show them. ``timeout N COMMAND`` claims that the command
hangs: after the lines it must not end by itself. Commands without lines are for readers only.

Every README must show its plan under both launchers, and plain pytest. Run by scripts/examples.sh, which makes the
environment.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ELSEWHERE = {"fastapi_template"}  # it has steps of its own in .ci/run
MUST_SHOW = ("async-test-run -c runner.yaml --launcher warm", "async-test-run -c runner.yaml --launcher exec", "pytest")
LONGEST = 300.0  # seconds for a command: on a busy machine many times what it takes
QUIET = 3.0  # seconds without an end that make a hang
NOT_INHERITED = (
    "DATABASE_URL",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "FORCE_COLOR",
    "PYTHONDONTWRITEBYTECODE",  # each command would compile the package anew: twice the processor time
)


class Shown(NamedTuple):
    """A command of a README, and the lines that stand below it."""

    example: str
    line: int
    command: str
    output: tuple[str, ...]

    @property
    def hangs(self) -> bool:
        return self.command.startswith("timeout ")

    @property
    def to_run(self) -> str:
        return re.sub(r"^timeout \S+ ", "", self.command)


class Answer(NamedTuple):
    """What came of a command; an empty ``problem`` is good."""

    shown: Shown
    seconds: float
    problem: str


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """The lines of console blocks, with their numbers; an empty text ends a block."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = line.startswith("```console") and not inside
            yield number, ""
        elif inside:
            yield number, line


def shown(example: str, text: str) -> list[Shown]:
    """The commands of a README that have output below them."""
    found: list[Shown] = []
    for number, line in blocks(text):
        if line.startswith("$ "):
            found.append(Shown(example, number, re.sub(r"\s+#\s.*", "", line[2:]).strip(), ()))
        elif line.strip() and found:
            found[-1] = found[-1]._replace(output=(*found[-1].output, line))
    return [one for one in found if one.output]


def normalized(line: str) -> str:
    """A line without what differs from run to run: durations, and what is drawn to a width."""
    text = re.sub(r"\b(\d+h ?)?(\d+m ?)?\d+(\.\d+)?s\b( \(\d+:\d\d:\d\d\))?", "#", line)
    text = re.sub(r"={3,}|-{3,}|_{3,}", "", text)
    return re.sub(r"\s+", " ", text).strip()


def missing(expected: Sequence[str], output: str) -> str | None:
    """The first expected line that does not come in its turn; None if all do."""
    lines = iter([normalized(line) for line in output.splitlines()])
    for line in expected:
        if line.strip() != "…" and normalized(line) not in lines:
            return line
    return None


def has_warnings(output: str) -> bool:
    """Whether a report of the runner ends with a section of warnings."""
    return "warnings" in output.splitlines()


def environment() -> dict[str, str]:
    """That of a reader who has activated this environment: a `.venv` in the checkout is not meant."""
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    return {**inherited, "PATH": path, "VIRTUAL_ENV": sys.prefix, "PYTHONUNBUFFERED": "1", "COLUMNS": "160"}


def ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def watched(process: subprocess.Popen[bytes], one: Shown, output: Path) -> str:
    """What is wrong with a command that is running, once it has ended, hung as told, or taken too long."""
    if not one.hangs:
        return "" if ended(process, LONGEST) else f"no end after {LONGEST:g} s"
    until = time.monotonic() + LONGEST
    while missing(one.output, output.read_text("utf-8", "replace")) is not None:
        if ended(process, 0.2):
            return f"ended with {process.returncode} instead of hanging"
        if time.monotonic() > until:
            return f"no such output within {LONGEST:g} s"
    return f"ended with {process.returncode} instead of hanging" if ended(process, QUIET) else ""


def run(one: Shown) -> Answer:
    """Run a command and compare; nothing of it is left running."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "output")
        with output.open("wb") as file:
            process = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {one.to_run}"],
                cwd=EXAMPLES / one.example,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            problem = watched(process, one, output)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        written = output.read_text("utf-8", "replace")
    lost = missing(one.output, written)
    if not problem and has_warnings(written) and not has_warnings("\n".join(one.output)):
        problem = "the run has warnings, which the README does not show"
    if lost is not None:
        problem = f"{problem or 'the output is another one'}; not there, or not in its turn: {lost.strip()!r}"
    if problem:
        problem += "\n" + "\n".join(f"│ {line}" for line in written.splitlines()[-60:])
    return Answer(one, time.monotonic() - began, problem)


def has_postgres() -> bool:
    try:
        socket.create_connection(("127.0.0.1", 5432), 2).close()
    except OSError:
        return False
    return True


def check(example: str, *, postgres: bool) -> bool:
    """All that the README of an example shows; tells about each command as soon as it is over."""
    commands = shown(example, (EXAMPLES / example / "README.md").read_text("utf-8"))
    good = True
    for must in MUST_SHOW:
        if not any(must in one.command for one in commands):
            print(f"FAILED {example}: README.md does not show what comes of `{must}`", flush=True)
            good = False
    for one in commands:
        if "postgres" in one.command and not postgres:
            print(f"skipped {example}: no PostgreSQL on 127.0.0.1:5432 for `{one.command}`", flush=True)
            continue
        answer = run(one)
        word = "FAILED" if answer.problem else "ok    "
        where = f"{example}/README.md:{one.line}"
        print(f"{word} {answer.seconds:5.1f}s  {where}: {one.command}", flush=True)
        if answer.problem:
            print(f"       {answer.problem}", flush=True)
            good = False
    return good


def main() -> int:
    names = sorted(path.parent.name for path in EXAMPLES.glob("*/runner.yaml") if path.parent.name not in ELSEWHERE)
    parser = argparse.ArgumentParser(description="Run what the READMEs of examples/ show, and compare.")
    parser.add_argument("--only", metavar="NAME", choices=names, action="append", help=", ".join(names))
    parser.add_argument("--jobs", metavar="N", type=int, default=2, help="examples at the same time (default: 2)")
    options = parser.parse_args()
    postgres = has_postgres()
    if not postgres and not os.environ.get("ALLOW_SKIPS"):
        print("no PostgreSQL on 127.0.0.1:5432 (ALLOW_SKIPS=1 does without)")
        return 1
    began = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        good = list(pool.map(lambda name: check(name, postgres=postgres), options.only or names))
    print(f"examples: {sum(good)} of {len(good)} as their READMEs tell, in {time.monotonic() - began:.0f}s")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
