"""What takes the events of a run, and the signals, when something around them fails or is too late."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from async_test_runner.model.errors import InfrastructureError
from async_test_runner.model.result import Problem
from async_test_runner.record import journal
from async_test_runner.record.events import Event, RunStarted, Warned
from async_test_runner.record.runs import RunDir
from async_test_runner.run.interrupting import Signals
from async_test_runner.run.recorder import Recorder
from async_test_runner.system.clocks import RunClock

RUN = RunStarted(at=1.0, mono=1.0, version=1, run_id="r", plan="p", plan_path="/p", root="/", argv=(), runner="0")


class View:
    """A reporter that keeps what it is shown."""

    def __init__(self) -> None:
        self.shown: list[Event] = []

    def event(self, event: Event) -> None:
        self.shown.append(event)

    def tick(self, now: float) -> None: ...

    def close(self) -> None: ...


def recorder(directory: Path, view: View) -> Recorder:
    return Recorder(RunDir(directory), view, 1.0, RunClock(lambda: 1.0, lambda: 1.0))


needs_full = pytest.mark.skipif(sys.platform != "linux", reason="no /dev/full")


@needs_full
def test_an_event_that_the_journal_refuses_is_in_the_result_and_the_run_learns_of_it_once(tmp_path: Path) -> None:
    (tmp_path / journal.FILE_NAME).symlink_to("/dev/full")
    view = View()
    it = recorder(tmp_path, view)
    with pytest.raises(InfrastructureError, match="cannot write the journal"):
        it.emit(RUN)
    it.warn("after it")
    it.close()
    assert it.fold.result().run_id == "r"
    assert it.fold.result().warnings == ("after it",)
    assert len(view.shown) == 2


@needs_full
def test_a_problem_that_the_journal_refuses_is_two(tmp_path: Path) -> None:
    (tmp_path / journal.FILE_NAME).symlink_to("/dev/full")
    it = recorder(tmp_path, View())
    with pytest.raises(InfrastructureError):
        it.emit(RUN)
    it._deaf = False
    it.problem(Problem("failure", "a failure"))
    it.close()
    first, second = it.fold.result().problems
    assert (first.message, second.kind) == ("a failure", "infrastructure")
    assert second.message.startswith("cannot write the journal")


def test_a_signal_that_comes_while_the_reports_are_written_changes_nothing(tmp_path: Path) -> None:
    it = recorder(tmp_path, View())
    it.emit(RUN)
    signals = Signals(it, lambda: None)
    signals.close()
    signals(2)
    it.close()
    assert it.fold.result().signal == 0
    assert [type(event) for event in journal.read(tmp_path / journal.FILE_NAME)] == [RunStarted]


def test_what_is_shown_is_on_disk(tmp_path: Path) -> None:
    it = recorder(tmp_path, View())
    it.emit(RUN)
    it.warn("one")
    found = list(journal.read(tmp_path / journal.FILE_NAME))
    it.close()
    assert [type(event) for event in found] == [RunStarted, Warned]
