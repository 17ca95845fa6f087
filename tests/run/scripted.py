"""An engine with a launcher that plays a script."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from async_test_runner.contract.launching import Job
from async_test_runner.contract.messages import Finished, Hello, Message, SessionFinished, Stage, Started
from async_test_runner.contract.surroundings import Surroundings
from async_test_runner.model.errors import InfrastructureError
from async_test_runner.model.inventory import CollectedTest, PytestFacts
from async_test_runner.model.plan import Command, Phase, Plan
from async_test_runner.model.result import RunResult
from async_test_runner.record.events import Event, RunFinished, RunStarted
from async_test_runner.record.fold import Fold
from async_test_runner.record.verdict import violations
from async_test_runner.run.engine import Engine
from async_test_runner.suite.assignment import AssignedPhase
from async_test_runner.system.clocks import real_clock

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

    def stop_soon(self) -> None:
        """It runs its tests in one go."""

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
        self.late: dict[str, asyncio.Event] = {}  # processes that do not start before this is set
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

    def knows_another_way(self, job: Job, why: str) -> bool:
        return False

    def keeps(self) -> set[int]:
        return set()

    def watch(self) -> None:
        pass

    async def start(self, job: Job) -> FakeSession:
        if job.process in self.late:
            await self.late[job.process].wait()
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
