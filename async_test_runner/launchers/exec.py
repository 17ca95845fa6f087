"""The exec launcher: a fresh pytest process for every job; several workers in one job come from pytest-xdist."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..contract.launching import Job
from ..model.inventory import PytestFacts
from ..model.plan import Phase
from ..words.templates import expand, template_values
from . import at_end, coverage, pytest_process
from .pytest_process import PytestSession

_ARGUMENTS_LIMIT = 60_000  # bytes of file names on a command line; systems allow 128 KiB and more
_AWKWARD = ("[", "::", "\n", "\r", "\udc80")  # pytest reads these in a path as something else than a path


class ExecLauncher:
    """Starts ``python -m pytest`` for each job.

    ``root`` is the working directory; ``paths`` the arguments of the collection, for files that cannot be named one by
    one; ``arguments`` what the command line of the runner passes on to pytest; ``without`` the files that took the
    collection down.
    """

    def __init__(
        self,
        *,
        root: Path,
        run_dir: Path,
        facts: PytestFacts,
        python: Callable[[str], str],
        paths: tuple[str, ...],
        arguments: tuple[str, ...],
        without: tuple[str, ...],
        environ: Mapping[str, str],
        wake: Callable[[], None],
    ) -> None:
        self._root = root
        self._run_dir = run_dir
        self._facts = facts
        self._python = python
        self._paths = paths
        self._arguments = arguments
        self._without = without
        self._environ = environ
        self._wake = wake

    @property
    def distributes(self) -> bool:
        """Whether an undivided phase can have several workers."""
        return has_xdist(self._facts)

    async def prepare(self, phase: Phase) -> None:
        """Nothing to prepare."""

    async def end(self, grace: float) -> None:
        """Nothing stays."""

    def divides(self, phase: Phase) -> bool:
        """A process runs one unit."""
        return False

    def keeps(self) -> set[int]:
        """None but its sessions."""
        return set()

    async def start(self, job: Job) -> PytestSession:
        """Start the process for a job; see `launching.Launcher`."""
        directory = self._directory(job)
        return await pytest_process.start(
            self._argv(job, directory),
            python=self._python(job.phase.python),
            cwd=self._root,
            directory=directory,
            settings=self._settings(job),
            env=self._env(job),
            on_exit=self._wake,
            names=pytest_process.process_names(job.workers if job.workers > 1 else 0),
        )

    def _settings(self, job: Job) -> dict[str, Any]:
        workers = {f"gw{n}": self._phase_env(job, job.slot + n, f"gw{n}") for n in range(job.workers)}
        tests = [test.id for test in job.tests]
        return {
            "mode": "run",
            "tests": tests,
            "worker_env": workers,
            "without": self._without,
            "at_end": str(self._run_dir / at_end.DIRECTORY),
            "recheck": job.recheck,
            **pytest_process.watching(job),
            "memory": job.phase.memory,
            "output": job.phase.output,
        }

    def _env(self, job: Job) -> dict[str, str]:
        env = {**self._environ, **self._phase_env(job, job.slot, f"gw{job.slot}")}
        if job.parallel:  # plugins and fixtures that keep a database per xdist worker keep one per slot
            env["PYTEST_XDIST_WORKER"] = f"gw{job.slot}"
            env["PYTEST_XDIST_WORKER_COUNT"] = str(job.phase.workers)
        if self._facts.coverage is not None:
            env["COVERAGE_FILE"] = str(self._directory(job) / coverage.DATA_NAME)
        return env

    def _directory(self, job: Job) -> Path:
        return self._run_dir / "processes" / job.process

    def _phase_env(self, job: Job, slot: int, worker: str) -> dict[str, str]:
        values = template_values(job.phase.name, str(self._run_dir), slot, worker)
        return {name: expand(text, values) for name, text in job.phase.env}

    def _argv(self, job: Job, directory: Path) -> list[str]:
        return [
            *job.phase.pytest_args,
            *self._arguments,
            *rootdir_arguments(self._facts),
            "--color=no",
            "--continue-on-collection-errors",
            f"--junitxml={junit_path(job, directory, self._facts)}",
            f"--maxfail={job.maxfail}",
            *self._distribution(job),
            *pytest_process.ignoring(self._without),
            *self._files(job),
        ]

    def _distribution(self, job: Job) -> list[str]:
        if not has_xdist(self._facts):
            return []
        # A worker that dies is replaced by nobody: the session ends, and the rest gets a fresh one (see `aftermath`).
        return ["-n", str(job.workers), "--max-worker-restart=0"] if job.workers > 1 else ["-n", "0"]

    def _files(self, job: Job) -> list[str]:
        names = dict.fromkeys(test.file for test in job.tests)
        files = [os.path.join(self._facts.rootdir, name) for name in names]  # noqa: PTH118 - no normalising here
        if any(part in file for file in files for part in _AWKWARD) or not all(map(os.path.exists, files)):
            return list(self._paths)
        if sum(len(os.fsencode(file)) + 1 for file in files) > _ARGUMENTS_LIMIT:
            return list(self._paths)
        return files


_XML_FIXTURES = {"record_xml_attribute", "record_testsuite_property"}


def junit_path(job: Job, directory: Path, facts: PytestFacts) -> str:
    """Where pytest writes an XML of its own: only where the project asks for one, or has tests that add to it.

    It costs pytest a sixth of a trivial test's time, and the runner renders the same from the journal. Nowhere for file
    names that are not UTF-8: pytest cannot, and breaks. What only rechecks has no place in it: its test stands there.
    """
    wanted = bool(facts.junit_xml) or any(not _XML_FIXTURES.isdisjoint(test.fixtures) for test in job.tests)
    if not wanted or job.recheck or any("\\ud" in test.file for test in job.tests):
        return ""
    return str(directory / "junit.xml")


def has_xdist(facts: PytestFacts) -> bool:
    """Whether the project's pytest can distribute tests."""
    return any(plugin.startswith("pytest-xdist-") for plugin in facts.plugins)


def rootdir_arguments(facts: PytestFacts) -> list[str]:
    """Make every later process see the root and the configuration file that the collection saw."""
    arguments = [f"--rootdir={facts.rootdir}"] if facts.rootdir else []
    return [*arguments, "-c", facts.inipath] if facts.inipath else arguments
