"""Coverage of a run whose project measures it with pytest-cov: the parts of all processes, combined and reported once.

The runner does not measure. It gives every process a data file of its own, and lets the project's own ``coverage``
combine them into the file that the project expects, write the reports that ``--cov-report`` asks for, and judge
``--cov-fail-under``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..model.inventory import Coverage
from ..model.result import Problem
from ..system import process
from ..system.files import text_of

DATA_NAME = ".coverage"
_DEADLINE = 300.0
_BELOW = 2  # exit status of `coverage report --fail-under` when the total is below
_TARGET_OPTION = {"html": "-d", "annotate": "-d", "xml": "-o", "json": "-o", "lcov": "-o"}


class Reported(NamedTuple):
    """What came of it: the table for the terminal, if one was asked for, and what went wrong."""

    table: str
    problem: Problem | None


async def finish(coverage: Coverage, *, python: str, root: Path, run_dir: Path, environ: Mapping[str, str]) -> Reported:
    """Combine and report. Data that some process could not write is missing, and nothing says so but the figures."""
    parts = sorted(str(path) for path in run_dir.rglob(f"{DATA_NAME}*") if path.is_file())
    if not parts:
        return Reported("", Problem("failure", "coverage: --cov was asked for, but no process left any data"))
    tool = _Tool(coverage, python, root, run_dir, environ)
    append = ["--append"] if coverage.append else []
    status, said = await tool.run("combine", "--keep", "--quiet", *append, *parts)
    if status != 0:
        return Reported("", Problem("infrastructure", f"coverage combine failed: {said.strip()[-2000:]}"))
    return await _report(tool, coverage)


async def _report(tool: _Tool, coverage: Coverage) -> Reported:
    table = ""
    for kind, target in coverage.reports:
        status, said = await tool.run(*_arguments(kind, target))
        if status != 0:
            text = f"coverage {kind} failed: {said.strip()[-2000:]}"
            return Reported(table, Problem("infrastructure", text))
        if kind.startswith("term"):
            table = said
    if coverage.fail_under > 0:
        status, said = await tool.run("report", f"--fail-under={coverage.fail_under:g}")
        if status == _BELOW:
            last = said.strip().splitlines()[-1] if said.strip() else ""
            return Reported(table, Problem("failure", f"coverage is below {coverage.fail_under:g} %: {last}"))
    return Reported(table, None)


def _arguments(kind: str, target: str) -> list[str]:
    """The ``coverage`` command for one ``--cov-report``."""
    if kind in ("term", "term-missing"):
        missing = ["--show-missing"] if kind == "term-missing" else []
        return ["report", *missing, *(["--skip-covered"] if target == "skip-covered" else [])]
    if kind.startswith("markdown"):
        return ["report", "--format=markdown"]
    return [kind, *([_TARGET_OPTION[kind], target] if target and kind in _TARGET_OPTION else [])]


class _Tool:
    """The project's own ``coverage`` command."""

    def __init__(self, coverage: Coverage, python: str, root: Path, run_dir: Path, environ: Mapping[str, str]) -> None:
        self._base = [python, "-m", "coverage"]
        config = root / coverage.config if coverage.config else None
        self._config = [f"--rcfile={config}"] if config is not None and config.is_file() else []
        self._root = root
        self._log = run_dir / "coverage.log"
        self._env = {name: value for name, value in environ.items() if name != "COVERAGE_FILE"}

    async def run(self, command: str, *arguments: str) -> tuple[int, str]:
        """Exit status and output of one command."""
        self._log.unlink(missing_ok=True)
        child = await process.start(
            [*self._base, command, *self._config, *arguments], cwd=self._root, env=self._env, output=self._log
        )
        status = await process.wait_or_end(child, _DEADLINE)
        return status, text_of(self._log)
