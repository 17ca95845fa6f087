"""Writes event histories for the tests of the views: ``at`` is the number of seconds since the run started."""

from __future__ import annotations

import io

from async_test_runner.model.inventory import PytestFacts
from async_test_runner.model.result import RunResult
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.events import (
    Collected,
    Event,
    PhaseFinished,
    PhasePlanned,
    PhaseStarted,
    RunFinished,
    RunStarted,
    TestFinished,
    TestNotRun,
    TestRechecked,
    TestRef,
    TestStarted,
)
from async_test_runner.record.fold import fold

EPOCH = 1_800_000_000.0
MONO = 5000.0  # the monotonic clock never starts at zero
RUN_ID = "20261120T071500.000Z-ab12cd"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Script:
    """Collects events; every method adds one."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: type, at: float, **facts: object) -> Event:
        event = kind(at=EPOCH + at, mono=MONO + at, **facts)
        self.events.append(event)
        return event

    def run(self, at: float = 0.0, **facts: object) -> Event:
        values = {
            "version": 1,
            "run_id": RUN_ID,
            "plan": "ci",
            "plan_path": "/project/runner.yaml",
            "root": "/project",
            "argv": (),
            "runner": "0.1.0",
        }
        return self.add(RunStarted, at, **{**values, **facts})

    def collected(self, at: float = 1.0, tests: int = 0, **facts: object) -> Event:
        return self.add(Collected, at, tests=tests, facts=PytestFacts(), **facts)

    def plan(self, phase: str, ids: list[str], at: float = 1.0, workers: int = 1) -> Event:
        tests = tuple(TestRef(id, id.partition("::")[0], 1) for id in ids)
        return self.add(PhasePlanned, at, phase=phase, isolation=Isolation.TEST, workers=workers, tests=tests)

    def begin(self, phase: str, at: float) -> Event:
        return self.add(PhaseStarted, at, phase=phase)

    def start(self, phase: str, id: str, at: float, attempt: int = 1) -> Event:
        return self.add(TestStarted, at, phase=phase, id=id, process=f"{phase}/0001", attempt=attempt)

    def end(self, phase: str, id: str, at: float, outcome: Outcome = Outcome.PASSED, **facts: object) -> Event:
        values = {"attempt": 1, "duration": 1.0}
        return self.add(TestFinished, at, phase=phase, id=id, outcome=outcome, **{**values, **facts})

    def recheck(self, phase: str, id: str, at: float, outcome: Outcome = Outcome.PASSED, **facts: object) -> Event:
        values = {"process": f"{phase}/0002", "duration": 0.5}
        return self.add(TestRechecked, at, phase=phase, id=id, outcome=outcome, **{**values, **facts})

    def not_run(self, phase: str, ids: list[str], at: float, reason: str) -> Event:
        return self.add(TestNotRun, at, phase=phase, ids=tuple(ids), reason=reason)

    def over(self, phase: str, at: float, wall: float = 1.0, reason: str = "") -> Event:
        return self.add(PhaseFinished, at, phase=phase, wall=wall, reason=reason)

    def finish(self, at: float, exit_code: int = 0) -> Event:
        return self.add(RunFinished, at, exit_code=exit_code, wall=at)

    def result(self) -> RunResult:
        return fold(self.events)


def polluted(before: int, outcome: Outcome = Outcome.PASSED, **facts: object) -> Script:
    """A run in which ``t.py::red`` fails after so many others, and is run once more alone."""
    ids = [f"t.py::test_{number}" for number in range(before)]
    script = planned(*ids, "t.py::red")
    for number, id in enumerate(ids):
        script.end("async", id, 3.0, process="async/0001", nth=number)
    script.end("async", "t.py::red", 4.0, Outcome.FAILED, process="async/0001", nth=before, recheck=True)
    script.recheck("async", "t.py::red", 5.0, outcome, **facts)
    script.over("async", 6.0)
    script.finish(7.0)
    return script


def retried_alone(*, fails: bool = True) -> Script:
    """A run in which ``t.py::red`` fails after another test, and passes on a retry of its own."""
    script = planned("t.py::test_0", "t.py::red")
    script.end("async", "t.py::test_0", 3.0, process="async/0001", nth=0)
    script.end("async", "t.py::red", 4.0, Outcome.FAILED, process="async/0001", nth=1, retry=True)
    script.end("async", "t.py::red", 5.0, process="async/0002", attempt=2, alone=True, fails=fails)
    script.over("async", 6.0)
    script.finish(7.0)
    return script


def planned(*ids: str, phase: str = "async", workers: int = 1) -> Script:
    """A run whose only phase has started, two seconds in."""
    script = Script()
    script.run()
    script.collected(tests=len(ids))
    script.plan(phase, list(ids), workers=workers)
    script.begin(phase, 2.0)
    return script
