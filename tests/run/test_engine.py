"""The engine with a launcher that plays a script; setup and teardown commands are real."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from async_test_runner.contract.launching import Job
from async_test_runner.contract.messages import Finished, Hello, Message, SessionFinished, Stage, Started
from async_test_runner.contract.surroundings import Surroundings
from async_test_runner.model.errors import ExitCode, InfrastructureError
from async_test_runner.model.inventory import CollectedTest, PytestFacts
from async_test_runner.model.plan import Command, Phase, Plan
from async_test_runner.model.result import RunResult
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.record.events import Event, Interrupted, RunFinished, RunStarted, TestNotRun
from async_test_runner.record.fold import Fold
from async_test_runner.record.verdict import exit_code, violations
from async_test_runner.run.engine import Engine
from async_test_runner.suite.assignment import AssignedPhase
from async_test_runner.system import process
from async_test_runner.system.clocks import real_clock
from tests.support.projects import wait_until

HANGS = "hangs"
DIES = "dies"


class FakeSession:
    """Plays the tests of a job: ids that contain ``fails`` fail, ``dies`` takes the process along, ``hangs`` waits."""

    pid = 0

    def __init__(self, job: Job, log: Path, wake: Callable[[], None]) -> None:
        self.log = log
        self.status: int | None = None
        self.signals: list[int] = []
        self._wake = wake
        self._said: list[Message] = []
        self._say(Hello, pid=1, dump_signal=41)
        self._play(job)

    def _play(self, job: Job) -> None:
        red = 0
        for test in job.tests:
            self._say(Started, id=test.id)
            if DIES in test.id:
                self._end(-signal.SIGSEGV)
                return
            if HANGS in test.id:
                return
            failed = "fails" in test.id
            red += failed
            stages = (Stage("call", "failed", "assert 0"),) if failed else ()
            self._say(Finished, id=test.id, started=0.0, duration=0.0, call=0.0, stages=stages)
        self._say(SessionFinished, status=int(red > 0), red=red)
        self._end(int(red > 0))

    def _say(self, kind: type, **facts: Any) -> None:
        at, mono = real_clock()
        self._said.append(kind(at=at, mono=mono, **facts))

    def _end(self, status: int) -> None:
        self.status = status
        self._wake()

    def poll(self) -> Sequence[Message]:
        said, self._said = self._said, []
        return said

    def signal(self, number: int) -> None:
        self.signals.append(number)
        if self.status is None:
            self._end(-number)

    def ask(self, why: str, id: str, message: str, pid: int, number: int) -> None:
        self.signals.append(number)

    def ask_in_c(self, pid: int, number: int) -> None:
        """It always answers."""

    def dumped(self) -> str:
        return ""

    def last_words(self) -> str:
        return "last words"


class Run:
    """An engine, what it told, and what it started."""

    def __init__(self, root: Path, *phases: Phase, facts: PytestFacts | None = None, **plan: Any) -> None:
        self.events: list[Event] = []
        self.fold = Fold()
        self.sessions: list[FakeSession] = []
        self.jobs: list[Job] = []
        self.refuses = ""
        self.phases = phases
        self.run_dir = root / "run"
        self.run_dir.mkdir()
        self.plan = Plan(path=root / "runner.yaml", root=root, name="p", phases=phases, **plan)
        self._record(
            RunStarted(at=0.0, mono=0.0, version=1, run_id="r", plan="p", plan_path="", root="", argv=(), runner="0")
        )
        self.engine: Engine
        self._facts = facts or PytestFacts()

    def _record(self, event: Event) -> None:
        self.events.append(event)
        self.fold.add(event)

    async def prepare(self, phase: Phase) -> None:
        pass

    async def end(self, grace: float) -> None:
        pass

    def divides(self, phase: Phase) -> bool:
        return False

    def keeps(self) -> set[int]:
        return set()

    def watch(self) -> None:
        pass

    def knows_another_way(self, job: Job, why: str) -> bool:
        return False

    async def start(self, job: Job) -> FakeSession:
        if self.refuses in job.process and self.refuses:
            raise InfrastructureError("cannot start it")
        self.jobs.append(job)
        self.sessions.append(FakeSession(job, self.run_dir / "log", self._wake))
        return self.sessions[-1]

    def _launcher(self, wake: Callable[[], None]) -> Run:
        self._wake = wake
        return self

    def __call__(self, meanwhile: Callable[[], Awaitable[None]] | None = None, **tests: str) -> RunResult:
        """Run the phases with these tests (``phase="one two"``); ``meanwhile`` runs beside."""

        async def main() -> None:
            self.engine = Engine(
                self.plan,
                Surroundings(
                    root=self.plan.root,
                    run_dir=self.run_dir,
                    run_id="r",
                    environ={"PATH": os.environ["PATH"]},
                    facts=self._facts,
                ),
                self._launcher,
                emit=self._record,
                phase_result=self.fold.phase,
                on_tick=lambda now: None,
            )
            assigned = tuple(
                AssignedPhase(phase, tuple(CollectedTest(id, "a.py", 1) for id in tests.get(phase.name, "").split()))
                for phase in self.phases
            )
            beside = asyncio.create_task(meanwhile()) if meanwhile else None  # type: ignore[arg-type]
            await self.engine.run(assigned)
            if beside is not None:
                await beside

        asyncio.run(main())
        self._record(RunFinished(at=0.0, mono=0.0, exit_code=0, wall=0.0))
        result = self.fold.result()
        assert violations(result) == ()
        return result


def outcomes(result: RunResult) -> str:
    return " ".join(test.outcome.value for test in result.tests())


def reasons(result: RunResult) -> list[str]:
    return [test.reason for test in result.tests()]


def phase(name: str, **facts: Any) -> Phase:
    return Phase(**{"name": name, "grace": 0.05, **facts})


def shell(text: str, timeout: float | None = None) -> Command:
    return Command((text,), shell=True, timeout=timeout)


# ----------------------------------------------------------------------------------------------------------- phases


def test_phases_run_in_their_order_and_every_test_is_accounted_for(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", isolation=Isolation.TEST), phase("two"), phase("none"))
    result = run(one="a b_fails", two="c d_dies e")
    assert outcomes(result) == "passed failed passed crashed passed"
    assert [job.process for job in run.jobs] == ["one/0001", "one/0002", "two/0001", "two/0002"]
    assert [p.started for p in result.phases] == [True, True, False]
    assert exit_code(result) is ExitCode.FAILED


def test_whatever_an_ended_process_left_in_its_group_is_killed(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one"))
    run(one="a")
    assert run.sessions[0].signals == [signal.SIGKILL]


@pytest.mark.parametrize(
    ("tests", "expected"), [("a", "passed passed"), ("a_fails", "failed not_run"), ("a_dies", "crashed not_run")]
)
def test_a_phase_runs_only_if_what_it_needs_has_passed(tmp_path: Path, tests: str, expected: str) -> None:
    result = Run(tmp_path, phase("one"), phase("two", needs=("one",)))(one=tests, two="b")
    assert outcomes(result) == expected
    if "not_run" in expected:
        assert reasons(result)[1] == "needs one, which did not pass"


def test_needs_go_through_phases_that_were_not_run(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one"), phase("two", needs=("one",)), phase("three", needs=("two",)))
    assert outcomes(run(one="a_fails", two="b", three="c")) == "failed not_run not_run"


def test_a_process_that_cannot_start_ends_its_phase_and_not_the_run(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", isolation=Isolation.TEST), phase("two"))
    run.refuses = "one/0002"
    result = run(one="a b c", two="d")
    assert outcomes(result) == "passed not_run not_run passed"
    assert exit_code(result) is ExitCode.INFRASTRUCTURE


def test_a_hanging_test_is_asked_terminated_and_blamed(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", test_timeout=0.05))
    result = run(one="a_hangs b")
    assert outcomes(result) == "timed_out passed"
    assert run.sessions[0].signals[:2] == [41, signal.SIGTERM]
    assert "last words" in next(result.tests()).attempts[0].details[0].text


def test_the_run_deadline_holds_across_phases(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one"), phase("two"), run_timeout=0.05)
    result = run(one="a_hangs", two="b")
    assert outcomes(result) == "timed_out not_run"
    assert "the run deadline of 50ms" in reasons(result)[1]


def test_the_limit_of_failures_is_the_phases_or_pytests_own(tmp_path: Path) -> None:
    own = Run(tmp_path, phase("one", max_failures=2), facts=PytestFacts(maxfail=1))
    own(one="a b c")
    assert own.jobs[0].maxfail == 2
    (tmp_path / "other").mkdir()
    configured = Run(tmp_path / "other", phase("one"), facts=PytestFacts(maxfail=1))
    configured(one="a b c")
    assert configured.jobs[0].maxfail == 1
    (tmp_path / "third").mkdir()
    unlimited = Run(tmp_path / "third", phase("one", max_failures=0), facts=PytestFacts(maxfail=1))
    unlimited(one="a b c")
    assert unlimited.jobs[0].maxfail == 0


# ---------------------------------------------------------------------------------------------------------- signals


def test_a_signal_ends_the_phase_and_starts_no_other(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one"), phase("two"))

    async def interrupt() -> None:
        while not run.sessions:
            await asyncio.sleep(0)
        run.engine.on_signal(signal.SIGINT)

    result = run(interrupt, one="a b_hangs c", two="d")
    assert outcomes(result) == "passed not_run not_run not_run"
    assert set(reasons(result)[1:]) == {"interrupted by SIGINT"}
    assert run.sessions[0].signals[0] == signal.SIGINT
    assert exit_code(result) is ExitCode.INTERRUPTED
    assert len(run.sessions) == 1


def test_a_second_signal_kills_at_once(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", grace=60.0))

    async def interrupt() -> None:
        while not run.sessions:
            await asyncio.sleep(0)
        run.sessions[0].signal = run.sessions[0].signals.append  # type: ignore[method-assign]
        run.engine.on_signal(signal.SIGTERM)
        while signal.SIGTERM not in run.sessions[0].signals:
            await asyncio.sleep(0)
        run.engine.on_signal(signal.SIGTERM)
        while signal.SIGKILL not in run.sessions[0].signals:
            await asyncio.sleep(0)
        run.sessions[0]._end(-signal.SIGKILL)

    result = run(interrupt, one="a_hangs")
    assert [event.count for event in run.events if isinstance(event, Interrupted)] == [1, 2]
    assert exit_code(result) is ExitCode.TERMINATED


# --------------------------------------------------------------------------------------------------------- commands


@pytest.mark.processes
def test_commands_surround_the_tests_with_the_phases_environment(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        phase(
            "one",
            env=(("WHERE", "{phase}-{slot}"),),
            setup=(shell("echo $WHERE $PWD >> log"), Command((sys.executable, "-c", "print('said', end='')"))),
            teardown=(shell("echo down >> log"),),
        ),
    )
    result = run(one="a")
    assert (tmp_path / "log").read_text() == f"one-0 {tmp_path}\ndown\n"
    (commands,) = [p.commands for p in result.phases]
    assert [(c.stage, c.status, c.output) for c in commands] == [
        ("setup", 0, ""),
        ("setup", 0, "said"),
        ("teardown", 0, ""),
    ]
    assert exit_code(result) is ExitCode.PASSED


@pytest.mark.processes
@pytest.mark.parametrize(
    ("setup", "said"),
    [
        (shell("echo no database; exit 3"), "exit 3"),
        (shell("kill -KILL $$"), "killed by SIGKILL"),
        (Command(("/no/such/program",)), "cannot start '/no/such/program'"),
        (shell("sleep 600", timeout=0.05), "exceeded its deadline of 50ms"),
    ],
)
def test_a_setup_that_fails_runs_no_test_but_the_teardown(tmp_path: Path, setup: Command, said: str) -> None:
    run = Run(
        tmp_path, phase("one", setup=(setup, shell("touch never")), teardown=(shell("touch down"),)), phase("two")
    )
    result = run(one="a b", two="c")
    assert outcomes(result) == "not_run not_run passed"
    assert said in reasons(result)[0]
    assert exit_code(result) is ExitCode.INFRASTRUCTURE
    assert (tmp_path / "down").exists()
    assert not (tmp_path / "never").exists()


@pytest.mark.processes
def test_all_of_a_teardown_runs_and_its_failures_are_problems(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", teardown=(shell("exit 1"), shell("touch second"), shell("exit 2"))))
    result = run(one="a")
    assert outcomes(result) == "passed"
    assert [p.message for p in result.problems] == [
        "teardown command failed: exit 1: exit 1",
        "teardown command failed: exit 2: exit 2",
    ]
    assert (tmp_path / "second").exists()


@pytest.mark.processes
def test_a_signal_ends_a_setup_that_hangs(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", setup=(shell("touch up; sleep 600"),), teardown=(shell("touch down"),)))

    async def interrupt() -> None:
        await asyncio.to_thread(wait_until, (tmp_path / "up").exists)
        run.engine.on_signal(signal.SIGTERM)

    result = run(interrupt, one="a")
    assert reasons(result) == ["interrupted by SIGTERM"]
    assert result.problems == ()
    assert (tmp_path / "down").exists()


@pytest.mark.processes
def test_what_a_command_leaves_in_its_group_is_killed(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", setup=(shell("sleep 600 & echo $! > pid"),)))
    run(one="a")
    pid = int((tmp_path / "pid").read_text())

    def gone() -> bool:
        with contextlib.suppress(OSError):
            return " Z " in Path(f"/proc/{pid}/stat").read_text()
        return True

    wait_until(gone)


def test_a_bug_in_the_middle_leaves_no_session_behind(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", isolation=Isolation.TEST, workers=2))
    record = run._record

    def broken(event: Event) -> None:
        if isinstance(event, TestNotRun):
            raise RuntimeError("a bug")
        record(event)

    run._record = broken  # type: ignore[method-assign]
    run.refuses = "one/0002"
    with pytest.raises(RuntimeError, match="a bug"):
        run(one="a_hangs b c")
    assert signal.SIGKILL in run.sessions[0].signals


@pytest.mark.parametrize(("limit", "known", "warned"), [(10**9, None, 1), (10**9, 5, 0), (None, None, 0)])
def test_a_limit_of_memory_that_nobody_can_watch_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int | None, known: int | None, warned: int
) -> None:
    monkeypatch.setattr(process, "resident", lambda pid: known)
    result = Run(tmp_path, phase("a", memory=limit))(a="one")
    assert outcomes(result) == "passed"
    assert len([text for text in result.warnings if "memory is not watched" in text]) == warned
