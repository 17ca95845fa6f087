"""What a testcase says of its outcome in a way that no other reader understands."""

from __future__ import annotations

import pytest

from async_test_runner.reports.junit_files.verdicts import unread


@pytest.mark.parametrize(
    ("attrs", "left_out", "verdict"),
    [
        ({}, "", ("", "")),
        ({"status": "run", "result": "completed"}, "", ("", "")),
        ({"status": "passed"}, "", ("", "")),
        ({"status": "200"}, "", ("", "")),
        ({"status": ""}, "", ("", "")),
        ({"status": "notrun", "result": "suppressed"}, "", ("skipped", "status: notrun")),
        ({"status": "run", "result": "skipped"}, "", ("skipped", "result: skipped")),
        ({"status": "NOT_RUN"}, "", ("skipped", "status: NOT_RUN")),
        ({"outcome": "Timed out"}, "", ("failure", "outcome: Timed out")),
        ({"status": "notrun", "result": "failed"}, "", ("failure", "result: failed")),
        ({"executed": "FALSE"}, "", ("skipped", "executed: false")),
        ({"executed": "True"}, "", ("", "")),
        ({"status": "run"}, "disabled", ("skipped", "disabled")),
    ],
)
def test_words_of_producers(attrs: dict[str, str], left_out: str, verdict: tuple[str, str]) -> None:
    assert unread(attrs, (), left_out) == verdict


@pytest.mark.parametrize("element", ["failure", "error", "skipped"])
def test_an_element_is_the_verdict_whatever_else_is_said(element: str) -> None:
    assert unread({"status": "failed", "executed": "false"}, {element}, "disabled") == ("", "")
