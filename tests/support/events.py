"""One event of each kind, and shorter ways to write the frequent ones. All stand in the phase ``p``."""

from __future__ import annotations

from typing import Any

from async_test_runner.model.inventory import CollectError, LeftOut, PytestFacts, SuiteWarning
from async_test_runner.model.result import CommandResult, Detail, Leak, Problem, Section
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.events import (
    Collected,
    CommandFinished,
    DeadlineReached,
    Event,
    HangReported,
    Interrupted,
    LeakFound,
    Paused,
    PhaseFinished,
    PhasePlanned,
    PhaseStarted,
    ProblemFound,
    ProcessExited,
    ProcessStarted,
    PythonFound,
    RunFinished,
    RunResumed,
    RunStarted,
    SuitePropertyAdded,
    TestFinished,
    TestNotRun,
    TestRechecked,
    TestRef,
    TestSlow,
    TestStarted,
    Warned,
    WarningRecorded,
    WorkerRetired,
)

AT = {"at": 1_800_000_000.25, "mono": 5000.5}
DETAIL = Detail("call", Outcome.FAILED, "assert 0", "the whole")
RUN = RunStarted(**AT, version=1, run_id="r", plan="p", plan_path="/p", root="/", argv=("-q",), runner="0")
COLLECTED = Collected(
    **AT,
    tests=3,
    facts=PytestFacts(version="9.2.0", plugins=("a", "b")),
    errors=(CollectError("x.py", "no"),),
    left_out=(LeftOut("-m", 2, "tests", ("a",)),),
)
PLANNED = PhasePlanned(
    **AT,
    phase="p",
    isolation=Isolation.TEST,
    workers=2,
    tests=(TestRef("a", "a.py", 1), TestRef("b", "a.py", 2), TestRef("c", "a.py", 3)),
)
ONE_OF_EACH: tuple[Event, ...] = (
    RUN,
    COLLECTED,
    PLANNED,
    RunResumed(**AT, run_id="r", argv=("-q",), runner="0.1.0"),
    PhaseStarted(**AT, phase="p"),
    CommandFinished(
        **AT, result=CommandResult(phase="p", stage="setup", command="x", status=-9, duration=1.5, output="o")
    ),
    ProcessStarted(**AT, phase="p", process="p/0001", pid=7, slot=1, attempt=1, tests=3, log="l"),
    TestStarted(**AT, phase="p", id="a", process="p/0001", attempt=1, worker="gw0"),
    TestFinished(
        **AT,
        phase="p",
        id="a",
        attempt=1,
        outcome=Outcome.FAILED,
        duration=0.5,
        call=0.25,
        details=(DETAIL,),
        sections=(Section("Captured stdout call", "out"),),
        properties=(("k", "v"),),
    ),
    TestRechecked(**AT, phase="p", id="a", outcome=Outcome.PASSED, process="p/0002", duration=0.5, details=(DETAIL,)),
    LeakFound(**AT, phase="p", id="a", attempt=1, process="p/0001", leak=Leak("tasks", "task x", "a.py:1 in f")),
    WorkerRetired(**AT, phase="p", process="p/0001", id="a", why="call failed", worker="gw0"),
    DeadlineReached(**AT, budget="test", limit=60.0, id="a"),
    TestSlow(**AT, phase="p", process="p/0001", id="a", attempt=1, age=9.0, line="a.py:1 in f"),
    HangReported(
        **AT, phase="p", process="p/0001", id="a", attempt=1, why="asked", age=9.0, likely="a.py:1 in f", text="t"
    ),
    TestNotRun(**AT, phase="p", ids=("b",), reason="why"),
    ProcessExited(**AT, phase="p", process="p/0001", status=-11, finished=False),
    PhaseFinished(**AT, phase="p", wall=2.0, reason="r"),
    Warned(**AT, message="m"),
    ProblemFound(**AT, problem=Problem("failure", "m", "h", "p")),
    Interrupted(**AT, signal=2, count=2),
    Paused(**AT, seconds=7.0),
    RunFinished(**AT, exit_code=1, wall=3.0),
    WarningRecorded(**AT, phase="p", process="p/0001", warning=SuiteWarning("UserWarning", "a.py:1", "old", 2, ("a",))),
    SuitePropertyAdded(**AT, phase="p", name="build", value="42"),
    PythonFound(**AT, wanted="auto", python="/p/.venv/bin/python", why="it is active", note="not another"),
)


def resumed(mono: float = 0.0) -> RunResumed:
    return RunResumed(at=AT["at"], mono=mono, run_id="r", argv=(), runner="0")


def finished(id: str, outcome: Outcome = Outcome.PASSED, **facts: Any) -> TestFinished:
    return TestFinished(**{**AT, "phase": "p", "id": id, "attempt": 1, "outcome": outcome, **facts})


def began(id: str, attempt: int = 1) -> TestStarted:
    return TestStarted(**AT, phase="p", id=id, process="p/0001", attempt=attempt)


def leak(what: str, attempt: int = 1, id: str = "a") -> LeakFound:
    return LeakFound(**AT, phase="p", id=id, attempt=attempt, process="p/0001", leak=Leak("tasks", what))
