"""The run as Markdown, for the summary of a step on GitHub, a comment or a wiki.

GitHub takes 1 024 000 bytes and refuses all of a summary that is larger. So the text stays below `BUDGET`, and says
what it leaves out. Whatever a test is called or says stands in a code span or a fenced block, whose marks are longer
than any inside. There, Markdown knows no markup, mentions or links.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from ...model.errors import ExitCode
from ...model.result import RunResult, TestResult
from ..wording import reasons, rechecks, reproduce, words
from ..wording.text import one_line, shortened, visible
from .format import Format
from .summary import verdict_said

BUDGET = 1_000_000  # bytes: the file may hold something already
_WHOLE = 50  # failures with their text
_TEXT = 4000
_NAME = 1000
_ROWS = 100
_TICKS = re.compile("`+")


def render(result: RunResult, exit_code: ExitCode, *, budget: int = BUDGET) -> Iterator[bytes]:
    """The document in pieces; no piece is cut, and the last one says what had no room."""
    left, omitted = budget - 200, 0
    for piece in _pieces(result, exit_code):
        data = piece.encode()
        if len(data) > left:
            omitted += 1
            continue
        left -= len(data)
        yield data
    if omitted:
        entries = words.plural(omitted, "entry", "entries")
        yield f"\n{entries} had no room here: the report of the run has them.\n".encode()


FORMAT = Format(
    key="markdown",
    file="report.md",
    title="the report as Markdown",
    example="reports/summary.md",
    flag="",
    render=lambda result, code, _environ: render(result, code),
    always=False,
)


def code(text: str) -> str:
    """A code span with exactly this text, in one line."""
    text = shortened(one_line(text), _NAME)
    marks = "`" * (max(map(len, _TICKS.findall(text)), default=0) + 1)
    if not text.strip():
        return "(nothing)"
    # one space of each side is taken away again, where both are there and the text is more than spaces
    space = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{marks}{space}{text}{space}{marks}"


def fenced(text: str) -> str:
    """A block with this text; the middle of a long one is left out."""
    text = visible(text.strip("\n"))
    if len(text) > _TEXT:
        text = f"{text[: _TEXT // 2]}\n… {len(text) - _TEXT // 2 * 2} characters are left out …\n{text[-_TEXT // 2 :]}"
    marks = "`" * max(3, max(map(len, _TICKS.findall(text)), default=0) + 1)
    return f"{marks}text\n{text}\n{marks}\n"


def _pieces(result: RunResult, exit_code: ExitCode) -> Iterator[str]:
    tests = list(result.tests())
    yield f"## Tests {verdict_said(result, exit_code)}: {code(result.plan)}\n\n"
    yield f"{words.tally(result.counts)} in {words.seconds(result.wall)}; "
    yield f"{len(tests)} planned = {len(tests)} reported\n\n"
    end = reasons.end(result)
    if end:
        yield f"**{end[0].upper()}{end[1:]}.**\n\n"
    for problem in result.problems[:_ROWS]:
        yield f"**{problem.kind}**\n\n{fenced(problem.message)}\n"
    for error in result.collect_errors[:_ROWS]:
        yield f"**Not collected:** {code(error.id)}\n\n{fenced(error.text)}\n"
    red = [test for test in tests if test.outcome.is_red]
    if red:
        yield f"### {words.plural(len(red), 'failure')}\n\n"
    for test in red[:_WHOLE]:
        yield _failure(result, test)
    if len(red) > _WHOLE:
        yield f"### {len(red) - _WHOLE} more failures\n\n"
        for test in red[_WHOLE:]:
            yield f"- {test.outcome.label}: {code(test.id)}\n"
        yield "\n"
    yield from _not_run(tests)
    yield from _list("Flaky", [f"{code(test.id)}: {rechecks.flaky(test)}" for test in tests if test.flaky])
    yield from _list("Order-dependent", [code(test.id) for test in tests if test.order_dependent])
    yield from _list(
        "Left behind", [f"{code(test.id)}: {code(words.leak_line(k))}" for test in tests for k in test.leaks]
    )


def _failure(result: RunResult, test: TestResult) -> str:
    attempt = reasons.last_red(test)
    text = reasons.text(attempt) if attempt is not None else test.outcome.label
    return f"#### {test.outcome.label}: {code(test.id)}\n\n{fenced(text)}\n{fenced(reproduce.line(result, test))}\n"


def _not_run(tests: Iterable[TestResult]) -> Iterator[str]:
    gaps = sorted(test.reason for test in tests if not test.attempts)
    yield from _list(
        "Not run", [f"{words.plural(len(list(same)), 'test')}: {code(why)}" for why, same in groupby(gaps)]
    )


def _list(title: str, entries: list[str]) -> Iterator[str]:
    if not entries:
        return
    yield f"### {title}: {len(entries)}\n\n"
    for entry in entries[:_ROWS]:
        yield f"- {entry}\n"
    yield f"- and {len(entries) - _ROWS} more\n\n" if len(entries) > _ROWS else "\n"
