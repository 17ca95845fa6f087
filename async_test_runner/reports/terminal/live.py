"""The view of a terminal: news scroll by above, a small region below shows every phase and what runs now.

`frame` is a pure function of the state, the time and the size. The region is drawn at ticks only, and only when it
changed; it keeps its height while tests come and go, so that nothing jumps.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live as Region
from rich.text import Text

from ...model.vocabulary import Outcome
from ...record.events import Event
from ..wording.text import item
from ..wording.words import clock, plural, signal_name, tallies
from .entries import entry, is_told
from .progress import PhaseProgress, Progress, Running
from .screen import PARTING, STYLES, cut, drain, is_behind, padded

RUNNING_ROWS = 6
_TOLD_PER_TICK = 100
_ROOMY = 12  # rows of a terminal that has some to spare
_SLOW = 10.0  # seconds after which a running test is coloured


class Live:
    """Implements `Reporter` for a terminal. ``size`` is asked at every tick: a window may be resized."""

    def __init__(self, console: Console, *, verbosity: int, size: Callable[[], tuple[int, int]]) -> None:
        self._console = console
        self._verbosity = verbosity
        self._size = size
        self._progress = Progress()
        self._news: deque[Event] = deque()
        self._drawn: list[Text] | None = None
        self._rows = 0
        self._region = self._somewhere()

    def _somewhere(self) -> Region:
        """A region that has no place on the screen yet."""
        return Region(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )

    def event(self, event: Event) -> None:
        """Count it; what is worth a line waits for the next tick."""
        self._progress.add(event)
        if is_told(event, self._verbosity):
            self._news.append(event)

    def tick(self, now: float) -> None:
        """Print a bounded part of the news, then draw the region if it looks different; nothing that nobody reads."""
        if self._progress.run is None or is_behind(self._console):
            return
        columns, height = self._size()
        self._console.size = (columns, height)
        self._region.start()
        self._rows = max(self._rows, min(self._progress.running_count, RUNNING_ROWS))
        lines = frame(self._progress, now, max(1, columns - 1), height - 1, self._rows)
        told = self._tell(_TOLD_PER_TICK)
        if told or lines != self._drawn:
            self._drawn = lines
            self._region.update(Text("\n").join(lines), refresh=True)

    def waits(self, what: str, now: float) -> None:
        """Shown when it takes long."""
        self._progress.waits(what, now)

    def pause(self) -> None:
        """Take the region away; the next tick draws it anew."""
        self._region.stop()
        self._region = self._somewhere()  # others may write meanwhile: where it was is not ours any more
        self._drawn = None
        drain(self._console, PARTING)

    def close(self, patience: float | None = None) -> None:
        """Take the region away and print all news that are left: the end summary follows."""
        self._region.stop()
        while self._tell(_TOLD_PER_TICK):
            pass
        self._console.print()
        drain(self._console, patience)

    def _tell(self, count: int) -> bool:
        events = [self._news.popleft() for _ in range(min(count, len(self._news)))]
        lines = [line for event in events if (told := entry(event)) is not None for line in told.lines()]
        if lines:
            self._console.print(Text("\n").join(lines), soft_wrap=True)
        return bool(events)


def frame(progress: Progress, now: float, width: int, height: int, rows: int) -> list[Text]:
    """The region: at most ``height`` lines of ``width`` columns, ``rows`` of them for running tests if they fit."""
    gap = [Text()] if height >= _ROOMY else []  # between the news above and the region
    if not progress.phases:
        return [*gap, _before_phases(progress, now, width)]
    lines = gap + _tables(progress, now, width, height - len(gap), rows)
    return lines + (_waiting(progress, now, width) if len(lines) < height else [])


def _tables(progress: Progress, now: float, width: int, height: int, rows: int) -> list[Text]:
    every = progress.phases.values()
    phases = [phase for phase in every if phase.total or phase.started is not None] or list(every)
    ended = all(phase.wall is not None for phase in phases)
    rows = 0 if ended else max(0, min(rows, height // 2 - 1))
    below = rows + 1 if rows else 0
    total = [_total(progress, phases, now)] if len(phases) > 1 and height - below > 2 else []
    lines = _phase_lines(phases, now, width, max(1, height - below - len(total)), total)
    if rows:
        lines += [Text(), *_running_lines(progress, now, width, rows)]
    return lines


def _waiting(progress: Progress, now: float, width: int) -> list[Text]:
    """What the runner waits for, where that takes long and no test runs."""
    if not progress.is_waiting(now):
        return []
    return [Text(cut(f"   waiting for {item(progress.waited_for(now))}", width), "dim")]


def _before_phases(progress: Progress, now: float, width: int) -> Text:
    what = "assigning tests to phases" if progress.collected else "collecting tests"
    if progress.waits_for and progress.is_waiting(now):
        what = f"waiting for {item(progress.waits_for)}"
    if progress.signal:
        what = f"stopping ({signal_name(progress.signal)})"
    return Text(cut(f" ● {what}  {clock(progress.elapsed(now))}", width), "cyan")


# ------------------------------------------------------------------------------------------------------------ phases


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the table before its columns are aligned; ``share`` of the bar is filled."""

    glyph: tuple[str, str]
    name: str
    share: float
    bar: str
    done: str
    elapsed: str
    rest: str
    news: list[tuple[str, str]]
    style: str = ""


