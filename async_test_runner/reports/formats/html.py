"""The HTML report: one file that needs no server and makes no request.

The data are columns of JSON, deflated, in base64: the whole run first, then the details of tests in chunks, which the
page inflates when one of them is opened. Base64 holds neither ``<`` nor ``&``, so nothing that a test is called, says
or prints can end the element that it stands in. The page shows text as text only, and its policy (CSP) lets nothing run
but the script with the hash that stands in it, and lets nothing be loaded.

The static part has the verdict, the counts and the first failures as escaped HTML. It is what a reader sees where no
script runs: in a preview of mail, in a CI service that forbids scripts, on paper.

    core     {version, run, proof, outcomes, phases, files, lanes, processes, reasons, tests, earlier, at, …}
    tests    columns, one number or text a test: n name, f file, l line, p phase, o outcome, s start as the difference
             to the test before it, d duration, x marks, w process, k lane, r reason, c number of its details
    details  the numbers of ``c`` count from 1; a chunk holds `_CHUNK` of them

Times are milliseconds from the beginning of the run.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from ...model.result import Attempt, PhaseResult, RunResult, TestResult
from ...model.vocabulary import Outcome
from ...record import verdict
from ...record.fold.unfinished import IN_FLIGHT, NOT_REACHED
from ..wording import reasons, rechecks, reproduce, words
from ..wording.text import one_line, visible
from .format import Format
from .summary import verdict_said

VERSION = 1
FLAKY, LEAKING, ORDER_DEPENDENT, SLOW = 1, 2, 4, 8
_CHUNK = 200
_DETAIL_LIMIT = 64_000  # characters of one test
_TOTAL_LIMIT = 20_000_000  # characters of all details
_STATIC = 50  # failures in the static part
_STATIC_TEXT = 4000
_ROWS = 500  # of lists that nobody reads to their end
_OUTCOMES = words.ORDER
_NUMBER = {outcome: number for number, outcome in enumerate(_OUTCOMES)}
_ASSETS = Path(__file__).parent / "page"


def render(result: RunResult, exit_code: int, *, now: Callable[[], float] = time.time) -> Iterator[bytes]:
    """The page. ``now`` is asked only while the run goes on: the page then says when it was written."""
    style, script = _asset("report.css"), _asset("report.js")
    tests = list(result.tests())
    chunks, numbers, left = _details(result, tests)
    core = _core(result, exit_code, tests, numbers, left)
    if result.goes_on:
        core["run"]["written"] = now() * 1000
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    title = escape(f"{core['run']['verdict']}: {one_line(result.plan)}")
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    ).encode()
    yield _static(result, core, tests, left).encode()
    yield b'<div id="app" hidden></div>\n<script type="application/octet-stream" id="data">\n'
    yield _packed(core)
    for chunk in chunks:
        yield b"\n" + _packed(chunk)
    yield f"\n</script>\n<script>{script}</script>\n</body>\n</html>\n".encode()


FORMAT = Format(
    key="html",
    file="report.html",
    title="the HTML report",
    example="reports/index.html",
    flag="--html",
    render=lambda result, code, _environ: render(result, code),
    always=False,
    live=True,
    ending=".html",
)


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _packed(value: Any) -> bytes:
    # json, not msgspec: it can write lone surrogates, as escapes
    return base64.b64encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 6))


# ------------------------------------------------------------------------------------------------------------ the core


class _Numbers:
    """Each value once, with its number."""

    def __init__(self) -> None:
        self.known: dict[Any, int] = {}

    def of(self, value: Any) -> int:
        return self.known.setdefault(value, len(self.known))

    def all(self) -> list[Any]:
        return list(self.known)


def _core(
    result: RunResult, exit_code: int, tests: list[TestResult], details: dict[int, int], left: int
) -> dict[str, Any]:
    lanes, files, reasons = _Numbers(), _Numbers(), _Numbers()
    lane_of = {phase.name: number for number, phase in enumerate(result.phases)}
    columns = _columns(result, tests, details, (lanes, files, reasons), lane_of)
    earlier = [
        [
            index,
            attempt.number,
            _NUMBER[attempt.outcome],
            *_times(result, attempt),
            _lane(lanes, lane_of, test, attempt),
        ]
        for index, test in enumerate(tests)
        for attempt in test.attempts[:-1]
    ]
    processes = [
        [
            process.name,
            lanes.of((number, process.slot)),
            *_span(result, process.at, process.duration),
            process.status,
            process.pid,
            process.workers,
        ]
        for number, phase in enumerate(result.phases)
        for process in phase.processes
    ]
    counts = result.counts
    return {
        "version": VERSION,
        "run": {
            "id": result.run_id,
            "plan": result.plan,
            "root": result.root,
            "at": result.at * 1000,
            "wall": round(result.wall * 1000),
            "exit": int(exit_code),
            "verdict": verdict_said(result, exit_code),
            "finished": result.finished,
            "goes_on": result.goes_on,
            "signal": words.signal_name(result.signal) if result.signal else "",
            "argv": result.argv,
            "pytest": result.facts.version,
            "python": result.facts.python,
            "again": reproduce.line(result, TestResult(id="x", file="", line=0, phase="")).removesuffix("x"),
        },
        "proof": {
            "planned": len(tests),
            "with_outcome": sum(bool(test.attempts) for test in tests),
            "left": left,
            "violations": verdict.violations(result)[:_ROWS],
        },
        "outcomes": [
            [outcome.value, _label(result, outcome), outcome.is_red, counts[outcome]] for outcome in _OUTCOMES
        ],
        "phases": [_phase(result, phase) for phase in result.phases],
        "files": files.all(),
        "lanes": lanes.all(),
        "processes": processes,
        "reasons": reasons.all(),
        "tests": columns,
        "earlier": earlier,
        "at": {index: [test.file] for index, test in enumerate(tests) if _parted(test.id)[0] != test.file},
        "problems": [[problem.kind, problem.phase, problem.message, problem.hint] for problem in result.problems],
        "warnings": result.warnings[:_ROWS],
        "left_out": [[out.count, out.what, out.reason, out.examples] for out in result.left_out],
        "collect_errors": [[error.id, _cut(error.text)] for error in result.collect_errors[:_ROWS]],
        "collect_skips": [[skip.id, _cut(skip.text)] for skip in result.collect_skips[:_ROWS]],
    }


def _columns(
    result: RunResult,
    tests: list[TestResult],
    details: dict[int, int],
    numbers: tuple[_Numbers, _Numbers, _Numbers],
    phases: dict[str, int],
) -> dict[str, list[Any]]:
    lanes, files, reasons = numbers
    processes = {
        process.name: number
        for number, process in enumerate(process for phase in result.phases for process in phase.processes)
    }
    rows: list[tuple[Any, ...]] = []
    before = 0
    for index, test in enumerate(tests):
        path, name = _parted(test.id)
        start = before
        if test.attempts:
            last = test.attempts[-1]
            start, duration = _times(result, last)
            where = processes.get(last.process, -1), _lane(lanes, phases, test, last)
        else:
            duration, where = 0, (-1, -1)
        rows.append(
            (
                *(name, files.of(path), test.line, phases[test.phase], _NUMBER[test.outcome], start - before, duration),
                *(_marks(test), *where, reasons.of(_reason(result, test)), details.get(index, 0)),
            )
        )
        before = start
    columns = zip(*rows, strict=True) if rows else [()] * 12
    return {key: list(column) for key, column in zip("nflposdxwkrc", columns, strict=True)}


def _reason(result: RunResult, test: TestResult) -> str:
    """Why it has no outcome. While the run goes on it may have one yet."""
    if not result.goes_on:
        return test.reason
    return test.reason.replace(IN_FLIGHT, "it runs").replace(NOT_REACHED, "the run has not come to it")


def _label(result: RunResult, outcome: Outcome) -> str:
    return "not yet run" if result.goes_on and outcome is Outcome.NOT_RUN else outcome.label


def _parted(id: str) -> tuple[str, str]:
    """What stands before and behind the first ``::``; one that ends so has no name, and the page adds none."""
    path, _, name = id.partition("::")
    return (path, name) if name else (id, "")


def _marks(test: TestResult) -> int:
    return (
        FLAKY * test.flaky
        + LEAKING * any(attempt.leaks for attempt in test.attempts)
        + ORDER_DEPENDENT * test.order_dependent
        + SLOW * (test.slow is not None)
    )


def _lane(lanes: _Numbers, phases: dict[str, int], test: TestResult, attempt: Attempt) -> int:
    return lanes.of((phases[test.phase], attempt.slot))


def _times(result: RunResult, attempt: Attempt) -> tuple[int, int]:
    return _span(result, attempt.at, attempt.duration)


def _span(result: RunResult, at: float, duration: float) -> tuple[int, int]:
    return round((at - result.at) * 1000), round(duration * 1000)


def _phase(result: RunResult, phase: PhaseResult) -> dict[str, Any]:
    return {
        "name": phase.name,
        "isolation": phase.isolation.value,
        "workers": phase.workers,
        "wall": round(phase.wall * 1000),
        "started": phase.started,
        "finished": phase.finished,
        "reason": phase.reason,
        "commands": [
            [
                *(command.stage, command.command, command.status),
                *(
                    _span(result, command.at, command.duration)
                    if command.at
                    else (None, round(command.duration * 1000))
                ),
                *(_cut(command.output), command.problem),
            ]
            for command in phase.commands
        ],
    }


# --------------------------------------------------------------------------------------------------------- the details


def _details(result: RunResult, tests: list[TestResult]) -> tuple[list[list[Any]], dict[int, int], int]:
    """Chunks of details, the number of each test's, and how many tests had to do without: red tests come first."""
    told = [index for index, test in enumerate(tests) if _has_more(test)]
    told.sort(key=lambda index: (not tests[index].outcome.is_red, index))
    chunks: list[list[Any]] = []
    numbers: dict[int, int] = {}
    room = _TOTAL_LIMIT
    for index in told:
        detail, size = _detail(result, tests[index])
        if size > room:
            break
        room -= size
        if len(numbers) % _CHUNK == 0:
            chunks.append([])
        chunks[-1].append(detail)
        numbers[index] = len(numbers) + 1
    return chunks, numbers, len(told) - len(numbers)


