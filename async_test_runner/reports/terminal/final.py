"""The end of a run on one screen, from its result alone: the same for a run that just ended and one shown again."""

from __future__ import annotations

import signal as signals
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from ...model.errors import ExitCode
from ...model.result import Attempt, Leak, PhaseResult, RunResult, TestResult
from ...model.vocabulary import Isolation, Outcome
from ...record.verdict import violations
from ..wording import rechecks, reproduce
from ..wording.text import first_line, item, tail
from ..wording.words import ORDER, exit_status, plural, seconds, signal_name, tallies
from . import asked
from .entries import behind, failure, message, outcome_label
from .screen import STYLES, aligned

_WITH_TEXT = 20  # failures whose texts are shown without -v; of the others there is a line
_FAILURES = 100  # shown without -v; a run that breaks everywhere is not understood by its thousandth line
_EXAMPLES = 3
_LEAKS = 5  # of each kind, shown without -v
_SHORT = 20  # collection errors, warnings and broken promises shown without -v
_COLLECT_LINES = 60
_SLOWEST = 10  # tests listed where nobody says how many
_NOTABLE = 0.01  # seconds: no test below is called slow

_LABELS = {
    ExitCode.PASSED: ("PASSED", "bold green"),
    ExitCode.FAILED: ("FAILED", "bold red"),
    ExitCode.USAGE: ("USAGE ERROR", "bold red"),
    ExitCode.INTERNAL: ("INTERNAL ERROR", "bold red"),
    ExitCode.INFRASTRUCTURE: ("INFRASTRUCTURE ERROR", "bold red"),
    ExitCode.NOTHING_SELECTED: ("NOTHING SELECTED", "bold yellow"),
    ExitCode.HANGUP: ("INTERRUPTED", "bold yellow"),
    ExitCode.INTERRUPTED: ("INTERRUPTED", "bold yellow"),
    ExitCode.TERMINATED: ("INTERRUPTED", "bold yellow"),
}


def render(
    result: RunResult,
    exit_code: ExitCode,
    *,
    verbosity: int,
    cwd: Path,
    slowest: int | None = None,
    report_chars: str | None = None,
    places: Sequence[tuple[str, Path]] = (),
) -> list[Text]:
    """The lines of the end summary. ``cwd`` is where the reader stands: paths are shown from there.

    ``slowest`` says how many slow tests are listed, 0 all; else pytest's ``--durations`` does, or 10 are.

    ``places`` are the reports that were written, as ``("junit", path)``. ``report_chars`` are pytest's letters for
    ``-r``, instead of those of its configuration. With ``verbosity`` 1 nothing is cut; with -1 a green run takes at
    most three lines. What failed stands last, where the reader is.
    """
    quiet, whole = verbosity < 0, verbosity > 0
    if quiet and exit_code is ExitCode.PASSED:
        return [*_noted(result), *_places(places, cwd, one_line=True), verdict(result, exit_code)]
    sections = [
        _section("phases", [] if quiet else _phase_table(result.phases)),
        _section("slowest tests", [] if quiet else _slowest(result, slowest)),
        _section("slow tests", [] if quiet else _slow(result, None if whole else _SHORT)),
        _section("flaky tests", _flaky(result, _limit(quiet, whole))),
        _section("order-dependent tests", _order_dependent(result, _limit(quiet, whole), None if whole else _SHORT)),
        *(_section(title, lines) for title, lines in _asked(result, report_chars, quiet=quiet, whole=whole)),
        _section("random order", [] if quiet else _random_order(result)),
        _section("leaks", [] if quiet else _leaks(result, None if whole else _LEAKS)),
        _section("processes", [] if quiet else _retired(result, None if whole else 0)),
        _section("not run", _not_run(result, _EXAMPLES if not whole else None)),
        _section("left out", [] if quiet else _left_out(result)),
        _section("files that skipped themselves", [] if quiet else _collect_skips(result, None if whole else _SHORT)),
        _section("warnings of the suite", [] if quiet else _suite_warnings(result, whole=whole)),
        _section("warnings", _capped(result.warnings, None if whole else 2 if quiet else _SHORT)),
        [] if quiet else _places(places, cwd, one_line=False),
        _section("collection errors", _collect_errors(result, whole=whole)),
        _section("commands that failed", _commands(result)),
        _section("problems", _problems(result, whole=whole)),
        _section("broken promises of the runner", _capped(violations(result), None if whole else _SHORT)),
        _section("failures", _failures(result, cwd, whole=whole)),
    ]
    lines = [line for section in sections if section for line in (*section, *([] if quiet else [Text()]))]
    if quiet:
        lines += _places(places, cwd, one_line=True)
    return [*lines, *_next(result, cwd, whole=whole), verdict(result, exit_code)]