def _phase_lines(phases: list[PhaseProgress], now: float, width: int, limit: int, total: list[_Row]) -> list[Text]:
    chosen = _chosen(phases, limit)
    rows = [_phase_row(phase, now) for phase in chosen]
    columns = _Columns.fitting([*rows, *total], width)
    lines = [columns.line(row) for row in rows]
    hidden = len(phases) - len(chosen)
    if hidden and limit > 1:
        ended = sum(phase.wall is not None for phase in phases) - sum(phase.wall is not None for phase in chosen)
        lines.append(Text(cut(f"   … and {hidden} more phases, {ended} of them done", width), "dim"))
    return lines + [columns.line(row) for row in total]


def _chosen(phases: list[PhaseProgress], limit: int) -> list[PhaseProgress]:
    """The phases that matter most now, in the plan's order; one line is left for saying how many are not shown."""
    if len(phases) <= limit:
        return phases
    ranked = sorted(range(len(phases)), key=lambda position: (_rank(phases[position]), position))
    return [phases[position] for position in sorted(ranked[: max(1, limit - 1)])]


def _rank(phase: PhaseProgress) -> int:
    if phase.is_running:
        return 0
    if phase.wall is None:
        return 2
    return 1 if phase.is_red else 3


def _phase_row(phase: PhaseProgress, now: float) -> _Row:
    elapsed = phase.elapsed(now)
    news = [(text, STYLES[outcome]) for outcome, text in tallies(phase.counts)]
    if phase.retries:
        news.append((f"{phase.retries} retried", "yellow"))
    if phase.leaks:
        news.append((plural(phase.leaks, "leak"), "yellow"))
    if not news:
        news = [(_word(phase), "dim")]
    if phase.reason:
        news.append((item(phase.reason), "dim"))
    return _Row(
        glyph=_glyph(phase),
        name=phase.name,
        share=phase.done / phase.total if phase.total else float(phase.wall is not None),
        bar="red" if phase.is_red else "green" if phase.wall is not None else "cyan",
        done=f"{phase.done}/{phase.total}",
        elapsed="" if elapsed is None else clock(elapsed),
        rest=_rest(phase, now),
        news=news,
        style="dim" if elapsed is None else "",
    )


def _rest(phase: PhaseProgress, now: float) -> str:
    """The time it will take still; ``--`` while nobody knows, also when it takes longer than was expected."""
    if not phase.is_running or phase.left == 0:
        return ""
    rest = phase.rest(now)
    return f"~{clock(math.ceil(rest))}" if rest else "--"


def _word(phase: PhaseProgress) -> str:
    if phase.wall is not None:
        return "no tests" if not phase.total else "ended"
    if phase.started is None:
        return "waiting"
    return "running" if phase.running else "starting"