def _has_more(test: TestResult) -> bool:
    """There is more to say than a row has."""
    return (
        len(test.attempts) > 1
        or test.recheck is not None
        or test.slow is not None
        or any(attempt.details or attempt.sections or attempt.leaks for attempt in test.attempts)
    )


def _detail(result: RunResult, test: TestResult) -> tuple[dict[str, Any], int]:
    budget = _Budget(_DETAIL_LIMIT)
    attempts = [
        {
            "n": attempt.number,
            "o": _NUMBER[attempt.outcome],
            "t": _times(result, attempt),
            "p": attempt.process,
            "w": attempt.worker,
            "s": attempt.slot,
            "d": [[d.when, d.outcome.label, budget.cut(d.message), budget.cut(d.text)] for d in attempt.details],
            "c": [[section.name, budget.cut(section.content)] for section in attempt.sections],
            "l": [[leak.kind, budget.cut(leak.what), leak.where] for leak in attempt.leaks],
            "x": [[name, budget.cut(value)] for name, value in attempt.properties],
        }
        for attempt in test.attempts
    ]
    detail = {
        "a": attempts,
        "again": reproduce.line(result, test),
        "note": rechecks.said(test),
        "before": rechecks.before(test, _STATIC) if test.recheck is not None else [],
        "slow": list(test.slow) if test.slow is not None else None,
    }
    return detail, budget.used + 400