def _noted(result: RunResult) -> list[Text]:
    """What a green run has to say, in one line."""
    if not result.warnings:
        return []
    more = f"; and {len(result.warnings) - 1} more, shown without -q" if len(result.warnings) > 1 else ""
    return [Text.assemble(("warning: ", "yellow"), item(result.warnings[0]), (more, "dim"))]


def _asked(
    result: RunResult, report_chars: str | None, *, quiet: bool, whole: bool
) -> Iterable[tuple[str, list[Text]]]:
    return () if quiet else asked.sections(result, report_chars, limit=None if whole else _FAILURES)


def _limit(quiet: bool, whole: bool) -> int | None:
    return None if whole else 2 if quiet else _FAILURES


def _section(title: str, lines: Iterable[Text]) -> list[Text]:
    body = list(lines)
    return [Text(title, "bold underline"), *body] if body else []


def _more(hidden: int, indent: str = "  ") -> list[Text]:
    return [Text(f"{indent}… and {hidden} more; -v shows all", "dim")] if hidden > 0 else []


def _capped(texts: Sequence[str], limit: int | None) -> Iterator[Text]:
    kept = texts[:limit]
    for text in kept:
        yield Text(f"  {item(text)}")
    yield from _more(len(texts) - len(kept))


# ---------------------------------------------------------------------------------------------------------- failures


def _failures(result: RunResult, cwd: Path, *, whole: bool) -> Iterator[Text]:
    red = [test for test in result.tests() if test.outcome.is_red]
    told = red if whole else red[:_WITH_TEXT]
    for test in told:
        yield from _failure(result, test, cwd, whole=whole)
    brief = red[len(told) : _FAILURES] if not whole else []
    for test in brief:
        why = message(test.attempts[-1].details)
        yield Text.assemble(
            "  ", outcome_label(test.outcome), " ", (item(test.id), "bold"), f"  {item(why)}" if why else ""
        )
    yield from _more(len(red) - len(told) - len(brief))


def _failure(result: RunResult, test: TestResult, cwd: Path, *, whole: bool) -> Iterator[Text]:
    last = test.attempts[-1]
    tries = f", {len(test.attempts)} attempts" if len(test.attempts) > 1 else ""
    yield Text.assemble(
        "  ",
        outcome_label(test.outcome),
        " ",
        (item(test.id), "bold"),
        (f"  (phase {item(test.phase)}, {seconds(last.duration)}{tries})", "dim"),
    )
    for attempt in test.attempts if whole else test.attempts[-1:]:
        yield from _attempt(attempt, cut=not whole, numbered=whole and len(test.attempts) > 1)
    for note in (rechecks.flaky(test) if test.fails and test.flaky else "", rechecks.said(test)):
        if note:
            yield Text(f"    {item(note)}", "yellow")
    yield Text(f"    {item(reproduce.line(result, test, cwd=cwd))}", "cyan")


def _attempt(attempt: Attempt, *, cut: bool, numbered: bool) -> Iterator[Text]:
    if numbered:
        yield Text(f"  attempt {attempt.number}: {attempt.outcome.label}", "dim")
    yield from failure(attempt, cut=cut)


def _collect_errors(result: RunResult, *, whole: bool) -> Iterator[Text]:
    kept = result.collect_errors[: None if whole else _SHORT]
    for error in kept:
        yield Text.assemble("  ", (item(error.id), "bold red"))
        lines, dropped = tail(error.text, None if whole else _COLLECT_LINES)
        if dropped:
            yield Text(f"  … {plural(dropped, 'earlier line')}; -v shows all", "dim")
        yield from (behind(line, "red" if line.startswith("E  ") else "") for line in lines)
    yield from _more(len(result.collect_errors) - len(kept))


