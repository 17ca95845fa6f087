"""Two runs beside each other, for people and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from ...model.errors import ExitCode
from ...model.result import RunResult, TestResult
from ...record import verdict
from ...record.comparison import Comparison, Pair
from ..wording import reasons, rechecks
from ..wording.text import first_line, item, shortened
from ..wording.words import plural, seconds
from . import final
from .entries import outcome_label

_SHOWN = 20  # tests of each kind without -v
_MESSAGE = 160


def render(old: RunResult, new: RunResult, found: Comparison, *, whole: bool = False) -> list[Text]:
    """The lines: what became worse stands first. With ``whole`` no list is cut."""
    limit = None if whole else _SHOWN
    lines = [
        Text.assemble(
            (f"{name}  ", "dim"), (item(run.run_id), "bold"), "  ", final.verdict(run, verdict.exit_code(run))
        )
        for name, run in (("old", old), ("new", new))
    ]
    sections = [
        _section("became red", [_changed(pair, why=True) for pair in found.red], limit),
        _section("ran no more", [_changed(pair, why=False) for pair in found.ran_no_more], limit),
        _section("new, and red", [_named(test) for test in found.added if test.outcome.is_red], limit),
        _section("became flaky", [_flaky(pair) for pair in found.flaky], limit),
        _section("slower", [_slower(pair) for pair in found.slower], limit),
        _section("gone", [_named(test) for test in found.gone], limit),
        _section("still red", [_changed(pair, why=True) for pair in found.still_red], limit),
        _section("new", [_named(test) for test in found.added if not test.outcome.is_red], limit),
        _section("became green", [_changed(pair, why=False) for pair in found.green], limit),
    ]
    for section in sections:
        lines += section
    pace = f"; a test took {found.pace:.2f} times as long, which no test is blamed for" if found.pace != 1.0 else ""
    return [*lines, Text(), Text(f"{plural(found.same, 'test')} without a difference{pace}", "dim")]


def _section(title: str, entries: Sequence[Text], limit: int | None) -> Iterator[Text]:
    if not entries:
        return
    yield from (Text(), Text(f"{title}: {len(entries)}", "bold underline"))
    kept = entries[:limit]
    yield from (Text.assemble("  ", entry) for entry in kept)
    if len(entries) > len(kept):
        yield Text(f"  … and {len(entries) - len(kept)} more; -v shows all", "dim")


def _changed(pair: Pair, *, why: bool) -> Text:
    was = "" if pair.old.outcome is pair.new.outcome else f"  ({pair.old.outcome.label} before)"
    said = _message(pair.new) if why else first_line(pair.new.reason)
    return Text.assemble(_named(pair.new), (was, "dim"), f"  {said}" if said else "")


def _flaky(pair: Pair) -> Text:
    return Text.assemble(_named(pair.new), "  ", item(rechecks.said(pair.new) or rechecks.flaky(pair.new)))


def _slower(pair: Pair) -> Text:
    times = f"{seconds(pair.old.duration)} before, {seconds(pair.new.duration)} now"
    return Text.assemble(_named(pair.new), (f"  ({times})", "yellow"))


def _named(test: TestResult) -> Text:
    return Text.assemble(outcome_label(test.outcome), " ", (item(test.id), "bold"))


def _message(test: TestResult) -> str:
    attempt = reasons.last_red(test)
    return shortened(item(first_line(reasons.message(attempt))), _MESSAGE) if attempt is not None else ""


def document(old: RunResult, new: RunResult, found: Comparison) -> dict[str, Any]:
    """The same for machines, and every list in full."""
    return {
        "version": 1,
        "old": _run(old),
        "new": _run(new),
        "pace": round(found.pace, 4),
        "same": found.same,
        "became_red": [_pair(pair) for pair in found.red],
        "still_red": [_pair(pair) for pair in found.still_red],
        "became_green": [_pair(pair) for pair in found.green],
        "ran_no_more": [_pair(pair) for pair in found.ran_no_more],
        "became_flaky": [_pair(pair) for pair in found.flaky],
        "slower": [_pair(pair) for pair in found.slower],
        "added": [_test(test) for test in found.added],
        "gone": [_test(test) for test in found.gone],
    }


def _run(result: RunResult) -> dict[str, Any]:
    return {
        "run_id": result.run_id,
        "plan": result.plan,
        "finished": result.finished,
        "exit_code": int(ExitCode(verdict.exit_code(result))),
        "tests": result.counts.total(),
    }


def _pair(pair: Pair) -> dict[str, Any]:
    message = reasons.message(attempt) if (attempt := reasons.last_red(pair.new)) is not None else pair.new.reason
    return {
        "id": pair.new.id,
        "phase": pair.new.phase,
        "outcomes": [pair.old.outcome, pair.new.outcome],
        "seconds": [round(pair.old.duration, 6), round(pair.new.duration, 6)],
        "message": message,
    }


def _test(test: TestResult) -> dict[str, Any]:
    return {"id": test.id, "phase": test.phase, "outcome": test.outcome, "seconds": round(test.duration, 6)}
