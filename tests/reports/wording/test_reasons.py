"""Why a test is red, and where its file lies for others."""

from __future__ import annotations

import msgspec
import pytest

from async_test_runner.model.inventory import PytestFacts
from async_test_runner.model.result import Attempt, Detail, RunResult, TestResult
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.reports.wording import reasons
from tests.reports.formats.html_sample import small

SETUP = Detail("setup", Outcome.FAILED, "in setup", "E  in setup")
LIMIT = Detail("runner", Outcome.TIMED_OUT, "0.5s")


def attempt(outcome: Outcome, *details: Detail) -> Attempt:
    return Attempt(number=1, outcome=outcome, details=details)


def test_the_last_red_attempt_has_the_reason() -> None:
    red, green = attempt(Outcome.FAILED, SETUP), attempt(Outcome.PASSED)
    test = TestResult(id="a", file="a", line=1, phase="p", attempts=(red, red, green))
    assert reasons.last_red(test) is red
    assert reasons.last_red(msgspec.structs.replace(test, attempts=(green,))) is None


def test_what_the_outcome_itself_says_goes_before_the_rest() -> None:
    assert reasons.message(attempt(Outcome.TIMED_OUT, SETUP, LIMIT)) == "0.5s"
    assert reasons.message(attempt(Outcome.ERROR, SETUP)) == "in setup"
    assert reasons.message(attempt(Outcome.CRASHED)) == "crashed"
    assert reasons.text(attempt(Outcome.TIMED_OUT, SETUP, LIMIT)) == "E  in setup\n\n0.5s"
    assert reasons.text(attempt(Outcome.CRASHED)) == "crashed"


@pytest.mark.parametrize(
    ("rootdir", "base", "expected"),
    [
        ("", "", "tests/a.py"),
        ("", "/w", "project/tests/a.py"),
        ("/w/project/sub", "/w", "project/sub/tests/a.py"),
        ("/other", "/w", ""),
        ("", "/w/project/tests/deeper", ""),
    ],
)
def test_a_file_is_named_from_the_checkout_or_not_at_all(rootdir: str, base: str, expected: str) -> None:
    result = RunResult(
        run_id="r", plan="p", plan_path="", root="/w/project", at=0, wall=0, facts=PytestFacts(rootdir=rootdir)
    )
    assert reasons.place(result, "tests/a.py", base) == expected


def test_the_end_of_a_run_is_told_where_it_is_none() -> None:
    assert reasons.end(small()) == ""
    assert reasons.end(small(finished=False, goes_on=True)) == ""
    assert "did not come to its end" in reasons.end(small(finished=False))
    assert reasons.end(small(finished=False, signal=2)) == "the run was interrupted by SIGINT"


def test_gaps_are_counted_by_their_reason() -> None:
    assert reasons.gaps(small()) == {"max_failures: 5 tests were red": 1}
