"""``summary.json``: a run in one JSON document, for scripts.

    version         1; it changes when a key changes its meaning or is removed, not when one is added
    run_id          the run's name in the run directory
    plan            {name, path}
    verdict         passed | failed | usage | internal | infrastructure | nothing_selected | interrupted
    exit_code       of the process
    started         ISO 8601 in UTC, null if unknown
    wall            seconds
    finished        false when the runner itself did not reach its end
    signal          name of the signal that interrupted the run, or null
    counts          {tests, passed, failed, error, skipped, xfailed, xpassed, timed_out, crashed, not_run, flaky,
                     order_dependent}
    phases          [{name, isolation, workers, wall, started, finished, reason, counts, processes,
                      retired: [{id, why}], commands: [{stage, command, status, duration, problem}]}]
                    ``processes`` counts those of a phase with ``isolation: clean``, and is 0 elsewhere.
                    ``retired`` has the tests after which one was not clean any more
    failures        [{id, phase, outcome, file, line, message, attempts, reproduce}], in the order of the plan
    flaky           [{id, phase, outcome, file, line, message, attempts, reproduce}]: red in an attempt, and not in
                    the last one; ``outcome`` is failed where the plan says ``flaky: fail``
    order_dependent  [{id, phase, outcome, file, line, message, attempts, reproduce, sequence, position}]: red after
                    other tests of its process, and not alone; the first ``position`` tests of sequences[sequence] ran
                    before it
    sequences       [[id]]: the tests of such a process in their order
    leaks           [{id, phase, kind, what, where}]: what tests left behind, red or not
    slow            [{id, phase, age, line}]: tests that ran for longer than slow_after, with the last line that was
                    reported
    not_run         [{phase, reason, ids}]
    left_out        [{reason, what, count, examples}]: tests that take no part because somebody decided so
    collect_errors  [{id, text}]
    collect_skips   [{id, text}]: files that skipped themselves as a whole
    problems        [{kind, message, hint, phase}]
    violations      [text]: what breaks planned = reported
    warnings        [text]: of the runner
    suite_warnings  [{category, where, text, count, tests}]: of the suite, by message and place; an empty category
                    stands for those that are only counted
    journal         {events, digest}: how many lines the journal had when this was written, and the digest of them all
    pytest, python  versions of the project's pytest and interpreter

Lines count from 1, durations are seconds. ``message`` is that of the last red attempt, at most 4000 characters.
``reproduce`` is a line for bash.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from ...model.errors import ExitCode
from ...model.result import Attempt, PhaseResult, RunResult, TestResult
from ...model.vocabulary import Outcome
from ...record import verdict
from ..wording import reasons, reproduce, words
from ..wording.text import shortened, unobeyed
from .format import Format

VERSION = 1
_MESSAGE_LIMIT = 4000

VERDICTS = {
    ExitCode.PASSED: "passed",
    ExitCode.FAILED: "failed",
    ExitCode.USAGE: "usage",
    ExitCode.INTERNAL: "internal",
    ExitCode.INFRASTRUCTURE: "infrastructure",
    ExitCode.NOTHING_SELECTED: "nothing_selected",
    ExitCode.HANGUP: "interrupted",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "interrupted",
}


def verdict_said(result: RunResult, exit_code: int) -> str:
    """The verdict in words, for people."""
    return "goes on" if result.goes_on else VERDICTS[ExitCode(exit_code)].replace("_", " ")


def render(result: RunResult, exit_code: int, *, cwd: Path | None = None) -> bytes:
    """The document, indented, with a final newline. ``cwd`` is where the reproduction lines are meant to be typed."""
    text = msgspec.json.format(_encoded(_document(result, exit_code, cwd)), indent=2).decode()
    return unobeyed(text).encode() + b"\n"


def _document(result: RunResult, exit_code: int, cwd: Path | None) -> dict[str, Any]:
    tests = list(result.tests())
    return {
        "version": VERSION,
        "run_id": result.run_id,
        "plan": {"name": result.plan, "path": result.plan_path},
        "verdict": VERDICTS[ExitCode(exit_code)],
        "exit_code": int(exit_code),
        "started": _iso(result.at),
        "wall": _seconds(result.wall),
        "finished": result.finished,
        "signal": words.signal_name(result.signal) if result.signal else None,
        "counts": _counts(result.counts, tests),
        "phases": [_phase(phase) for phase in result.phases],
        "failures": [_test(result, test, cwd) for test in tests if test.outcome.is_red],
        "flaky": [_test(result, test, cwd) for test in tests if test.flaky],
        **_order_dependent(result, tests, cwd),
        "leaks": [
            {"id": test.id, "phase": test.phase, "kind": leak.kind, "what": leak.what, "where": leak.where}
            for test in tests
            for leak in test.leaks
        ],
        "slow": [
            {"id": test.id, "phase": test.phase, "age": _seconds(test.slow[0]), "line": test.slow[1]}
            for test in tests
            if test.slow is not None
        ],
        "not_run": _not_run(tests),
        "left_out": [
            {"reason": left.reason, "what": left.what, "count": left.count, "examples": left.examples}
            for left in result.left_out
        ],
        "collect_errors": [{"id": error.id, "text": error.text} for error in result.collect_errors],
        "collect_skips": [{"id": skip.id, "text": skip.text} for skip in result.collect_skips],
        "problems": [
            {"kind": problem.kind, "message": problem.message, "hint": problem.hint, "phase": problem.phase}
            for problem in result.problems
        ],
        "violations": verdict.violations(result),
        "warnings": result.warnings,
        "suite_warnings": msgspec.to_builtins(result.suite_warnings),
        "journal": None if result.journal is None else msgspec.to_builtins(result.journal),
        "pytest": result.facts.version,
        "python": result.facts.python,
    }


def _counts(counts: Counter[Outcome], tests: Iterable[TestResult]) -> dict[str, int]:
    by_outcome = {outcome.value: counts[outcome] for outcome in Outcome}
    return {"tests": counts.total(), **by_outcome, **_marked(list(tests))}


def _marked(tests: list[TestResult]) -> dict[str, int]:
    return {
        "flaky": sum(test.flaky for test in tests),
        "order_dependent": sum(test.order_dependent for test in tests),
    }


def _order_dependent(result: RunResult, tests: list[TestResult], cwd: Path | None) -> dict[str, Any]:
    """Each sequence stands once, however many of its tests depend on it."""
    sequences: dict[int, tuple[int, tuple[str, ...]]] = {}
    listed = []
    for test in tests:
        if test.order_dependent and test.recheck is not None:
            history = test.recheck.history
            number, _ = sequences.setdefault(id(history), (len(sequences), history))
            listed.append({**_test(result, test, cwd), "sequence": number, "position": test.recheck.position})
    return {"order_dependent": listed, "sequences": [history for _, history in sequences.values()]}


def _phase(phase: PhaseResult) -> dict[str, Any]:
    return {
        "name": phase.name,
        "isolation": phase.isolation.value,
        "workers": phase.workers,
        "wall": _seconds(phase.wall),
        "started": phase.started,
        "finished": phase.finished,
        "reason": phase.reason,
        "counts": _counts(phase.counts, phase.tests),
        "processes": phase.shared,
        "retired": [{"id": each.id, "why": each.why} for each in phase.retirements],
        "commands": [
            {
                "stage": command.stage,
                "command": command.command,
                "status": command.status,
                "duration": _seconds(command.duration),
                "problem": command.problem,
            }
            for command in phase.commands
        ],
    }


def _test(result: RunResult, test: TestResult, cwd: Path | None) -> dict[str, Any]:
    red = reasons.last_red(test)
    assert red is not None, "only such tests are listed"
    return {
        "id": test.id,
        "phase": test.phase,
        "outcome": test.outcome.value,
        "file": test.file,
        "line": test.line,
        "message": _message(red),
        "attempts": len(test.attempts),
        "reproduce": reproduce.line(result, test, cwd=cwd),
    }


def _message(attempt: Attempt) -> str:
    return shortened(reasons.message(attempt), _MESSAGE_LIMIT)


def _not_run(tests: Iterable[TestResult]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for test in tests:
        if not test.attempts:
            groups.setdefault((test.phase, test.reason), []).append(test.id)
    return [{"phase": phase, "reason": reason, "ids": ids} for (phase, reason), ids in groups.items()]


def _seconds(value: float) -> float:
    return round(value, 6)


def _iso(at: float) -> str | None:
    if at <= 0:
        return None
    try:
        return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return None


def _encoded(document: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(document))


def _encodable(value: Any) -> Any:
    r"""Lone surrogates, which UTF-8 cannot hold, spelled out: ``\udc80``."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value


FORMAT = Format(
    key="summary",
    file="summary.json",
    title="the summary as JSON",
    example="reports/summary.json",
    flag="",
    render=lambda result, code, _environ: [render(result, code)],
)
