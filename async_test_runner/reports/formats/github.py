"""Annotations of GitHub Actions: one workflow command a line, the most useful first.

GitHub shows ten errors, ten warnings and ten notices of a step, in the order in which they are printed, and drops the
rest. So the errors begin with what crashed or timed out. One test of each group of equal failures follows, then the
others, and the tenth line says how many more there are. Tests that are flaky or depend on their order are warnings,
and so are leaks. A file stands in an annotation only if it lies in the workspace.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...model.errors import ExitCode
from ...model.result import RunResult, TestResult
from ...model.vocabulary import Outcome
from ...record import verdict
from ..wording import reasons, rechecks, reproduce
from ..wording.text import block, one_line, shortened
from ..wording.words import leak_line, plural
from .format import Format

LIMIT = 10  # of each level in a step
_TITLE = 200
_MESSAGE = 4000


class _Annotation(NamedTuple):
    title: str
    message: str
    file: str = ""
    line: int = 0


def render(result: RunResult, _code: ExitCode, *, workspace: str = "") -> Iterator[bytes]:
    """Lines for the log of a step. ``workspace`` is the directory of the checkout; without it, the plan's."""
    for level, found in (("error", _errors(result, workspace)), ("warning", _warnings(result, workspace))):
        kept = found if len(found) <= LIMIT else found[: LIMIT - 1]
        for annotation in kept:
            yield _line(level, annotation)
        if len(kept) < len(found):
            yield _line(level, _Annotation("", f"and {len(found) - len(kept)} more: see the report of the run"))


FORMAT = Format(
    key="github",
    file="github.txt",
    title="the annotations for GitHub Actions",
    example="reports/github.txt",
    flag="",
    render=lambda result, code, environ: render(result, code, workspace=environ.get("GITHUB_WORKSPACE", "")),
    always=False,
    service="GITHUB_ACTIONS",
)


def _line(level: str, annotation: _Annotation) -> bytes:
    values = [("file", annotation.file), ("line", str(annotation.line) if annotation.file and annotation.line else "")]
    values.append(("title", shortened(one_line(annotation.title), _TITLE)))
    properties = ",".join(f"{key}={_property(value)}" for key, value in values if value)
    head = f"::{level} {properties}::" if properties else f"::{level}::"
    return f"{head}{_data(shortened(block(annotation.message), _MESSAGE))}\n".encode()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _errors(result: RunResult, workspace: str) -> list[_Annotation]:
    red = [test for test in result.tests() if test.outcome.is_red]
    groups: set[tuple[Outcome, str]] = set()
    ranked: list[tuple[int, TestResult]] = []
    for test in red:
        group = test.outcome, _message(test)
        if test.outcome in (Outcome.CRASHED, Outcome.TIMED_OUT):
            ranked.append((0, test))
        else:
            ranked.append((2 if group in groups else 1, test))
        groups.add(group)
    problems = [
        _Annotation(f"{problem.kind} of the run", "\n".join(filter(None, (problem.message, problem.hint))))
        for problem in result.problems
    ]
    problems += [_Annotation("broken promise of the runner", text) for text in verdict.violations(result)]
    problems += [_Annotation("not complete", text) for text in filter(None, [reasons.end(result)])]
    problems += [_Annotation(f"not collected: {error.id}", error.text) for error in result.collect_errors]
    gaps = {} if result.goes_on else reasons.gaps(result)
    problems += [_Annotation(f"{plural(count, 'test')} not run", why) for why, count in gaps.items()]
    if not problems and verdict.exit_code(result) is ExitCode.NOTHING_SELECTED:
        problems.append(_Annotation("nothing selected", "no test was selected"))
    ranked.sort(key=lambda pair: pair[0])
    return [*problems, *(_of_test(result, test, _message(test), workspace) for _, test in ranked)]


def _warnings(result: RunResult, workspace: str) -> list[_Annotation]:
    found = []
    for test in result.tests():
        if not test.outcome.is_red:
            if test.flaky:
                found.append(_of_test(result, test, f"{rechecks.flaky(test)}\n{_message(test)}", workspace))
            elif test.order_dependent:
                found.append(_of_test(result, test, rechecks.said(test), workspace))
        found += [_of_test(result, test, f"left behind: {leak_line(leak)}", workspace) for leak in test.leaks]
    return found


def _message(test: TestResult) -> str:
    attempt = reasons.last_red(test)
    return reasons.message(attempt) if attempt is not None else test.outcome.label


def _of_test(result: RunResult, test: TestResult, message: str, workspace: str) -> _Annotation:
    file = reasons.place(result, test.file, workspace)
    text = f"{message}\n{reproduce.line(result, test)}"
    return _Annotation(f"{test.outcome.label}: {test.id}", text, file, test.line)
