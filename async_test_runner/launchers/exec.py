"""The exec launcher: a fresh pytest process for every job; several workers in one job come from pytest-xdist."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..contract.launching import Job
from ..contract.settings import environment_of, settings_of
from ..contract.surroundings import Surroundings
from ..model.inventory import PytestFacts
from ..model.plan import Phase
from ..system import process
from . import coverage, pytest_process
from .pytest_process import PytestSession

EACH = "each"  # xdist's way that runs every test in every worker: a test has one outcome here


class ExecLauncher:
    """Starts ``python -m pytest`` for each job.

    ``python`` finds the interpreter of a phase; ``wake`` is called when a process has ended.
    """

    def __init__(self, around: Surroundings, *, python: Callable[[str], str], wake: Callable[[], None]) -> None:
        self._around = around
        self._python = python
        self._wake = wake

    @property
    def distributes(self) -> bool:
        """Whether an undivided phase can have several workers."""
        return has_xdist(self._around.facts)

    async def prepare(self, phase: Phase) -> None:
        """Nothing to prepare."""

    async def end(self, grace: float) -> None:
        """Nothing stays."""

    def divides(self, phase: Phase) -> bool:
        """A process runs one unit."""
        return False

    def knows_another_way(self, job: Job, why: str) -> bool:
        """A fresh process is the last resort."""
        return False

    def watch(self) -> None:
        """Nothing to look at but the sessions, which the guardian waits for."""

    def keeps(self) -> set[int]:
        """None but its sessions."""
        return set()

    async def start(self, job: Job) -> PytestSession:
        """Start the process for a job; see `launching.Launcher`."""
        directory = self._around.directory(job.process)
        return await pytest_process.start(
            self._argv(job, directory),
            python=self._python(job.phase.python),
            cwd=self._around.root,
            directory=directory,
            settings=settings_of(job, self._around, process.parent()),
            env=self._env(job),
            on_exit=self._wake,
            names=pytest_process.files_of(job.workers if job.workers > 1 else 0),
        )

    def _env(self, job: Job) -> dict[str, str]:
        env = {**self._around.environ, **environment_of(job, self._around, job.slot, f"gw{job.slot}")}
        if job.parallel:  # plugins and fixtures that keep a database per xdist worker keep one per slot
            env["PYTEST_XDIST_WORKER"] = f"gw{job.slot}"
            env["PYTEST_XDIST_WORKER_COUNT"] = str(job.phase.workers)
            env["PYTEST_XDIST_TESTRUNUID"] = self._around.run_id
        if self._around.facts.coverage is not None:
            env["COVERAGE_FILE"] = str(self._around.directory(job.process) / coverage.DATA_NAME)
        return env

    def _argv(self, job: Job, directory: Path) -> list[str]:
        return [
            *job.phase.pytest_args,
            *self._around.arguments,
            *rootdir_arguments(self._around.facts),
            "--color=no",
            "--continue-on-collection-errors",
            f"--junitxml={junit_path(job, directory, self._around.facts)}",
            f"--maxfail={job.maxfail}",
            *self._distribution(job),
            *pytest_process.ignoring(self._around.without),
            *self._around.paths,
        ]

    def _distribution(self, job: Job) -> list[str]:
        if not has_xdist(self._around.facts):
            return []
        # A worker that dies is replaced by nobody: the session ends, and the rest gets a fresh one (see `aftermath`).
        if job.workers == 1:
            return ["-n", "0"]
        once = ["--dist", "load"] if self._around.facts.dist == EACH else []
        return ["-n", str(job.workers), "--max-worker-restart=0", *once]


def junit_path(job: Job, directory: Path, facts: PytestFacts) -> str:
    """Where pytest writes an XML of its own: only where the project asks for one.

    It costs pytest a sixth of a trivial test's time, and the runner renders the same from the journal. Nowhere for file
    names that are not UTF-8: pytest cannot, and breaks. What only rechecks has no place in it: its test stands there.
    """
    if not facts.junit_xml or job.recheck or any("\\ud" in test.file for test in job.tests):
        return ""
    return str(directory / "junit.xml")


def has_xdist(facts: PytestFacts) -> bool:
    """Whether the project's pytest can distribute tests."""
    return any(plugin.startswith("pytest-xdist-") for plugin in facts.plugins)


def rootdir_arguments(facts: PytestFacts) -> list[str]:
    """Make every later process see the root and the configuration file that the collection saw."""
    arguments = [f"--rootdir={facts.rootdir}"] if facts.rootdir else []
    return [*arguments, "-c", facts.inipath] if facts.inipath else arguments