def _commands(result: RunResult) -> Iterator[Text]:
    for phase in result.phases:
        for command in phase.commands:
            if command.status != 0:
                how = f"{command.stage} of phase {item(phase.name)}, {exit_status(command.status)}"
                problem = f": {item(command.problem)}" if command.problem else ""
                yield Text.assemble("  ", (item(command.command), "bold"), (f"  ({how}){problem}", "dim"))


# ------------------------------------------------------------------------------------------------------------ phases


def _phase_table(phases: Sequence[PhaseResult]) -> list[Text]:
    """One row per phase and one for all; a column per outcome that occurred."""
    phases = [phase for phase in phases if phase.tests or phase.started or phase.reason]  # the rest is narrowed away
    if not phases:
        return []
    total: Counter[Outcome] = Counter()
    for phase in phases:
        total.update(phase.counts)
    outcomes = [outcome for outcome in ORDER if total[outcome]]
    header = ["", "isolation", "tests", *(outcome.label for outcome in outcomes), "wall"]
    rows = [_phase_cells(phase, outcomes) for phase in phases]
    if len(phases) > 1:
        rows.append(_cells("total", "", total, outcomes, ""))
    notes = ["", *(item(phase.reason) for phase in phases), ""]
    table = aligned([[(text, "dim") for text in header], *rows], right=range(2, len(header)))
    return [Text.assemble(line, (f"  {note}" if note else "", "dim")) for line, note in zip(table, notes, strict=False)]


