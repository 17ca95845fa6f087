"""A phase under supervision whose histories of starts, deaths and deadlines a test replays, with a clock of its own."""

from __future__ import annotations

from typing import Any

from async_test_runner.contract.launching import Job
from async_test_runner.contract.messages import Finished, Hang, Hello, SessionFinished, Stage, Started
from async_test_runner.model.inventory import CollectedTest, PytestFacts
from async_test_runner.model.plan import Phase
from async_test_runner.model.result import Kept, RunResult
from async_test_runner.record.events import (
    Collected,
    Event,
    PhaseFinished,
    PhasePlanned,
    PhaseStarted,
    RunFinished,
    RunStarted,
    TestRef,
)
from async_test_runner.record.fold import fold
from async_test_runner.record.verdict import violations
from async_test_runner.supervision.actions import Action, Limits, Start
from async_test_runner.supervision.supervisor import PhaseSupervisor

EPOCH, MONO = 1_800_000_000.0, 5000.0
DUMP = 41
FAILED = (Stage("call", "failed", "assert 0", "the traceback"),)


class Replay:
    """A phase under supervision; every method is one thing that happens."""

    def __init__(
        self,
        *ids: str,
        workers: int = 1,
        other_way: bool = False,
        max_failures: int = 0,
        capacities: dict[str, int] | None = None,
        idle: float | None = 300.0,
        run_timeout: float | None = None,
        whole: bool = False,
        resident: dict[int, int] | None = None,
        resources: dict[str, tuple[str, ...]] | None = None,
        kept: Kept = Kept(),  # noqa: B008 - it is frozen
        **policy: Any,
    ) -> None:
        self.now = 0.0
        self.whole = whole
        self.oom_kills = 7
        self.other_ways = int(other_way)
        self.used: float | None = None  # seconds of processor time of any process
        self.dump = ""  # what the process that is asked for bare stacks writes
        self.events: list[Event] = []
        self.jobs: dict[str, Job] = {}
        self.workers = 0  # that have said hello because a test began in them
        tests = [CollectedTest(id, id.partition("::")[0], 1, resources=(resources or {}).get(id, ())) for id in ids]
        self.phase = Phase(name="p", **{"grace": 5.0, "test_timeout": 60.0, **policy})
        self._add(RunStarted, version=1, run_id="r", plan="p", plan_path="", root="", argv=(), runner="0")
        self._add(Collected, tests=len(tests), facts=PytestFacts())
        refs = tuple(TestRef(test.id, test.file, 1) for test in tests)
        self._add(PhasePlanned, phase="p", isolation=self.phase.isolation, workers=workers, tests=refs)
        self._add(PhaseStarted, phase="p")
        self.supervisor = PhaseSupervisor(
            self.phase,
            tests,
            Limits(
                workers=workers,
                max_failures=max_failures,
                capacities=capacities or {},
                kept=kept,
                idle=idle,
                run_timeout=run_timeout,
                run_deadline=None if run_timeout is None else MONO + run_timeout,
            ),
            emit=self.events.append,
            clock=self._clock,
            whole=lambda: self.whole,
            other_way=self._other_way,
            busy=lambda pid: self.used,
            resident=(resident or {}).get,
            oom_kills=lambda: self.oom_kills,
            last_words=lambda process: f"log of {process}",
            dumped=lambda process: self.dump,
        )

    def _other_way(self, job: Job, why: str) -> bool:
        self.other_ways -= 1
        return self.other_ways >= 0

    def _clock(self) -> tuple[float, float]:
        return EPOCH + self.now, MONO + self.now

    def _stamp(self) -> dict[str, float]:
        at, mono = self._clock()
        return {"at": at, "mono": mono}

    def _add(self, kind: type, **facts: Any) -> None:
        self.events.append(kind(**self._stamp(), **facts))

    def at(self, seconds: float) -> list[Action]:
        """Time passes; what is due then. Sessions that are to be started are."""
        self.now = seconds
        return self.tick()

    def tick(self) -> list[Action]:
        actions = self.supervisor.tick()
        for action in actions:
            if isinstance(action, Start):
                self.jobs[action.job.process] = action.job
                self.supervisor.started(action.job, 100 + len(self.jobs), "log")
        return [action for action in actions if not isinstance(action, Start)]

    @property
    def running(self) -> dict[str, list[str]]:
        """Session -> ids of its tests."""
        return {process: [test.id for test in self.jobs[process].tests] for process in self.supervisor.processes()}

    def say(self, process: str, kind: type, **facts: Any) -> None:
        self.supervisor.message(process, kind(**self._stamp(), **facts))

    def hello(self, process: str, pid: int = 1, worker: str = "", c_signal: int | None = None) -> None:
        self.say(process, Hello, pid=pid, worker=worker, dump_signal=DUMP, c_signal=c_signal)

    def answer(self, process: str, id: str, why: str = "overdue", likely: str = "a.py:1 in f", pid: int = 1) -> None:
        """A process says what it is at."""
        self.say(process, Hang, pid=pid, id=id, why=why, likely=likely, text=f"most likely: {likely}\nand all the rest")

    def begin(self, process: str, id: str, worker: str = "") -> None:
        heard = self.supervisor._running[process].heard
        if worker and worker not in heard.processes and worker not in heard.gone:
            self.workers += 1
            self.hello(process, pid=1000 + self.workers, worker=worker)
        self.say(process, Started, id=id, worker=worker)

    def end(self, process: str, id: str, stages: tuple[Stage, ...] = (), worker: str = "") -> None:
        self.say(process, Finished, id=id, started=EPOCH, duration=1.0, call=0.5, stages=stages, worker=worker)

    def run(self, process: str, id: str, stages: tuple[Stage, ...] = (), worker: str = "") -> None:
        self.begin(process, id, worker)
        self.end(process, id, stages, worker)

    def over(self, process: str, status: int = 0, reason: str = "", exit: int | None = None) -> None:
        """pytest comes to its end, and so does its process."""
        self.say(process, SessionFinished, status=status, reason=reason)
        self.exited(process, status if exit is None else exit)

    def exited(self, process: str, status: int) -> None:
        self.supervisor.exited(process, status)
        self.tick()

    def result(self) -> RunResult:
        """What it came to, once all is over."""
        assert self.supervisor.done
        self._add(PhaseFinished, phase="p", wall=self.now, reason=self.supervisor.reason)
        self._add(RunFinished, exit_code=0, wall=self.now)
        result = fold(self.events)
        assert violations(result) == ()
        return result

    def outcomes(self) -> str:
        """The outcomes in the order of the collection, as words."""
        return " ".join(test.outcome.value for test in self.result().tests())

    def said(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def replay(*ids: str, **options: Any) -> Replay:
    """A supervisor that has started what it can."""
    new = Replay(*ids, **options)
    new.tick()
    return new