def _glyph(phase: PhaseProgress) -> tuple[str, str]:
    if phase.wall is None:
        return ("·", "dim") if phase.started is None else ("●", "cyan")
    if phase.is_red:
        return "✗", "red"
    return ("○", "yellow") if phase.counts[Outcome.NOT_RUN] else ("✓", "green")


def _total(progress: Progress, phases: list[PhaseProgress], now: float) -> _Row:
    done, total = sum(phase.done for phase in phases), sum(phase.total for phase in phases)
    counts = sum((phase.counts for phase in phases), Counter())
    news = [(text, STYLES[outcome]) for outcome, text in tallies(counts) if outcome.is_red]
    red = bool(news)
    if progress.signal:
        news.insert(0, (f"stopping ({signal_name(progress.signal)})", "bold yellow"))
    return _Row(
        glyph=(" ", ""),
        name="total",
        share=done / total if total else 0.0,
        bar="red" if red else "green" if done == total else "cyan",
        done=f"{done}/{total}",
        elapsed=clock(progress.elapsed(now)),
        rest="",
        news=news,
        style="bold",
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    """The widths of one frame. What varies in length, the tallies, stands last: it moves nothing when it changes."""

    name: int
    bar: int
    done: int
    time: int
    width: int

    @classmethod
    def fitting(cls, rows: list[_Row], width: int) -> _Columns:
        return cls(
            name=min(max(cell_len(item(row.name)) for row in rows), max(8, width // 5)),
            bar=0 if width < 75 else 12 if width < 95 else 20 if width < 130 else 30,
            done=max(len(row.done) for row in rows),
            time=max(5, *(len(row.elapsed) for row in rows), *(len(row.rest) - 1 for row in rows)),
            width=width,
        )

    def line(self, row: _Row) -> Text:
        line = Text.assemble(" ", row.glyph, " ", (padded(item(row.name), self.name), row.style or "bold"), "  ")
        if self.bar:
            filled = round(self.bar * min(1.0, row.share))
            line.append("━" * filled, row.bar).append("─" * (self.bar - filled), "dim").append("  ")
        line.append(row.done.rjust(self.done), row.style)
        line.append(f"  {row.elapsed.rjust(self.time)}", row.style)
        line.append(f"  {row.rest.rjust(self.time + 1)}  ", "dim")
        for position, (text, style) in enumerate(row.news):
            line.append(", " if position else "", "dim").append(text, style)
        return _truncated(line, self.width)


def _truncated(line: Text, width: int) -> Text:
    line.rstrip()
    line.truncate(max(1, width), overflow="ellipsis")
    return line


# ----------------------------------------------------------------------------------------------------- running tests


def _running_lines(progress: Progress, now: float, width: int, rows: int) -> list[Text]:
    """Exactly ``rows`` lines: the longest-running tests, and how many more there are when they do not all fit."""
    count = progress.running_count
    tests = progress.running(rows if count <= rows else rows - 1)
    name = _name_width(progress, width)
    lines = [_running_line(test, now, width, name) for test in tests]
    if count > len(tests):
        lines.append(Text(cut(f"          … and {count - len(tests)} more", width), "dim"))
    return lines + [Text()] * (rows - len(lines))


def _name_width(progress: Progress, width: int) -> int:
    if len(progress.phases) < 2:
        return 0
    names = islice(progress.phases, 50)
    return min(max(cell_len(item(name)) for name in names), max(8, width // 5))


def _running_line(test: Running, now: float, width: int, name: int) -> Text:
    since = now - test.since
    line = Text.assemble((clock(since).rjust(8) + "  ", "yellow" if since >= _SLOW else "dim"))
    if name:
        line.append(padded(item(test.phase), name) + "  ", "dim")
    attempt = f"  (attempt {test.attempt})" if test.attempt > 1 else ""
    line.append(cut(item(test.id), max(1, width - cell_len(line.plain) - len(attempt)))).append(attempt, "yellow")
    if test.line:
        line.append(f"  {item(test.line)}", "dim")
    return _truncated(line, width)