def _phase_cells(phase: PhaseResult, outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    how = str(phase.isolation) + (f" x{phase.workers}" if phase.workers > 1 else "")
    wall = seconds(phase.wall) if phase.started else "not started"
    return _cells(item(phase.name), how, phase.counts, outcomes, wall)


def _cells(
    name: str, how: str, counts: Counter[Outcome], outcomes: Sequence[Outcome], wall: str
) -> list[tuple[str, str]]:
    numbers = [(str(counts[o]) if counts[o] else "-", STYLES[o] if counts[o] else "dim") for o in outcomes]
    return [(name, "bold"), (how, ""), (str(counts.total()), ""), *numbers, (wall, "")]


# ------------------------------------------------------------------------------------------------------------- tests


def _slowest(result: RunResult, count: int | None) -> list[Text]:
    facts = result.facts
    least = _NOTABLE if facts.durations_min is None else facts.durations_min
    count = facts.durations if count is None else count
    count = _SLOWEST if count is None else count or len(list(result.tests()))  # 0: all of them
    tests = [test for test in result.tests() if test.attempts and test.duration >= least]
    tests = sorted(tests, key=lambda test: test.duration, reverse=True)[: max(0, count)]
    return _aligned_tests([(test, seconds(test.duration), "") for test in tests])


def _slow(result: RunResult, limit: int | None) -> Iterator[Text]:
    """Tests that were said to be slow, and what they were at the last time."""
    slow = [(test, test.slow) for test in result.tests() if test.slow is not None]
    for test, (age, line) in slow[:limit]:
        at = f"  at {item(line)}" if line else ""
        yield Text.assemble("  ", item(test.id), (f"  (phase {item(test.phase)}) after {seconds(age)}{at}", "dim"))
    yield from _more(len(slow) - len(slow[:limit]))


def _aligned_tests(tests: Sequence[tuple[TestResult, str, str]]) -> list[Text]:
    """``(test, fact, style)`` as lines: the fact flush right, the phase, the id."""
    width = max((len(fact) for _, fact, _ in tests), default=0)
    name = max((cell_len(item(test.phase)) for test, _, _ in tests), default=0)
    return [
        Text.assemble(
            "  ",
            (fact.rjust(width), style),
            "  ",
            (item(test.phase) + " " * (name - cell_len(item(test.phase))), "dim"),
            "  ",
            item(test.id),
        )
        for test, fact, style in tests
    ]


def _flaky(result: RunResult, limit: int | None) -> Iterator[Text]:
    flaky = [test for test in result.tests() if test.flaky]
    kept = flaky[:limit]
    for test in kept:
        line = Text.assemble("  ", item(test.id), (f"  (phase {item(test.phase)})  ", "dim"))
        for position, attempt in enumerate(test.attempts):
            line.append(", then " if position else "", "dim")
            line.append(attempt.outcome.label, STYLES[attempt.outcome])
        yield line
    yield from _more(len(flaky) - len(kept))


def _order_dependent(result: RunResult, limit: int | None, most: int | None) -> Iterator[Text]:
    """With the tests that ran before each: the culprit is among them."""
    tests = [test for test in result.tests() if test.order_dependent]
    kept = tests[:limit]
    for test in kept:
        passes = "passes" if not test.outcome.is_red else "stays red"
        yield Text.assemble("  ", item(test.id), (f"  (phase {item(test.phase)}, {passes})", "dim"))
        yield Text(f"    {item(rechecks.said(test))}", "yellow")
        yield from (Text(f"      {item(id)}", "dim") for id in rechecks.before(test, most))
    yield from _more(len(tests) - len(kept))


def _leaks(result: RunResult, limit: int | None) -> Iterator[Text]:
    """What tests left behind, by kind."""
    found: dict[str, list[tuple[TestResult, Leak]]] = {}
    for test in result.tests():
        for leak in test.leaks:
            found.setdefault(leak.kind, []).append((test, leak))
    for kind, leaks in found.items():
        yield Text.assemble("  ", (kind, "yellow"), (f" ({len(leaks)})", "dim"))
        for test, leak in leaks[:limit]:
            where = f"; made at {item(leak.where)}" if leak.where else ""
            yield Text.assemble("    ", item(test.id), "  ", item(leak.what), (where, "dim"))
        yield from _more(len(leaks) - len(leaks[:limit]), "    ")


def _retired(result: RunResult, limit: int | None) -> Iterator[Text]:
    """How many processes the tests of clean phases needed, and after which tests another one was."""
    for phase in result.phases:
        if phase.isolation is not Isolation.CLEAN or not phase.shared:
            continue
        tests, processes = plural(len(phase.tests), "test"), plural(phase.shared, "process", "processes")
        yield Text.assemble("  ", (item(phase.name), "bold"), f"  {tests} in {processes}")
        kept = phase.retirements[:limit]
        for each in kept:
            yield Text.assemble("    ", item(each.id), "  ", (item(each.why), "dim"))
        yield from _more(len(phase.retirements) - len(kept), "    ")


def _not_run(result: RunResult, limit: int | None) -> Iterator[Text]:
    """Grouped by phase and reason, with the first few ids."""
    missing = [test for test in result.tests() if test.outcome is Outcome.NOT_RUN]
    groups = [list(group) for _, group in groupby(sorted(missing, key=_gap), key=_gap)]
    for tests in sorted(groups, key=len):  # what a signal has ended has a reason of its own, and stands first
        phase, reason = _gap(tests[0])
        why = item(reason) or "nobody knows why"
        yield Text.assemble("  ", (plural(len(tests), "test"), "yellow"), f" of phase {item(phase)}: {why}")
        kept = tests[:limit]
        yield from (Text(f"    {item(test.id)}", "dim") for test in kept)
        yield from _more(len(tests) - len(kept), "    ")


def _gap(test: TestResult) -> tuple[str, str]:
    return test.phase, test.reason


def _left_out(result: RunResult) -> Iterator[Text]:
    for left in result.left_out:
        yield Text.assemble("  ", plural(left.count, left.what[:-1]), f": {item(left.reason)}")


def _collect_skips(result: RunResult, limit: int | None) -> Iterator[Text]:
    kept = result.collect_skips[:limit]
    for skip in kept:
        yield Text.assemble("  ", item(skip.id), (f": {item(first_line(skip.text))}", "dim"))
    yield from _more(len(result.collect_skips) - len(kept))


def _random_order(result: RunResult) -> Iterator[Text]:
    if result.facts.seed:
        yield Text.assemble(
            "  the same again: ", (f"async-test-run -- {item(reproduce.quoted(result.facts.seed))}", "cyan")
        )


def _suite_warnings(result: RunResult, *, whole: bool) -> Iterator[Text]:
    """As pytest groups them: a message from one place once, with its tests."""
    kept = [warning for warning in result.suite_warnings if warning.category]
    shown = kept if whole else kept[:_SHORT]
    for warning in shown:
        times = f" ({warning.count} times)" if warning.count > 1 else ""
        said = f": {item(warning.category)}: {item(first_line(warning.text))}"
        yield Text.assemble("  ", (item(warning.where), "yellow"), said, (times, "dim"))
        tests = warning.tests if whole else warning.tests[:_EXAMPLES]
        yield from (Text(f"    {item(id)}", "dim") for id in tests)
        yield from _more(len(warning.tests) - len(tests), "    ")
    yield from _more(len(kept) - len(shown))
    beyond = sum(warning.count for warning in result.suite_warnings if not warning.category)
    if beyond:
        yield Text(f"  … and {plural(beyond, 'warning')} that the journal has not: too many different ones", "dim")


# ------------------------------------------------------------------------------------------------------------- ending


def _problems(result: RunResult, *, whole: bool) -> Iterator[Text]:
    for problem in result.problems:
        phase = f"phase {item(problem.phase)}: " if problem.phase else ""
        yield Text.assemble("  ", (phase, "bold"), (item(problem.message), "red"))
        lines, dropped = tail(problem.hint, None if whole else _COLLECT_LINES)
        if dropped:
            yield Text(f"    … {plural(dropped, 'earlier line')}; -v shows all", "dim")
        yield from (Text.assemble("    ", (item(line), "cyan")) for line in lines)


def _places(places: Sequence[tuple[str, Path]], cwd: Path, *, one_line: bool) -> list[Text]:
    """Each path once: of several in one directory, the directory with their names."""
    found: dict[Path, list[str]] = {}
    for _, path in places:
        found.setdefault(path.parent, []).append(path.name)
    shown = [
        (item(_from(directory / names[0] if len(names) == 1 else directory, cwd)), names if len(names) > 1 else [])
        for directory, names in found.items()
    ]
    if one_line:
        paths = ", ".join(path for path, _ in shown)
        return [Text.assemble(("reports: ", "dim"), paths)] if shown else []
    return _section(
        "reports",
        (
            Text.assemble(f"  {path}", (f"  ({item(', '.join(names))})" if names else "", "dim"))
            for path, names in shown
        ),
    )


def _from(path: Path, cwd: Path) -> str:
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)


