"""What an event has to say to a person, as lines that stay: failures with pytest's own words, and news of the run.

An `Entry` is a head line and a body. Every body line that a test may have written stands behind a gutter: it can be
told from ours, and in a log no CI service takes it for a command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Generic, TypeVar

from rich.text import Text

from ...model.result import Attempt, Detail, Section
from ...model.vocabulary import GREEN, Outcome
from ...record.events import (
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
    TestSlow,
    TestStarted,
    Warned,
    WarningRecorded,
    WorkerRetired,
)
from ...words.deaths import MOST_LIKELY, REPORT_END
from ..wording.text import defused, first_line, head_of, item, one_line, reason_line, tail
from ..wording.words import exit_status, leak_line, plural, seconds, signal_name
from .screen import STYLES

_SECTION_LINES = 60
_HANG_LINES = 150
_END_LINES = 60  # of one text at the end of a run
_GUTTER = "│ "


@dataclass(frozen=True, slots=True)
class Entry:
    """A head line and what belongs to it."""

    head: Text
    body: tuple[Text, ...] = ()

    def lines(self, prefix: str = "") -> Iterator[Text]:
        """All its lines; the prefix stands before the head."""
        yield Text.assemble((prefix, "dim"), self.head)
        yield from self.body


def is_told(event: Event, verbosity: int) -> bool:
    """Whether `entry` has something to say about it: cheap, for deciding whether to keep the event at all."""
    return verbosity >= TELLINGS[type(event)].level(event)


def entry(event: Event) -> Entry | None:
    """What the event has to say; None for the events that a view only counts."""
    return TELLINGS[type(event)].entry(event)


def _head(label: str, style: str, text: str) -> Text:
    return Text.assemble((label, style), " ", defused(one_line(text)))


def _test(event: TestFinished) -> Entry:
    facts = f"(phase {event.phase}, {seconds(event.duration)})"
    if event.attempt > 1:
        facts = f"(phase {event.phase}, attempt {event.attempt}, {seconds(event.duration)})"
    if event.alone:
        text = f"{event.id}  {event.outcome.label} alone in a fresh process, and was red after others  {facts}"
        return Entry(_head("ORDER-DEPENDENT", "bold red" if event.fails else "yellow", text))
    if event.fails:
        text = f"{event.id}  {event.outcome.label} after it was red, which the plan wants to fail  {facts}"
        return Entry(_head("FLAKY", "bold red", text))
    if not event.outcome.is_red:
        return Entry(
            Text.assemble(outcome_label(event.outcome, upper=False), " ", item(event.id), (f"  {facts}", "dim"))
        )
    if event.retry:
        why = message(event.details)
        text = f"{event.id}  {event.outcome.label}{': ' + why if why else ''}  {facts}"
        return Entry(_head("RETRY", "yellow", text))
    why = message(event.details)
    if event.outcome is Outcome.TIMED_OUT:
        why = why.partition(MOST_LIKELY)[0]  # the report of the hang has gone by before, and begins with it
    return Entry(failure_head(event.outcome, event.id, facts), (behind(why),) if why else ())


def _test_level(event: TestFinished) -> float:
    return ALWAYS if event.outcome.is_red or event.fails or event.alone else VERBOSE


def _rechecked(event: TestRechecked) -> Entry:
    facts = f"(phase {event.phase}, {seconds(event.duration)})"
    if event.outcome is Outcome.NOT_RUN:
        return Entry(_head("RECHECK", "dim", f"{event.id}  not run again alone: {event.reason}"))
    if event.outcome not in GREEN:
        return Entry(_head("RECHECK", "dim", f"{event.id}  {event.outcome.label} alone too  {facts}"))
    style = "yellow" if event.passes else "bold red"
    return Entry(_head("ORDER-DEPENDENT", style, f"{event.id}  {event.outcome.label} alone  {facts}"))


def _rechecked_level(event: TestRechecked) -> float:
    return ALWAYS if event.outcome in GREEN else VERBOSE


def _leak(event: LeakFound) -> Entry:
    return Entry(_head("LEAK", "yellow", f"{event.id}  {leak_line(event.leak)}"))


def _retired(event: WorkerRetired) -> Entry:
    return Entry(_head("NEW PROCESS", "dim", f"after {event.id}: {event.why}"))


def _command(event: CommandFinished) -> Entry:
    result = event.result
    facts = f"  (phase {result.phase}, {exit_status(result.status)}, {seconds(result.duration)})"
    if result.status == 0:
        return Entry(_head(result.stage, "green", result.command + facts))
    problem = [behind(one_line(result.problem))] if result.problem else []
    body = (*problem, *_tail(result.output, _SECTION_LINES, where="the run directory"))
    return Entry(_head(f"{result.stage.upper()} FAILED", "bold red", result.command + facts), body)


def _command_level(event: CommandFinished) -> float:
    return ALWAYS if event.result.status != 0 else VERBOSE


def _deadline(event: DeadlineReached) -> Entry:
    what = event.id or (f"phase {event.phase}" if event.phase else f"the {event.budget}")
    text = f"{what}: the {event.budget} budget of {seconds(event.limit)} is used up"
    return Entry(_head("DEADLINE", "bold magenta", text))


def _deadline_level(event: DeadlineReached) -> float:
    return NEVER if event.budget == "test" else ALWAYS  # the test's own failure follows, and says it


def _slow(event: TestSlow) -> Entry:
    at = f", at {event.line}" if event.line else "; its process does not answer: busy in C, or stopped"
    return Entry(_head("SLOW", "yellow", f"{event.id}: runs for {seconds(event.age)}{at}"))


def _hang(event: HangReported) -> Entry:
    label = {"asked": "ASKED", "exit": "DOES NOT EXIT"}.get(event.why, "HANGS")
    who = event.id or event.process
    age = f" for {seconds(event.age)}" if event.age else ""
    head = _head(label, "bold cyan" if event.why == "asked" else "bold magenta", f"{who}{age}")
    begin, parted, _ = event.text.partition("\ntest: ")
    if event.why == "overdue" and event.id and parted:  # the whole stands with its failure, at the end
        return Entry(
            head, tuple(behind(line, "bold" if n == 0 else "") for n, line in enumerate(head_of(begin, 10)[0]))
        )
    shown, dropped = head_of(event.text, _HANG_LINES)
    more = (Text(f"  … {plural(dropped, 'more line')}, kept in the journal", "dim"),) if dropped else ()
    return Entry(head, (*(behind(line, "bold" if n == 0 else "") for n, line in enumerate(shown)), *more))


def _collected(event: Collected) -> Entry:
    left_out = sum(left.count for left in event.left_out if left.what == "tests")
    text = plural(event.tests, "test") + (f", {left_out} left out" if left_out else "")
    if not event.errors:
        return Entry(_head("COLLECTED", "bold", text))
    body = tuple(behind(f"{one_line(error.id)}: {reason_line(error.text)}", "red") for error in event.errors[:10])
    more = len(event.errors) - len(body)
    rest = (Text(f"  … and {more} more", "dim"),) if more else ()
    return Entry(_head("COLLECTED", "bold red", f"{text}, {plural(len(event.errors), 'error')}"), body + rest)


def _collected_level(event: Collected) -> float:
    return ALWAYS if event.errors else NORMAL


def _started(event: RunStarted) -> Entry:
    where = "proposed" if event.proposed else PurePath(event.plan_path).name
    return Entry(_head("RUN", "bold", f"{event.run_id}  plan {event.plan} ({where})"))


def _python(event: PythonFound) -> Entry:
    note = f"; {event.note}" if event.note else ""
    return Entry(_head("PYTHON", "bold", f"{event.python}: {event.why}{note}"))


def _resumed(event: RunResumed) -> Entry:
    return Entry(_head("RESUMED", "bold", event.run_id))


def _warned(event: Warned) -> Entry:
    return Entry(_head("WARNING", "yellow", event.message))


def _problem(event: ProblemFound) -> Entry:
    phase = f"  (phase {event.problem.phase})" if event.problem.phase else ""
    body = _tail(event.problem.hint, _SECTION_LINES)
    return Entry(_head("PROBLEM", "bold red", event.problem.message + phase), tuple(body))


def _interrupted(event: Interrupted) -> Entry:
    how = "ending in order, once more kills at once" if event.count == 1 else "killing what is left"
    return Entry(_head("INTERRUPTED", "bold yellow", f"by {signal_name(event.signal)}: {how}"))


def _paused(event: Paused) -> Entry:
    return Entry(_head("CONTINUED", "bold", f"after {seconds(event.seconds)}, which count for no deadline"))


# ------------------------------------------------------------------------------------------------------ the table

ALWAYS = float("-inf")  # least verbosities: told even quietly,
NORMAL = 0.0  # without a flag,
VERBOSE = 1.0  # with -v,
NEVER = float("inf")  # and not at all

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Telling(Generic[E]):
    """How events of one kind are told: the least verbosity for one of them, and what it has to say."""

    level: Callable[[E], float]
    entry: Callable[[E], Entry | None]


def _told(
    kind: type[E], level: float | Callable[[E], float], entry: Callable[[E], Entry]
) -> tuple[type[Any], Telling[Any]]:
    return kind, Telling(level if callable(level) else lambda event: level, entry)


def _untold(kind: type[Any]) -> tuple[type[Any], Telling[Any]]:
    """A view counts these, or says them in its own way."""
    return kind, Telling(lambda event: NEVER, lambda event: None)


# Every kind of event stands here: one that is missing is a failure of the tests, not a fact that nobody is told.
TELLINGS: dict[type[Event], Telling[Any]] = dict(
    (
        _told(RunStarted, NORMAL, _started),
        _told(RunResumed, NORMAL, _resumed),
        _told(PythonFound, NORMAL, _python),
        _told(Collected, _collected_level, _collected),
        _untold(PhasePlanned),
        _untold(PhaseStarted),
        _told(CommandFinished, _command_level, _command),
        _untold(ProcessStarted),
        _untold(ProcessExited),
        _untold(SuitePropertyAdded),
        _untold(TestStarted),
        _told(TestFinished, _test_level, _test),
        _told(TestRechecked, _rechecked_level, _rechecked),
        _told(LeakFound, VERBOSE, _leak),  # the end summary tells all of them
        _told(WorkerRetired, VERBOSE, _retired),
        _told(DeadlineReached, _deadline_level, _deadline),
        _told(TestSlow, NORMAL, _slow),
        _told(HangReported, ALWAYS, _hang),
        _untold(TestNotRun),
        _untold(PhaseFinished),
        _untold(WarningRecorded),
        _told(Warned, ALWAYS, _warned),
        _told(ProblemFound, ALWAYS, _problem),
        _told(Interrupted, ALWAYS, _interrupted),
        _told(Paused, ALWAYS, _paused),
        _untold(RunFinished),
    )
)


# ---------------------------------------------------------------------------------------- parts, also for the end


def outcome_label(outcome: Outcome, *, upper: bool = True) -> tuple[str, str]:
    """``("TIMED OUT", style)``, a part of a `Text.assemble`."""
    return (outcome.label.upper() if upper else outcome.label), STYLES[outcome]


def failure_head(outcome: Outcome, id: str, facts: str) -> Text:
    """``FAILED tests/test_x.py::test_a  (phase async, 1.24s)``."""
    return Text.assemble(outcome_label(outcome), " ", (item(id), "bold"), (f"  {item(facts)}", "dim"))


def message(details: Iterable[Detail]) -> str:
    """The first line of the first red stage's message, or of any stage's."""
    ordered = sorted(details, key=lambda detail: not detail.outcome.is_red)
    return next((line for detail in ordered if (line := first_line(detail.message))), "")


def failure(attempt: Attempt, *, cut: bool) -> Iterator[Text]:
    """Pytest's own text about every stage and what the test printed.

    ``cut`` keeps the ends only, and says so. A hang is told by its report: the traceback of the exception that ended
    the test then says the same once more.
    """
    told = ""
    for detail in attempt.details:
        if told and told in detail.message:
            continue
        if detail.when not in ("call", "runner"):
            yield Text(f"  at {detail.when}", "dim")
        report, end, rest = detail.text.partition(REPORT_END)
        if cut and end and detail.when == "runner":
            told = detail.message.partition(MOST_LIKELY)[0]
            yield behind(told, "red")
            yield from _head_of(report.removeprefix(detail.message).strip("\n"))
            yield from _tail(rest.strip("\n"), _END_LINES)
        else:
            yield from _tail(detail.text or detail.message, _END_LINES if cut else None)
    for section in attempt.sections:
        yield from _section(section, _END_LINES if cut else None)


def _head_of(text: str) -> Iterator[Text]:
    lines, dropped = head_of(text, _END_LINES)
    yield from (behind(line, "bold" if position == 0 else "") for position, line in enumerate(lines))
    if dropped:
        yield Text(f"  … {plural(dropped, 'more line')}, kept in the journal", "dim")


def _section(section: Section, limit: int | None) -> Iterator[Text]:
    if section.content.strip():
        yield behind(f"─── {item(section.name)} ───", "dim")
        yield from _tail(section.content, limit)


def _tail(text: str, limit: int | None, where: str = "the journal") -> Iterator[Text]:
    lines, dropped = tail(text, limit)
    if dropped:
        yield Text(f"  … {plural(dropped, 'earlier line')}, kept in {where}", "dim")
    for line in lines:
        yield behind(line, "red" if line.startswith("E  ") else "")


def behind(text: str, style: str = "") -> Text:
    """One line behind the gutter; several are one, their line ends spelled out."""
    return Text.assemble((_GUTTER, "dim"), (defused(text).replace("\n", "\\n"), style))