class _Budget:
    """So many characters of one test; of a text that has no room the middle is cut, and how much is said."""

    def __init__(self, room: int) -> None:
        self._room = room
        self.used = 0

    def cut(self, text: str) -> str:
        kept = _cut(text, max(200, self._room - self.used))
        self.used += len(kept)
        return kept


def _cut(text: str, limit: int = 16_000) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters are left out here …\n{text[-half:]}"


# ----------------------------------------------------------------------------------------------------- without script


def _static(result: RunResult, core: dict[str, Any], tests: list[TestResult], left: int) -> str:
    red = [test for test in tests if test.outcome.is_red]
    shown = red[:_STATIC]
    lines = [
        '<main id="static">',
        f"<h1>{escape(one_line(result.plan) or 'run')}: {escape(core['run']['verdict'])}</h1>",
        f"<p>{escape(_tally(result))} in {words.seconds(result.wall)}, "
        f"run {escape(one_line(result.run_id))}{_started(result.at)}</p>",
        f"<p>{len(tests)} planned = {len(tests)} in this file"
        + (f"; the details of {words.plural(left, 'test')} are left out for their size" if left else "")
        + "</p>",
        *([f"<p>{escape(reasons.end(result))}</p>"] if reasons.end(result) else []),
        *_listed("Problems of the run", [problem.message for problem in result.problems[:_STATIC]]),
        *_listed("Files that could not be collected", [error.id for error in result.collect_errors[:_STATIC]]),
        *(_failure(result, test) for test in shown),
    ]
    if len(red) > len(shown):
        lines.append(f"<p>{len(red) - len(shown)} more failures are shown where the page may run its script.</p>")
    return "\n".join([*lines, "</main>\n"])


def _tally(result: RunResult) -> str:
    tally = words.tally(result.counts)
    return f"so far {tally.replace(Outcome.NOT_RUN.label, 'not yet run')}" if result.goes_on else tally


def _started(at: float) -> str:
    try:
        return f", {datetime.datetime.fromtimestamp(at, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC" if at > 0 else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _listed(title: str, items: Iterable[str]) -> list[str]:
    found = [f"<li>{escape(visible(item))}</li>" for item in items]
    return [f"<h2>{title}</h2>", "<ul>", *found, "</ul>"] if found else []


def _failure(result: RunResult, test: TestResult) -> str:
    texts = [
        detail.text or detail.message
        for attempt in test.attempts[-1:]
        for detail in attempt.details
        if detail.outcome.is_red
    ]
    body = "".join(f"<pre>{escape(visible(_cut(text, _STATIC_TEXT)))}</pre>" for text in texts)
    return (
        f"<h2>{escape(test.outcome.label)}: {escape(one_line(test.id))}</h2>{body}"
        f"<p><code>{escape(visible(reproduce.line(result, test)))}</code></p>"
    )
