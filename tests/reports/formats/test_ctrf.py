"""CTRF: only keys that version 1.0.0 has, each with its type, and numbers that agree."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.result import Problem, RunResult
from async_test_runner.record.fold import fold
from async_test_runner.reports.formats.ctrf import render
from tests.reports.test_hostile import HOSTILE, history

from .html_sample import AT, small

STATUS = {"passed", "failed", "skipped", "pending", "other"}
TEXT, NUMBER, LIST, MAP, FLAG = str, int, list, dict, bool
# The keys that we may write, with their types; a reader refuses every other one.
REPORT = {
    "reportFormat": TEXT,
    "specVersion": TEXT,
    "reportId": TEXT,
    "timestamp": TEXT,
    "generatedBy": TEXT,
    "extra": MAP,
    "results": MAP,
}
RESULTS = {"tool": MAP, "summary": MAP, "tests": LIST, "environment": MAP}
SUMMARY = dict.fromkeys(
    ("tests", "passed", "failed", "skipped", "pending", "other", "flaky", "suites", "start", "stop", "duration"), NUMBER
)
ATTEMPT = {
    "attempt": NUMBER,
    "status": TEXT,
    "duration": NUMBER,
    "start": NUMBER,
    "stop": NUMBER,
    "message": TEXT,
    "trace": TEXT,
}
TEST = {
    "id": TEXT,
    "name": TEXT,
    "status": TEXT,
    "duration": NUMBER,
    "start": NUMBER,
    "stop": NUMBER,
    "suite": LIST,
    "message": TEXT,
    "trace": TEXT,
    "line": NUMBER,
    "rawStatus": TEXT,
    "filePath": TEXT,
    "retries": NUMBER,
    "retryAttempts": LIST,
    "flaky": FLAG,
    "stdout": LIST,
    "stderr": LIST,
    "threadId": TEXT,
    "extra": MAP,
}


def document(result: RunResult) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(b"".join(render(result, ExitCode.FAILED)))
    return found


def assert_typed(value: dict[str, Any], keys: dict[str, type], *required: str) -> None:
    assert set(value) <= set(keys)
    assert set(required) <= set(value)
    for key, item in value.items():
        assert type(item) is keys[key], key


def assert_valid(found: dict[str, Any]) -> None:
    assert_typed(found, REPORT, "reportFormat", "specVersion", "results")
    assert (found["reportFormat"], found["specVersion"]) == ("CTRF", "1.0.0")
    results = found["results"]
    assert_typed(results, RESULTS, "tool", "summary", "tests")
    assert results["tool"]["name"]
    assert_typed(results["summary"], SUMMARY, *SUMMARY)
    counts = Counter(test["status"] for test in results["tests"])
    assert {status: results["summary"][status] for status in STATUS} == {status: counts[status] for status in STATUS}
    assert results["summary"]["tests"] == len(results["tests"])
    for test in results["tests"]:
        assert_typed(test, TEST, "name", "status", "duration")
        assert test["name"]
        assert test["status"] in STATUS
        assert uuid.UUID(test["id"])
        assert all(key.startswith("async-test-run/") for key in test["extra"])
        for attempt in test.get("retryAttempts", ()):
            assert_typed(attempt, ATTEMPT, "attempt", "status")
            assert attempt["attempt"] >= 1
    assert uuid.UUID(found["reportId"])


def test_a_run_has_all_its_tests_with_their_status() -> None:
    found = document(small())
    assert_valid(found)
    tests = found["results"]["tests"]
    assert [(test["rawStatus"], test["status"]) for test in tests] == [
        ("passed", "passed"),
        ("failed", "failed"),
        ("failed", "failed"),
        ("timed_out", "failed"),
        ("passed", "passed"),
        ("crashed", "failed"),
        ("failed", "failed"),
        ("skipped", "skipped"),
        ("xfailed", "skipped"),
        ("not_run", "other"),
    ]
    retried = tests[4]
    assert (retried["retries"], retried["flaky"]) == (1, True)
    assert [attempt["status"] for attempt in retried["retryAttempts"]] == ["failed", "passed"]
    assert tests[1]["stdout"] == ["hello"]
    assert tests[1]["trace"].endswith("tests/test_cart.py:14: AssertionError")
    assert tests[9]["message"] == "max_failures: 5 tests were red"
    assert "start" not in tests[9]
    assert tests[7]["message"] == "no redis"
    assert found["results"]["summary"]["start"] == AT * 1000
    assert found["results"]["summary"]["duration"] == 3900


def test_a_run_is_not_healthy_where_something_else_than_tests_went_wrong() -> None:
    assert document(small())["results"]["environment"] == {"healthy": True}
    broken = small(problems=(Problem("infrastructure", "the disk is full"),))
    assert document(broken)["results"]["environment"] == {"healthy": False}


def test_ids_are_the_same_in_every_run() -> None:
    first, second = document(small()), document(small(run_id="another", at=1.0))
    assert [test["id"] for test in first["results"]["tests"]] == [test["id"] for test in second["results"]["tests"]]
    assert first["reportId"] != second["reportId"]
    assert document(small(at=1e300))["results"]["summary"]["tests"] == 10


@settings(max_examples=40)
@given(st.lists(HOSTILE, min_size=1, max_size=6), st.booleans())
def test_it_is_valid_whatever_tests_say(texts: list[str], resumed: bool) -> None:
    assert_valid(document(fold(history(texts, resumed=resumed))))
