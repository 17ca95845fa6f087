"""What takes the events of a run, when the journal refuses them or the reports take long."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from async_test_runner.model.errors import InfrastructureError
from async_test_runner.model.result import Problem
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record import journal
from async_test_runner.record.events import (
    HangReported,
    Interrupted,
    PhasePlanned,
    PhaseStarted,
    RunStarted,
    TestFinished,
    Warned,
)
from async_test_runner.reports.terminal.views import PATIENCE
from async_test_runner.run.recorder import EarlyReports
from tests.run.recording import RUN, View, recorder


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes the disk full: it takes nothing any more."""

    def refuse(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    return lambda: monkeypatch.setattr(os, "write", refuse)


def test_an_event_that_the_journal_refuses_is_in_the_result_and_the_run_learns_of_it_once(
    tmp_path: Path, full: Callable[[], None]
) -> None:
    view = View()
    it = recorder(tmp_path, view)
    full()
    with pytest.raises(InfrastructureError, match="cannot write the journal"):
        it.emit(RUN)
    it.warn("after it")
    it.close()
    assert it.fold.result().run_id == "r"
    assert it.fold.result().warnings == ("after it",)
    assert len(view.shown) == 2


@pytest.mark.parametrize(("signals", "patience"), [(0, None), (1, PATIENCE)])
def test_a_reader_has_all_the_time_but_after_a_signal(tmp_path: Path, signals: int, patience: float | None) -> None:
    view = View()
    it = recorder(tmp_path, view)
    it.emit(RUN)
    for _ in range(signals):
        it.emit(Interrupted(**it.now(), signal=15))
    it.close()
    assert view.patience == [patience]


def test_a_problem_that_the_journal_refuses_is_two(tmp_path: Path, full: Callable[[], None]) -> None:
    it = recorder(tmp_path, View())
    full()
    with pytest.raises(InfrastructureError):
        it.emit(RUN)
    it._deaf = False
    it.problem(Problem("failure", "a failure"))
    it.close()
    first, second = it.fold.result().problems
    assert (first.message, second.kind) == ("a failure", "infrastructure")
    assert second.message.startswith("cannot write the journal")


def test_a_journal_that_is_changed_is_a_problem_of_the_phase_that_runs_once(tmp_path: Path) -> None:
    it = recorder(tmp_path, View())
    it.emit(RUN)
    it.emit(PhasePlanned(at=1.0, mono=1.0, phase="p", isolation=Isolation.TEST, workers=1, tests=()))
    it.emit(PhaseStarted(at=1.0, mono=1.0, phase="p"))
    it.tick(1.0)
    assert it.fold.result().problems == ()
    os.truncate(tmp_path / journal.FILE_NAME, 3)
    it.tick(2.0)
    it.tick(3.0)
    it.check()
    (problem,) = it.fold.result().problems
    assert (problem.kind, problem.phase, problem.stays) == ("failure", "p", True)
    assert "was cut from" in problem.message
    it.seal()
    it.close()
    found = list(journal.read(tmp_path / journal.FILE_NAME))
    assert [type(event).__name__ for event in found] == ["RunStarted", "PhasePlanned", "PhaseStarted", "ProblemFound"]


def test_a_journal_that_was_edited_is_a_problem_at_the_end(tmp_path: Path) -> None:
    it = recorder(tmp_path, View())
    it.emit(RUN)
    path = tmp_path / journal.FILE_NAME
    path.write_bytes(path.read_bytes().replace(b'"r"', b'"s"'))
    it.tick(2.0)
    assert it.fold.result().problems == ()
    it.check()
    (problem,) = it.fold.result().problems
    assert problem.message.endswith("it was edited")
    it.close()


def test_what_is_shown_is_on_disk(tmp_path: Path) -> None:
    it = recorder(tmp_path, View())
    it.emit(RUN)
    it.warn("one")
    found = list(journal.read(tmp_path / journal.FILE_NAME))
    it.close()
    assert [type(event) for event in found] == [RunStarted, Warned]


AT: dict[str, Any] = {"at": 1.0, "mono": 1.0, "phase": "p", "process": "p/0001", "id": "a.py::test", "attempt": 1}


def hang(why: Literal["asked", "overdue"]) -> HangReported:
    return HangReported(**AT, why=why, age=5.0, likely="a.py:3 in f", text="most likely: a.py:3 in f")


def test_reports_are_written_when_a_test_hangs_and_take_a_tenth_of_the_time_at_most() -> None:
    now = [0.0]
    written: list[float] = []

    def write() -> None:
        written.append(now[0])
        now[0] += 1.0

    early = EarlyReports(write, lambda: (0.0, now[0]))
    early.tick(now[0])
    early.event(hang("asked"))
    early.tick(now[0])
    assert written == []
    early.event(hang("overdue"))
    early.tick(now[0])
    early.event(TestFinished(**AT, outcome=Outcome.TIMED_OUT))
    early.tick(5.0)
    early.tick(9.9)
    assert written == [0.0]
    now[0] = 10.0
    early.tick(10.0)
    early.tick(50.0)
    assert written == [0.0, 10.0]


def test_a_watched_report_is_written_from_time_to_time_and_takes_a_hundredth_of_the_time_at_most() -> None:
    now = [0.0]
    written: list[float] = []

    def write() -> None:
        written.append(now[0])
        now[0] += 1.0

    early = EarlyReports(write, lambda: (0.0, now[0]), watched=True)
    early.tick(4.9)
    assert written == []
    for moment in (5.0, 6.1, 104.9, 105.0, 106.1):
        now[0] = max(now[0], moment)
        early.tick(moment)
    assert written == [5.0, 105.0]


class Waiting(View):
    """A reporter that keeps what it was told of waits, and lets go of one who waits for its ticks."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[str] = []
        self.ticked = threading.Event()

    def tick(self, now: float) -> None:
        self.ticked.set()

    def waits(self, what: str, now: float) -> None:
        self.waited.append(what)


def test_what_is_waited_for_is_told_to_the_view_and_the_outer_wait_goes_on(tmp_path: Path) -> None:
    view = Waiting()
    it = recorder(tmp_path, view)
    with it.waiting("the end"), it.waiting("a command"):
        pass
    it.close()
    assert view.waited == ["the end", "a command", "the end", ""]


def test_the_view_lives_while_the_event_loop_does_not_turn(tmp_path: Path) -> None:
    view = Waiting()
    it = recorder(tmp_path, view)
    with it.waiting("reports to be written", blocks=True):
        assert view.ticked.wait(20.0)
    it.close()


def test_the_view_lives_whatever_is_awaited(tmp_path: Path) -> None:
    view = Waiting()
    it = recorder(tmp_path, view)

    async def wait() -> None:
        async with it.ticking(), asyncio.timeout(20.0):
            while not view.ticked.is_set():
                await asyncio.sleep(0)

    asyncio.run(wait())
    it.close()
