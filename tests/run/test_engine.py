"""The engine with a launcher that plays a script."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from async_test_runner.contract.launching import Job
from async_test_runner.model.errors import ExitCode
from async_test_runner.model.inventory import PytestFacts
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.record.events import Event, Interrupted, TestNotRun
from async_test_runner.record.verdict import exit_code
from async_test_runner.system import process
from tests.run.scripted import FakeSession, Run, outcomes, phase, reasons

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


def test_a_process_that_takes_long_to_start_does_not_hold_up_the_deadlines_of_others(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", isolation=Isolation.TEST, workers=2, test_timeout=0.05))
    run.late["one/0002"] = asyncio.Event()

    async def let_it_start() -> None:
        while not run.sessions or signal.SIGTERM not in run.sessions[0].signals:
            await asyncio.sleep(0)
        run.late["one/0002"].set()

    assert outcomes(run(let_it_start, one="a_hangs b")) == "timed_out passed"


def test_a_process_that_starts_after_the_signal_gets_it_too(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one"))
    run.late["one/0001"] = asyncio.Event()

    async def interrupt() -> None:
        while not run.engine._starting:
            await asyncio.sleep(0)
        run.engine.on_signal(signal.SIGTERM)
        while not run.engine._starting["one/0001"].signals:
            await asyncio.sleep(0)
        run.late["one/0001"].set()

    result = run(interrupt, one="a_hangs b")
    assert outcomes(result) == "not_run not_run"
    assert run.sessions[0].signals[0] == signal.SIGTERM
    assert exit_code(result) is ExitCode.TERMINATED


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
    running, *others = reasons(result)[1:]
    assert running.startswith("interrupted by SIGINT after ")
    assert set(others) == {"interrupted by SIGINT"}
    assert signal.SIGINT in run.sessions[0].signals
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


def with_a_bug(run: Run) -> Run:
    """The same, but an exception comes of the word that a test was not run."""
    record = run._record

    def broken(event: Event) -> None:
        if isinstance(event, TestNotRun):
            raise RuntimeError("a bug")
        record(event)

    run._record = broken  # type: ignore[method-assign]
    return run


def test_a_bug_in_the_middle_leaves_no_session_behind(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", isolation=Isolation.TEST, workers=2))
    run.refuses = "one/0002"
    with pytest.raises(RuntimeError, match="a bug"):
        with_a_bug(run)(one="a_hangs b c")
    assert signal.SIGKILL in run.sessions[0].signals


def test_a_bug_while_a_process_starts_leaves_no_session_behind(tmp_path: Path) -> None:
    run = Run(tmp_path, phase("one", isolation=Isolation.TEST, workers=3))
    run.late["one/0002"] = asyncio.Event()
    ended: list[str] = []

    async def start(job: Job) -> FakeSession:
        try:
            return await type(run).start(run, job)
        except asyncio.CancelledError:
            ended.append(job.process)
            raise

    run.start = start  # type: ignore[method-assign]
    run.refuses = "one/0003"
    with pytest.raises(RuntimeError, match="a bug"):
        with_a_bug(run)(one="a_hangs b c")
    assert signal.SIGKILL in run.sessions[0].signals
    assert ended == ["one/0002"]


@pytest.mark.parametrize(("limit", "known", "warned"), [(10**9, None, 1), (10**9, 5, 0), (None, None, 0)])
def test_a_limit_of_memory_that_nobody_can_watch_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int | None, known: int | None, warned: int
) -> None:
    monkeypatch.setattr(process, "resident", lambda pid: known)
    result = Run(tmp_path, phase("a", memory=limit))(a="one")
    assert outcomes(result) == "passed"
    assert len([text for text in result.warnings if "memory is not watched" in text]) == warned
