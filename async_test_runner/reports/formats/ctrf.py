"""CTRF, the Common Test Report Format: a run as JSON that other tools read.

    passed, xpassed                      passed
    failed, error, timed_out, crashed    failed, with ours as ``rawStatus``
    skipped, xfailed                     skipped
    not_run                              other: a gap is no skip

Readers must refuse keys that their version does not know, so only those stand here that version 1.0.0 has. What is ours
alone is in ``extra``, under names that begin with ``async-test-run/``. Times are milliseconds.
"""

from __future__ import annotations

import datetime
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ... import __version__
from ...model.errors import ExitCode
from ...model.result import Attempt, RunResult, TestResult
from ...model.vocabulary import Outcome
from ..wording import reasons, reproduce
from ..wording.text import as_json
from .format import Format
from .summary import VERDICTS

_TEXT = 64_000
_OURS = "async-test-run/"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "async-test-run")
_STATUS = {
    Outcome.PASSED: "passed",
    Outcome.XPASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "failed",
    Outcome.TIMED_OUT: "failed",
    Outcome.CRASHED: "failed",
    Outcome.SKIPPED: "skipped",
    Outcome.XFAILED: "skipped",
    Outcome.NOT_RUN: "other",
}


def render(result: RunResult, exit_code: ExitCode) -> Iterator[bytes]:
    """The document in pieces, a test each."""
    counts = Counter(_STATUS[test.outcome] for test in result.tests())
    start = _ms(result.at)
    head = {
        "reportFormat": "CTRF",
        "specVersion": "1.0.0",
        "reportId": _uuid(result.run_id),
        **_timestamp(result.at + result.wall),
        "generatedBy": f"async-test-run {__version__}",
        "extra": {
            f"{_OURS}verdict": VERDICTS[ExitCode(exit_code)],
            f"{_OURS}exit_code": int(exit_code),
            f"{_OURS}run_id": result.run_id,
            f"{_OURS}finished": result.finished and not result.goes_on,
        },
    }
    summary = {
        "tests": counts.total(),
        **{status: counts[status] for status in ("passed", "failed", "skipped", "pending", "other")},
        "flaky": sum(test.flaky for test in result.tests()),
        "suites": len(result.phases),
        "start": start,
        "stop": start + _ms(result.wall),
        "duration": _ms(result.wall),
    }
    infrastructure = any(problem.kind != "failure" for problem in result.problems)
    tool = {"name": "pytest", **({"version": result.facts.version} if result.facts.version else {})}
    yield _bytes(head)[:-1] + b',"results":{"tool":' + _bytes(tool)
    yield b',"summary":' + _bytes(summary) + b',"tests":['
    separator = b"\n"
    for test in result.tests():
        yield separator + _bytes(_test(result, test))
        separator = b",\n"
    yield b'\n],"environment":' + _bytes({"healthy": not infrastructure}) + b"}}\n"


FORMAT = Format(
    key="ctrf",
    file="ctrf.json",
    title="the report in the Common Test Report Format (CTRF)",
    example="reports/ctrf.json",
    flag="",
    render=lambda result, code, _environ: render(result, code),
    always=False,
)


def _bytes(value: Any) -> bytes:
    return as_json(value).encode()


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _uuid(name: str) -> str:
    return str(uuid.uuid5(_SPACE, name.encode("utf-8", "backslashreplace").decode()))


def _timestamp(at: float) -> dict[str, str]:
    try:
        return {"timestamp": datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")}
    except (ValueError, OverflowError, OSError):
        return {}


def _test(result: RunResult, test: TestResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": _uuid(test.id),
        "name": test.id or "?",
        "status": _STATUS[test.outcome],
        "duration": _ms(test.duration),
        "suite": [test.phase],
        "rawStatus": test.outcome.value,
        "line": test.line,
        "filePath": test.file,
    }
    red = reasons.last_red(test)
    if test.attempts:
        last = test.attempts[-1]
        found |= {"start": _ms(last.at), "stop": _ms(last.at) + _ms(last.duration)}
        found |= {"threadId": "/".join(filter(None, (last.process, last.worker)))}
    if test.outcome.is_red and red is not None:
        found |= {"message": _cut(reasons.message(red)), "trace": _cut(reasons.text(red))}
    elif test.reason:
        found["message"] = _cut(test.reason)
    elif test.attempts and test.attempts[-1].details:
        found["message"] = _cut(test.attempts[-1].details[0].message)
    if len(test.attempts) > 1:
        found["retries"] = len(test.attempts) - 1
        found["retryAttempts"] = [_attempt(attempt) for attempt in test.attempts]
    if test.flaky and not test.outcome.is_red:
        found["flaky"] = True
    if test.attempts and test.attempts[-1].sections:
        sections = test.attempts[-1].sections
        for key, wanted in (("stdout", "stdout"), ("stderr", "stderr")):
            lines = [line for s in sections if wanted in s.name for line in _cut(s.content).splitlines()]
            if lines:
                found[key] = lines
    found["extra"] = _extra(result, test)
    return found


def _attempt(attempt: Attempt) -> dict[str, Any]:
    found: dict[str, Any] = {
        "attempt": attempt.number,
        "status": _STATUS[attempt.outcome],
        "duration": _ms(attempt.duration),
        "start": _ms(attempt.at),
        "stop": _ms(attempt.at) + _ms(attempt.duration),
    }
    if attempt.outcome.is_red:
        found |= {"message": _cut(reasons.message(attempt)), "trace": _cut(reasons.text(attempt))}
    return found


def _extra(result: RunResult, test: TestResult) -> dict[str, Any]:
    found: dict[str, Any] = {f"{_OURS}id": test.id, f"{_OURS}phase": test.phase}
    if test.outcome.is_red:
        found[f"{_OURS}reproduce"] = reproduce.line(result, test)
    if test.order_dependent:
        found[f"{_OURS}order_dependent"] = True
    if test.leaks:
        found[f"{_OURS}leaks"] = [[leak.kind, leak.what, leak.where] for leak in test.leaks]
    return found


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else f"{text[:_TEXT]}… {len(text) - _TEXT} characters are left out"
