"""The commands that run one test of a run again, and that go on with a run."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from ...model.result import RunResult, TestResult
from ...model.vocabulary import Outcome


def line(result: RunResult, test: TestResult, *, cwd: Path | None = None) -> str:
    """One line for bash. The plan is named relative to ``cwd`` when it lies below it."""
    return f"{_run(result, cwd)} --test {quoted(test.id)}"


def resume_line(result: RunResult, *, cwd: Path | None = None) -> str:
    """The command that goes on with a run that did not come to its end."""
    return f"{_run(result, cwd)} --resume {quoted(result.run_id)}"


def _run(result: RunResult, cwd: Path | None) -> str:
    """The command with the plan of the run. One that was proposed is proposed again where the run had its root."""
    if not result.proposed:
        return f"async-test-run run -c {quoted(_plan(result.plan_path, cwd))}"
    away = "" if cwd is not None and str(cwd) == result.root else f"cd {quoted(result.root)} && "
    return f"{away}async-test-run run"


def next_line(result: RunResult, *, cwd: Path | None = None, whole: bool = False) -> str:
    """What to do after a run, in one line; empty where nothing is to be done. ``whole``: all is shown already."""
    if not result.plan_path:
        return ""
    open_ = any(test.outcome is Outcome.NOT_RUN for test in result.tests())
    if open_ and (result.signal or not result.finished):
        return f"{resume_line(result, cwd=cwd)} goes on with it"
    if not any(test.outcome.is_red for test in result.tests()):
        return ""
    is_here = cwd == Path(result.plan_path).parent
    again = f"{'async-test-run' if is_here else _run(result, cwd)} --failed runs what was red again"
    if whole:
        return again
    plan = "" if is_here else f" -c {quoted(_plan(result.plan_path, cwd))}"
    return f"{again}; async-test-run report{plan} {quoted(result.run_id)} -v shows all of it"


def quoted(word: str) -> str:
    r"""The word as bash reads it back, without a character that a terminal would obey: ``$'a\x1bb'`` where needed."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(map(_escaped, word)) + "'"


def _escaped(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    if char.isprintable():
        return char
    # the bytes, not \u….: that depends on the locale; a lone surrogate is a byte of an undecodable file name
    return "".join(f"\\x{byte:02x}" for byte in _bytes(char))


def _bytes(char: str) -> bytes:
    try:
        return char.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return char.encode("utf-8", "surrogatepass")


def _plan(path: str, cwd: Path | None) -> str:
    if cwd is None or not path:
        return path
    shown = os.path.relpath(path, cwd) if Path(path).is_relative_to(cwd) else path
    return f"./{shown}" if shown.startswith("-") else shown
