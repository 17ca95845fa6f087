"""The timeline as a Chrome trace, read as the format is documented."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.result import RunResult, TestResult
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.fold import fold
from async_test_runner.reports.formats.trace import render
from tests.reports.test_hostile import HOSTILE, history

from .html_sample import attempt, large, small

_KEYS = {
    "X": {"ph", "pid", "tid", "ts", "dur", "name", "cat", "cname", "args"},
    "i": {"ph", "pid", "tid", "ts", "name", "cat", "s"},
    "M": {"ph", "pid", "tid", "name", "args"},
}


def document(result: RunResult) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(b"".join(render(result, ExitCode.FAILED)))
    return loaded


def events(result: RunResult, kind: str = "") -> list[dict[str, Any]]:
    return [event for event in document(result)["traceEvents"] if kind in ("", event.get("cat"), event["ph"])]


def assert_readable(result: RunResult) -> None:
    """Each event has the keys of its kind, each row has its name before them, and each attempt is there."""
    found = events(result)
    names: set[tuple[int, int]] = set()
    for event in found:
        assert set(event) == _KEYS[event["ph"]]
        assert isinstance(event["name"], str)
        if event["ph"] == "M":
            names |= {(event["pid"], event["tid"])} if event["name"] == "thread_name" else set()
        else:
            assert event["ts"] >= 0
            assert (event["pid"], event["tid"]) in names, "a row has its name first"
            assert event.get("dur", 0) >= 0
    facts = document(result)["otherData"]
    assert facts["planned"] == len(list(result.tests()))
    shown = sum(event.get("args", {}).get("id") is not None for event in found if event["ph"] == "X")
    assert shown == facts["attempts"]


def test_a_run_is_readable_and_complete() -> None:
    assert_readable(small())
    assert document(small())["otherData"] == {
        "run": "20260921T100000-1",
        "plan": "shop",
        "verdict": "failed",
        "finished": True,
        "planned": 10,
        "not_run": {"max_failures: 5 tests were red": 1},
        "attempts": 10,
        "attempts_without_time": 0,
    }


def test_a_phase_has_a_row_for_its_commands_and_two_for_each_slot() -> None:
    names = [event["args"]["name"] for event in events(small(), "M") if event["name"].endswith("_name")]
    assert names == [
        "phase async",
        "commands",
        "slot 0: processes",
        "slot 0: tests",
        "slot 1: processes",
        "slot 1: tests",
    ]


def test_an_attempt_has_its_time_its_outcome_and_why() -> None:
    (event,) = events(small(), "timed_out")
    assert (event["name"], event["ts"], event["dur"], event["cname"]) == (
        "test_drain",
        1_000_000,
        2_000_000,
        "terrible",
    )
    assert event["args"] == {
        "id": "tests/test_jobs.py::test_drain",
        "outcome": "timed_out",
        "attempt": "1 of 1",
        "seconds": 2.0,
        "process": "async/0002",
        "worker": "gw1",
        "file": "tests/test_jobs.py:12",
        "message": "0.5s",
    }
    retried = [e["args"]["attempt"] for e in events(small(), "X") if e["name"] == "test_retry"]
    assert retried == ["1 of 2", "2 of 2"]
    (leaking,) = [e for e in events(small(), "X") if "leaks" in e["args"]]
    assert leaking["args"]["leaks"][0].startswith("tasks: task flush still pending")


def test_commands_and_processes_are_there_and_a_death_is_marked() -> None:
    (command,) = events(small(), "setup")
    assert (command["name"], command["tid"], command["ts"], command["dur"]) == (
        "alembic upgrade head",
        0,
        100_000,
        500_000,
    )
    assert [event["name"] for event in events(small(), "process")] == ["async/0001", "async/0002"]
    deaths = events(small(), "death")
    assert any("SIGSEGV" in death["name"] for death in deaths)


def test_a_process_with_workers_is_on_the_row_of_each() -> None:
    result = small()
    first = msgspec.structs.replace(result.phases[0].processes[0], workers=2, finished=True)
    phase = msgspec.structs.replace(result.phases[0], processes=(first,))
    result = msgspec.structs.replace(result, phases=(phase,))
    assert [event["tid"] for event in events(result, "process")] == [1, 3]
    assert events(result, "death") == []


def test_what_has_no_time_is_counted() -> None:
    result = small()
    tests = tuple(
        msgspec.structs.replace(t, attempts=tuple(msgspec.structs.replace(a, at=0.0) for a in t.attempts))
        for t in result.phases[0].tests
    )
    result = msgspec.structs.replace(result, phases=(msgspec.structs.replace(result.phases[0], tests=tests),))
    assert document(result)["otherData"]["attempts_without_time"] == 10
    assert_readable(result)


def rows(result: RunResult) -> list[list[tuple[int, int]]]:
    """Beginning and end of the attempts of each row, in the order of the document."""
    found: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in events(result, "X"):
        if "outcome" in event["args"]:
            found[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    return list(found.values())


def test_tests_of_a_slot_follow_each_other() -> None:
    found = rows(large(2000))
    assert len(found) == 16
    assert all(one[1] <= other[0] for spans in found for one, other in pairwise(spans))


def test_a_death_that_was_noticed_late_ends_where_the_next_test_begins() -> None:
    result = small()
    tests = tuple(
        TestResult(id=id, file="a.py", line=1, phase="async", attempts=(attempt(outcome, at, took),))
        for id, outcome, at, took in [
            ("next", Outcome.PASSED, 2.0, 1.0),
            ("dies", Outcome.CRASHED, 1.0, 1.5),
            ("same", Outcome.PASSED, 2.0, 3.0),
        ]
    )
    result = msgspec.structs.replace(result, phases=(msgspec.structs.replace(result.phases[0], tests=tests),))
    second = 1_000_000
    assert rows(result) == [[(second, 2 * second), (2 * second, 2 * second), (2 * second, 5 * second)]]
    (dead,) = events(result, "crashed")
    assert dead["args"]["seconds"] == 1.5


@settings(max_examples=60)
@given(st.lists(HOSTILE, min_size=1, max_size=6), st.booleans())
def test_whatever_tests_are_called_it_is_readable(texts: list[str], resumed: bool) -> None:
    assert_readable(fold(history(texts, resumed=resumed)))


@pytest.mark.thorough
def test_a_hundred_thousand_tests_are_written_piece_by_piece() -> None:
    assert max(len(piece) for piece in render(large(100_000), ExitCode.PASSED)) < 2000