def _next(result: RunResult, cwd: Path, *, whole: bool) -> Iterator[Text]:
    """What to do now, in one line."""
    line = reproduce.next_line(result, cwd=cwd, whole=whole)
    if line:
        yield Text.assemble(("next: ", "dim"), (item(line), "cyan"))


def verdict(result: RunResult, exit_code: ExitCode) -> Text:
    """The last line: ``FAILED 2 failed, 158 passed in 12.4s (exit 1)``."""
    label, style = _LABELS[exit_code]
    if not result.finished:
        label, style = "INCOMPLETE", "bold yellow"
    line = Text.assemble((label, style), _cause(result), " ")
    line.append_text(_counted(result)).append(f" in {seconds(result.wall)}")
    return line.append(f" (exit {int(exit_code)})", "dim")


def _cause(result: RunResult) -> str:
    by = f" by {signal_name(result.signal)}" if result.signal else ""
    if result.finished:
        return f"{by}:" if by else ""
    if result.signal == signals.SIGKILL or not by:
        return ": the runner was killed, or is still at work:"
    return f": interrupted{by}, and killed before it ended:"


def _counted(result: RunResult) -> Text:
    counts = result.counts
    flaky = sum(test.flaky for test in result.tests())
    parts = [(text, STYLES[outcome]) for outcome, text in tallies(counts)]
    if set(counts) == {Outcome.PASSED}:
        parts = [(plural(counts[Outcome.PASSED], "test"), "green")]
    if flaky:
        parts.append((f"{flaky} flaky", "yellow"))
    order_dependent = sum(test.order_dependent for test in result.tests())
    if order_dependent:
        parts.append((f"{order_dependent} order-dependent", "yellow"))
    if leaks := sum(len(test.leaks) for test in result.tests()):
        parts.append((plural(leaks, "leak"), "yellow"))
    if warnings := sum(warning.count for warning in result.suite_warnings):
        parts.append((plural(warnings, "warning"), "yellow"))
    if result.collect_errors:
        parts.append((plural(len(result.collect_errors), "collection error"), "bold red"))
    if result.problems:
        parts.append((plural(len(result.problems), "problem"), "bold red"))
    line = Text()
    for position, (text, style) in enumerate(parts or [("no tests", "")]):
        line.append(", " if position else "").append(text, style)
    return line
