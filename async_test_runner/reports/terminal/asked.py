"""What pytest's ``-r`` asks for, at the end of a run: why tests were skipped or may fail, and which ones passed.

Tests that failed are listed in any case, so ``f`` and ``E`` say nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ...model.result import RunResult, TestResult
from ...model.vocabulary import Outcome
from ..wording.text import item
from ..wording.words import plural
from .entries import failure, message

_ALL = {"a": "sxXEf", "A": "PpsxXEf", "N": ""}  # letters that stand for others, and take back those before them
_OLD = {"S": "s", "F": "f"}
_EXAMPLES = 3


def letters(report_chars: str) -> str:
    """The letters that count, as pytest reads its option."""
    found = ""
    for letter in report_chars:
        known = _OLD.get(letter, letter)
        found = _ALL[known] if known in _ALL else found + known
    return found


def sections(
    result: RunResult, report_chars: str | None = None, *, limit: int | None
) -> Iterator[tuple[str, list[Text]]]:
    """Title and lines of each; with a ``limit`` no more tests or reasons than so many.

    ``report_chars`` stand in the place of those of pytest's configuration.
    """
    wanted = letters(result.facts.report_chars if report_chars is None else report_chars)
    tests = list(result.tests()) if set(wanted) & set("sxXpP") else []
    for letter, title, outcome in (
        ("s", "skipped tests", Outcome.SKIPPED),
        ("x", "expected failures", Outcome.XFAILED),
        ("X", "unexpected passes", Outcome.XPASSED),
    ):
        if letter in wanted:
            yield title, list(_by_reason([test for test in tests if test.outcome is outcome], limit))
    passed = [test for test in tests if test.outcome is Outcome.PASSED]
    if "P" in wanted or "p" in wanted:
        yield "passed tests", list(_passed(passed, limit, with_output="P" in wanted))


def _by_reason(tests: list[TestResult], limit: int | None) -> Iterator[Text]:
    groups: dict[str, list[TestResult]] = {}
    for test in tests:
        groups.setdefault(message(test.attempts[-1].details) or "no reason", []).append(test)
    for reason, group in list(groups.items())[:limit]:
        yield Text.assemble("  ", (plural(len(group), "test"), "yellow"), f": {item(reason)}")
        kept = group if limit is None else group[:_EXAMPLES]
        yield from (Text(f"    {item(test.id)}", "dim") for test in kept)
        yield from _more(len(group) - len(kept), "    ")
    yield from _more(len(groups) - len(list(groups)[:limit]), "  ")


def _passed(tests: list[TestResult], limit: int | None, *, with_output: bool) -> Iterator[Text]:
    for test in tests[:limit]:
        yield Text(f"  {item(test.id)}")
        if with_output:
            yield from failure(test.attempts[-1], cut=limit is not None)
    yield from _more(len(tests) - len(tests[:limit]), "  ")


def _more(hidden: int, indent: str) -> Iterator[Text]:
    if hidden > 0:
        yield Text(f"{indent}… and {hidden} more; -v shows all", "dim")
