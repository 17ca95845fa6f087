"""A recorder, and a view that keeps what it is shown."""

from __future__ import annotations

from pathlib import Path

from async_test_runner.record.events import Event, RunStarted
from async_test_runner.record.runs import RunDir
from async_test_runner.run.recorder import Recorder
from async_test_runner.system.clocks import RunClock

RUN = RunStarted(at=1.0, mono=1.0, version=1, run_id="r", plan="p", plan_path="/p", root="/", argv=(), runner="0")


class View:
    """A reporter that keeps what it is shown."""

    def __init__(self) -> None:
        self.shown: list[Event] = []
        self.patience: list[float | None] = []

    def event(self, event: Event) -> None:
        self.shown.append(event)

    def tick(self, now: float) -> None: ...

    def waits(self, what: str, now: float) -> None: ...

    def close(self, patience: float | None = None) -> None:
        self.patience.append(patience)


def recorder(directory: Path, view: View) -> Recorder:
    return Recorder(RunDir(directory), view, 1.0, RunClock(lambda: 1.0, lambda: 1.0))
