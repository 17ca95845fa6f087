"""GitLab's code quality report: what its documentation demands, and fingerprints that stay when a test moves."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.result import RunResult
from async_test_runner.record.fold import fold
from async_test_runner.reports.formats.gitlab import render
from tests.reports.test_hostile import HOSTILE, history

from .html_sample import small


def findings(result: RunResult, project: str = "/p") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(b"".join(render(result, ExitCode.FAILED, project=project)))
    return found


def assert_valid(found: list[dict[str, Any]]) -> None:
    for finding in found:
        assert set(finding) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert finding["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert finding["location"]["lines"]["begin"] >= 1
        assert not finding["location"]["path"].startswith(("/", "./", ".."))
    assert len({finding["fingerprint"] for finding in found}) == len(found)


def test_flaky_leaking_and_order_dependent_tests_are_findings_and_failures_are_not() -> None:
    found = findings(small())
    assert_valid(found)
    assert [(finding["check_name"], finding["location"]["path"]) for finding in found] == [
        ("async-test-run.flaky", "tests/test_jobs.py"),
        ("async-test-run.leak.tasks", "tests/test_jobs.py"),
        ("async-test-run.order_dependent", "tests/test_cart.py"),
    ]
    assert "task flush still pending" in found[1]["description"]


def test_a_fingerprint_does_not_know_the_line() -> None:
    tests = tuple(msgspec.structs.replace(test, line=99) for test in small().tests())
    moved = small(phases=(msgspec.structs.replace(small().phases[0], tests=tests),))
    assert [f["fingerprint"] for f in findings(moved)] == [f["fingerprint"] for f in findings(small())]
    assert findings(moved)[0]["location"]["lines"]["begin"] == 99


def test_paths_begin_at_the_project_and_what_lies_elsewhere_is_left_out() -> None:
    assert findings(small(root="/w/sub"), "/w")[0]["location"]["path"] == "sub/tests/test_jobs.py"
    assert findings(small(), "/elsewhere") == []


@settings(max_examples=40)
@given(st.lists(HOSTILE, min_size=1, max_size=6))
def test_it_is_valid_whatever_tests_say(texts: list[str]) -> None:
    assert_valid(findings(fold(history(texts, resumed=False))))
