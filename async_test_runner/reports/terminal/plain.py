"""The views of a log: plain lines with the time since the start, and the quiet one that tells only what went wrong.

No line is ever taken back, and silence is answered with what runs and for how long: a CI service that kills silent jobs
sees life, and a person sees what hangs. A CI service has patience for a minute, a person for five seconds. Where no
test runs, either is told within five seconds what the runner waits for.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from ...record.events import Event, PhaseFinished, PhaseStarted, RunResumed, RunStarted, TestFinished, TestNotRun
from ..wording.text import item
from ..wording.words import clock, plural, seconds, tally
from .entries import Entry, entry, is_told
from .progress import PATIENCE, PhaseProgress, Progress
from .screen import PARTING, drain
from .sections import Sections

PROGRESS_EVERY = 15.0
SILENCE = 60.0
_NAMED = 5


class Plain:
    """Implements `Reporter` for a pipe, a file or a CI log. ``often`` is for somebody who waits for the next line."""

    def __init__(self, console: Console, *, verbosity: int, often: bool = False) -> None:
        self._console = console
        self._verbosity = verbosity
        self._progress_every, self._silence = (PATIENCE, PATIENCE) if often else (PROGRESS_EVERY, SILENCE)
        self._progress = Progress()
        self._changed = False
        self._said = float("-inf")  # when a line was last written
        self._waited = False  # that line told what the runner waits for
        self._sections = Sections()
        self._at = 0.0  # wall time of the last event

    def event(self, event: Event) -> None:
        """Count it, and tell it if it is worth a line."""
        self._progress.add(event)
        self._at = event.at
        if isinstance(event, RunStarted | RunResumed):
            self._said = event.mono
            self._sections.service = event.service
        if isinstance(event, PhaseStarted | PhaseFinished):
            self._write(self._sections.ended(self._running(), event.at))
        if isinstance(event, PhaseStarted):
            self._write(self._sections.begun(self._running(), event.at))
        self._changed = self._changed or isinstance(event, TestFinished | TestNotRun)
        told = self._phase(event) or (entry(event) if is_told(event, self._verbosity) else None)
        if told is not None:
            self._say(told.lines(self._stamp(event.mono)), event.mono)
        if isinstance(event, PhaseFinished):
            self._write(self._sections.begun(self._running(), event.at))

    def tick(self, now: float) -> None:
        """Tell the counts now and then, and that all is alive after a long silence."""
        if self._progress.run is None or self._progress.is_finished:
            return
        silent = now - self._said
        is_waiting = self._progress.is_waiting(now)
        self._waited = self._waited and is_waiting
        if is_waiting:
            if silent >= (PROGRESS_EVERY if self._waited else PATIENCE):
                self._say([Text(self._stamp(now) + self._waiting(now))], now, waited=True)
        elif self._changed and silent >= self._progress_every:
            self._say([Text(self._stamp(now) + self._counts(now))], now)
        elif silent >= self._silence and self._progress.running_count:
            self._say([Text(self._stamp(now) + self._alive(now))], now)

    def waits(self, what: str, now: float) -> None:
        """Told when it takes long."""
        self._progress.waits(what, now)

    def pause(self) -> None:
        """What is said stands."""
        drain(self._console, PARTING)

    def close(self, patience: float | None = None) -> None:
        """Nothing is held back; an empty line parts the log from the end summary."""
        self._write(self._sections.ended((), self._at))
        self._console.print()
        drain(self._console, patience)

    def _running(self) -> list[str]:
        return [phase.name for phase in self._progress.phases.values() if phase.is_running]

    def _write(self, line: str) -> None:
        """As it stands: a console would take the controls out of it."""
        if line:
            self._console.file.write(line)

    def _say(self, lines: Iterable[Text], now: float, *, waited: bool = False) -> None:
        self._console.print(Text("\n").join(lines), soft_wrap=True)
        self._said = now
        self._waited = waited
        self._changed = False

    def _stamp(self, mono: float) -> str:
        return f"[{self._progress.elapsed(mono):6.1f}s] "

    def _phase(self, event: Event) -> Entry | None:
        if not isinstance(event, PhaseStarted | PhaseFinished):
            return None
        phase = self._progress.phases.get(event.phase)
        if phase is None:
            return None
        return _started(phase) if isinstance(event, PhaseStarted) else _ended(phase)

    def _counts(self, now: float) -> str:
        parts = [self._phase_counts(phase, now) for phase in self._progress.phases.values() if phase.is_running]
        return "; ".join(parts[:_NAMED]) or "no phase runs now"

    def _phase_counts(self, phase: PhaseProgress, now: float) -> str:
        rest = phase.rest(now)
        left = f", about {clock(rest)} left" if rest else ""
        counts = f": {tally(phase.counts)}" if phase.counts else ""
        return f"phase {item(phase.name)} {phase.done}/{phase.total}{counts}{left}"

    def _waiting(self, now: float) -> str:
        running = [phase for phase in self._progress.phases.values() if phase.is_running]
        return f"waiting for {item(self._progress.waited_for(now))}" + (f": {self._counts(now)}" if running else "")

    def _alive(self, now: float) -> str:
        tests = [
            f"{item(test.id)} (phase {item(test.phase)}, {clock(now - test.since)})"
            for test in self._progress.running(_NAMED)
        ]
        more = self._progress.running_count - len(tests)
        return f"still running {', '.join(tests)}" + (f" and {more} more" if more else "")


class Quiet:
    """Implements `Reporter` for ``-q``: failures and problems, nothing else before the end."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def event(self, event: Event) -> None:
        """Tell it if it is bad news."""
        told = entry(event) if is_told(event, -1) else None
        if told is not None:
            self._console.print(Text("\n").join(told.lines()), soft_wrap=True)

    def tick(self, now: float) -> None:
        """Time changes nothing here."""

    def waits(self, what: str, now: float) -> None:
        """Nor does what is waited for."""

    def pause(self) -> None:
        """What is said stands."""
        drain(self._console, PARTING)

    def close(self, patience: float | None = None) -> None:
        """Nothing is held back."""
        drain(self._console, patience)


def _started(phase: PhaseProgress) -> Entry:
    how = f"isolation {phase.isolation}, {plural(phase.workers, 'worker')}"
    return Entry(Text.assemble(("PHASE", "bold"), f" {item(phase.name)}: {plural(phase.total, 'test')}, {how}"))


def _ended(phase: PhaseProgress) -> Entry:
    retried = f", {phase.retries} retried" if phase.retries else ""
    retried += f", {plural(phase.leaks, 'leak')}" if phase.leaks else ""
    why = f": {item(phase.reason)}" if phase.reason else ""
    text = f" {item(phase.name)}: {tally(phase.counts)}{retried} in {seconds(phase.wall or 0.0)}{why}"
    return Entry(Text.assemble(("DONE", "bold red" if phase.is_red else "bold green"), text))
