"""Tiny projects that the real command line runs, and what came of such a run."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import pytest

from async_test_runner.model.result import RunResult, TestResult
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record import journal, verdict
from async_test_runner.record.events import Event, ProcessStarted
from async_test_runner.record.fold import fold
from tests.support import fork_server
from tests.support.fork_server import SOURCE, Forked, ForkServer

MARK = "RUN_UNDER_TEST"  # every process of a run has it in its environment, with a value of its own
DEADLINE = 240.0  # seconds that a run may take before it counts as hanging, on a machine that is busy too


# For tests whose subject is the processes that run tests: once in fresh processes, once in forks.
both_launchers = pytest.mark.parametrize("project", ["exec", "warm"], indirect=True)


class Finished:
    """A run that is over: exit code, output, and what its journal says."""

    def __init__(self, code: int, output: str, run: Path | None, mark: str) -> None:
        self.code = code
        self.output = output
        self.run = run
        self.mark = mark

    @cached_property
    def events(self) -> list[Event]:
        assert self.run is not None, self.output
        return list(journal.read(self.run / journal.FILE_NAME))

    @cached_property
    def result(self) -> RunResult:
        return fold(self.events)

    @cached_property
    def tests(self) -> dict[str, TestResult]:
        return {test.id: test for test in self.result.tests()}

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        return {id: test.outcome for id, test in self.tests.items()}

    @property
    def problems(self) -> list[str]:
        return [problem.message for problem in self.result.problems]

    def outcome(self, name: str) -> Outcome:
        """The outcome of the one test whose id ends so."""
        (found,) = [outcome for id, outcome in self.outcomes.items() if id.endswith(name)]
        return found

    def text(self, name: str) -> str:
        """All that is said about the test whose id ends so: reason, messages, texts."""
        (test,) = [test for id, test in self.tests.items() if id.endswith(name)]
        details = [part for attempt in test.attempts for d in attempt.details for part in (d.message, d.text)]
        return "\n".join([test.reason, *details])

    def processes(self, phase: str) -> int:
        """How many pytest processes the phase took."""
        return sum(isinstance(event, ProcessStarted) and event.phase == phase for event in self.events)

    def cases(self) -> dict[str, list[ElementTree.Element]]:
        """The testcases of the merged JUnit XML by phase; what belongs to no phase left out."""
        assert self.run is not None
        suites = ElementTree.parse(self.run / "junit.xml").iter("testsuite")
        names = {phase.name for phase in self.result.phases if phase.tests}
        return {str(suite.get("name")): list(suite.iter("testcase")) for suite in suites if suite.get("name") in names}

    def check(self, code: int) -> Finished:
        """What holds for every run: the exit code, the books, valid XML with each test once, nothing left alive."""
        assert self.code == code, self.output
        assert verdict.violations(self.result) == ()
        assert int(verdict.exit_code(self.result)) == code
        planned = Counter(len(phase.tests) for phase in self.result.phases if phase.tests)
        assert Counter(len(cases) for cases in self.cases().values()) == planned
        for cases in self.cases().values():
            assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
        assert len(list(self.result.tests())) == len({test.id for test in self.result.tests()})
        assert survivors(self.mark) == []
        return self


class Project:
    """A directory with a plan and tests. With a ``server`` its runners are forks of that: much cheaper."""

    def __init__(self, root: Path, launcher: str = "auto", server: ForkServer | None = None) -> None:
        self.root = root
        self.launcher = launcher
        self._server = server

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def plan(self, text: str) -> None:
        self.write("runner.yaml", "version: 1\n" + textwrap.dedent(text))

    def start(self, *arguments: str, **env: str) -> Running:
        """Start ``async-test-run`` here. Plugins are loaded by the project's own ``-p``: that is much faster."""
        given = "--launcher" in arguments or any(argument.startswith("--resume") for argument in arguments)
        if arguments[:1] == ("run",) and not given:
            arguments = ("run", "--launcher", self.launcher, *arguments[1:])
        return Running(self, arguments, env)

    def run(self, *arguments: str, **env: str) -> Finished:
        return self.start("run", *arguments, **env).wait()

    def launch(
        self, arguments: tuple[str, ...], env: dict[str, str], output: int, mark: str
    ) -> subprocess.Popen[bytes] | Forked:
        """The process of the runner, with ``env`` beside what all runners under test have in their environment."""
        whole = {**surroundings(), MARK: mark, **env}
        if self._server is not None and fork_server.is_possible(env):
            return self._server.start(arguments, cwd=self.root, env=whole, output=output, mark=mark)
        return subprocess.Popen(
            [sys.executable, "-m", "async_test_runner", *arguments],
            cwd=self.root,
            env=whole,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def newest(self) -> Path | None:
        runs = sorted((self.root / ".async-test-run" / "runs").glob("2*"))
        return runs[-1] if runs else None


class Running:
    """The runner, at work in a project."""

    def __init__(self, project: Project, arguments: tuple[str, ...], env: dict[str, str]) -> None:
        self.project = project
        self.mark = secrets.token_hex(8)
        self._log = project.root / f".output-{self.mark}.txt"
        with self._log.open("wb") as output:
            self.process = project.launch(arguments, env, output.fileno(), self.mark)

    def until(self, path: str) -> Running:
        """Wait until a file is there, which a test writes."""
        wait_until(lambda: (self.project.root / path).exists() or self.process.poll() is not None)
        assert (self.project.root / path).exists(), self._output()
        return self

    def signal(self, number: int) -> Running:
        self.process.send_signal(number)
        return self

    def wait(self) -> Finished:
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            for pid in survivors(self.mark):
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"the runner hangs:\n{self._output()}") from None
        return Finished(code, self._output(), self.project.newest(), self.mark)

    def _output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")


def surroundings() -> dict[str, str]:
    """The environment of runners under test.

    Byte code is read and not written: it would be a file more in the project, and stale where a test writes a module
    again in the same second.
    """
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "ASYNC_TEST_RUN_", "PYTHON"))
    }
    ours = {"PYTHONPATH": str(SOURCE), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**clean, **ours, "PYTEST_DEBUG_TEMPROOT": _temporary()}


def _temporary() -> str:
    """Not pytest's common one: its old directories, which each pytest run removes at its end, may be large."""
    path = Path(tempfile.gettempdir()) / "runners-under-test"
    path.mkdir(exist_ok=True)
    return str(path)


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Look again and again until the condition holds; fails after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def survivors(mark: str) -> list[int]:
    """Processes that have the mark in their environment or as their name, the dead but not yet reaped left out."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            if wanted in environment.split(b"\0") or (environment and fork_server.has_name(entry, mark)):
                found.append(int(entry.name))
        except OSError:
            continue
    return found
