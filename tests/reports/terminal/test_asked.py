"""What pytest's ``-r`` asks for at the end of a run."""

from __future__ import annotations

import pytest

from async_test_runner.model.inventory import PytestFacts
from async_test_runner.model.result import Detail, RunResult, Section
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import Collected
from async_test_runner.reports.terminal.asked import letters, sections
from tests.reports.event_script import EPOCH, MONO, planned


def result(report_chars: str) -> RunResult:
    """Six tests: two are skipped for one reason and one for another, and one each of the others."""
    script = planned(*(f"t.py::{name}" for name in ("s1", "s2", "s3", "x", "X", "p")))
    facts = PytestFacts(report_chars=report_chars)
    script.events.append(Collected(at=EPOCH, mono=MONO, tests=6, facts=facts))
    for name, outcome, reason in (
        ("s1", Outcome.SKIPPED, "no network"),
        ("s2", Outcome.SKIPPED, "::error no network"),
        ("s3", Outcome.SKIPPED, "no network"),
        ("x", Outcome.XFAILED, "known bug"),
        ("X", Outcome.XPASSED, ""),
    ):
        script.end("async", f"t.py::{name}", 3.0, outcome, details=(Detail("call", outcome, reason),))
    script.end("async", "t.py::p", 3.0, sections=(Section("Captured stdout call", "said"),))
    return script.result()


def shown(report_chars: str, limit: int | None = 100) -> dict[str, list[str]]:
    return {title: [line.plain for line in lines] for title, lines in sections(result(report_chars), limit=limit)}


@pytest.mark.parametrize(
    ("given", "counted"),
    [("fE", "fE"), ("a", "sxXEf"), ("A", "PpsxXEf"), ("saN", ""), ("aNs", "s"), ("S", "s"), ("", "")],
)
def test_letters_are_read_as_pytest_reads_them(given: str, counted: str) -> None:
    assert letters(given) == counted


def test_nothing_is_shown_that_nobody_asks_for() -> None:
    assert shown("fEw") == {}


def test_skipped_tests_are_shown_by_reason() -> None:
    assert shown("s") == {
        "skipped tests": [
            "  2 tests: no network",
            "    t.py::s1",
            "    t.py::s3",
            "  1 test: : :error no network",
            "    t.py::s2",
        ]
    }


def test_expected_failures_and_unexpected_passes_have_titles_of_their_own() -> None:
    found = shown("xX")
    assert found["expected failures"] == ["  1 test: known bug", "    t.py::x"]
    assert found["unexpected passes"] == ["  1 test: no reason", "    t.py::X"]


def test_passed_tests_are_shown_with_what_they_printed_where_that_is_asked_for() -> None:
    assert shown("p") == {"passed tests": ["  t.py::p"]}
    assert shown("P")["passed tests"][1:] == ["│ ─── Captured stdout call ───", "│ said"]


def test_no_more_reasons_are_shown_than_the_limit() -> None:
    assert shown("s", limit=1)["skipped tests"][-1] == "  … and 1 more; -v shows all"
