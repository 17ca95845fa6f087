"""The pytest processes of a phase: when each ran, for which tests, and how it ended."""

from __future__ import annotations

import msgspec

from ...model.result import ProcessRun
from ..events import ProcessExited, ProcessStarted


class ProcessFold:
    """All of them in the order of their start."""

    def __init__(self, phase: str) -> None:
        self._phase = phase  # not the event's string: there may be very many processes
        self._runs: list[ProcessRun] = []
        self._open: dict[str, int] = {}  # name -> position, of those that have not exited

    def start(self, event: ProcessStarted) -> None:
        """A process begins."""
        self._open[event.process] = len(self._runs)
        self._runs.append(_run(event, self._phase))

    def exit(self, event: ProcessExited) -> None:
        """A process has ended. One that nobody saw begin is none of which anything could be shown."""
        position = self._open.pop(event.process, None)
        if position is not None:
            run = _until(self._runs[position], event.mono)
            self._runs[position] = msgspec.structs.replace(
                run, status=event.status, finished=event.finished, warnings=event.warnings
            )

    def name(self, process: str) -> str:
        """The same name, as one string for all tests of a process that runs: a run may have very many of them."""
        position = self._open.get(process)
        return process if position is None else self._runs[position].name

    def runs_one_test(self, process: str) -> bool:
        """Whether a process runs, and for one test only."""
        position = self._open.get(process)
        return position is not None and self._runs[position].tests == 1

    def all(self, now: float) -> tuple[ProcessRun, ...]:
        """All of them; those that have not exited have run until ``now``."""
        runs = list(self._runs)
        for position in self._open.values():
            runs[position] = _until(runs[position], now)
        return tuple(runs)

    def reopen(self, now: float) -> None:
        """The run is resumed, having come to its end at ``now``: so had these, and nobody knows how."""
        self._runs = list(self.all(now))
        self._open.clear()


def _run(event: ProcessStarted, phase: str) -> ProcessRun:
    return ProcessRun(
        name=event.process,
        phase=phase,
        pid=event.pid,
        slot=event.slot,
        workers=event.workers,
        attempt=event.attempt,
        tests=event.tests,
        at=event.at,
        mono=event.mono,
        log=event.log,
    )


def _until(run: ProcessRun, now: float) -> ProcessRun:
    return msgspec.structs.replace(run, duration=max(0.0, now - run.mono))
