"""summary.json: a run as one JSON document."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.inventory import CollectError, LeftOut, PytestFacts
from async_test_runner.model.result import (
    Attempt,
    CommandResult,
    Detail,
    Leak,
    PhaseResult,
    Problem,
    Recheck,
    Retirement,
    RunResult,
    TestResult,
)
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.reports.formats import summary


def attempt(outcome: Outcome, message: str = "", number: int = 1) -> Attempt:
    details = (Detail("call", outcome, message, "text"),) if message else ()
    return Attempt(number=number, outcome=outcome, details=details)


def case(id: str, *attempts: Attempt, reason: str = "") -> TestResult:
    return TestResult(id=id, file="t.py", line=7, phase="sync", attempts=attempts, reason=reason)


def run(*tests: TestResult, **more: object) -> RunResult:
    command = CommandResult(phase="sync", stage="setup", command="make db", status=0, duration=0.1, output="noise")
    phase = PhaseResult(
        name="sync",
        isolation=Isolation.FILE,
        workers=2,
        tests=tests,
        wall=1.23456789,
        finished=True,
        commands=(command,),
    )
    values: dict[str, Any] = {"run_id": "r1", "plan": "app", "plan_path": "/p/runner.yaml", "root": "/p", "at": 1e9}
    return RunResult(**{**values, "wall": 2.5, "phases": (phase,), "finished": True, **more})


def document(result: RunResult, exit_code: int = 0, cwd: Path | None = None) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(summary.render(result, exit_code, cwd=cwd))
    return loaded


def test_every_documented_key_is_there_and_no_other() -> None:
    entries = re.findall(r"^    (\w+(?:, \w+)*)  ", summary.__doc__ or "", re.MULTILINE)
    keys = [key for entry in entries for key in entry.split(", ")]
    assert list(document(run())) == keys


def test_the_frame_says_what_ran_and_how_it_ended() -> None:
    facts = PytestFacts(version="9.2.0", python="3.13.1")
    found = document(run(case("t.py::a", attempt(Outcome.PASSED)), facts=facts), 0)
    assert (found["version"], found["run_id"], found["verdict"], found["exit_code"]) == (1, "r1", "passed", 0)
    assert found["plan"] == {"name": "app", "path": "/p/runner.yaml"}
    assert (found["started"], found["wall"]) == ("2001-09-09T01:46:40.000+00:00", 2.5)
    assert (found["pytest"], found["python"]) == ("9.2.0", "3.13.1")


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_has_a_verdict(code: ExitCode) -> None:
    assert document(run(), code)["verdict"]


@pytest.mark.parametrize(
    ("code", "goes_on", "said"),
    [
        (ExitCode.PASSED, False, "passed"),
        (ExitCode.NOTHING_SELECTED, False, "nothing selected"),
        (ExitCode.PASSED, True, "goes on"),
    ],
)
def test_people_read_the_verdict_in_words(code: ExitCode, goes_on: bool, said: str) -> None:
    assert summary.verdict_said(run(goes_on=goes_on), code) == said


def test_the_verdict_is_that_of_the_exit_code() -> None:
    words = {0: "passed", 1: "failed", 3: "internal", 4: "infrastructure", 5: "nothing_selected", 130: "interrupted"}
    assert {code: document(run(), code)["verdict"] for code in words} == words


def test_every_outcome_is_counted_even_when_there_is_none() -> None:
    counts = document(run(case("a", attempt(Outcome.FAILED)), case("b", attempt(Outcome.PASSED)), case("c")))["counts"]
    assert counts == {
        "tests": 3,
        **{outcome.value: 0 for outcome in Outcome},
        "failed": 1,
        "passed": 1,
        "not_run": 1,
        "flaky": 0,
        "order_dependent": 0,
    }


def test_what_ran_before_tests_that_depend_on_the_order_stands_once() -> None:
    ids = ("t.py::a", "t.py::b", "t.py::c")
    rechecks = [
        Recheck(outcome=Outcome.PASSED, position=1, history=ids),
        Recheck(outcome=Outcome.PASSED, position=2, history=ids),
        Recheck(outcome=Outcome.FAILED, position=2, history=ids),
    ]
    tests = [
        msgspec.structs.replace(case(id, attempt(Outcome.FAILED, "no")), recheck=recheck)
        for id, recheck in zip(("t.py::b", "t.py::c", "t.py::d"), rechecks, strict=True)
    ]
    found = document(run(*tests), 1)
    assert [(entry["id"], entry["sequence"], entry["position"]) for entry in found["order_dependent"]] == [
        ("t.py::b", 0, 1),
        ("t.py::c", 0, 2),
    ]
    assert found["sequences"] == [list(ids)]
    assert found["counts"]["order_dependent"] == 2


def test_a_flaky_test_that_fails_is_in_both_lists() -> None:
    flaky = case("t.py::a", attempt(Outcome.FAILED, "no"), attempt(Outcome.PASSED, number=2))
    found = document(run(msgspec.structs.replace(flaky, fails=True)), 1)
    assert [entry["outcome"] for entry in (*found["failures"], *found["flaky"])] == ["failed", "failed"]
    assert (found["counts"]["failed"], found["counts"]["flaky"]) == (1, 1)


def test_a_phase_has_its_policy_its_counts_and_its_commands_without_their_output() -> None:
    found = document(run(case("a", attempt(Outcome.PASSED))))["phases"]
    assert found[0]["counts"]["passed"] == 1
    assert {key: found[0][key] for key in ("name", "isolation", "workers", "wall")} == {
        "name": "sync",
        "isolation": "file",
        "workers": 2,
        "wall": 1.234568,
    }
    assert found[0]["commands"] == [
        {"stage": "setup", "command": "make db", "status": 0, "duration": 0.1, "problem": ""}
    ]


def test_a_clean_phase_has_its_processes_and_the_tests_that_ended_one() -> None:
    result = run(case("a", attempt(Outcome.PASSED)))
    assert (document(result)["phases"][0]["processes"], document(result)["phases"][0]["retired"]) == (0, [])
    ended = (Retirement("sync/0001", "gw0", "a", "call failed"),)
    clean = msgspec.structs.replace(result.phases[0], isolation=Isolation.CLEAN, shared=2, retirements=ended)
    [found] = document(msgspec.structs.replace(result, phases=(clean,)))["phases"]
    assert (found["processes"], found["retired"]) == (2, [{"id": "a", "why": "call failed"}])


def test_failures_come_with_their_place_and_the_command_that_runs_them_again() -> None:
    failing = case("t.py::a[x y]", attempt(Outcome.FAILED, "first"), attempt(Outcome.CRASHED, "killed", 2))
    assert document(run(failing, case("b", attempt(Outcome.PASSED))), 1)["failures"] == [
        {
            "id": "t.py::a[x y]",
            "phase": "sync",
            "outcome": "crashed",
            "file": "t.py",
            "line": 7,
            "message": "killed",
            "attempts": 2,
            "reproduce": "async-test-run run -c /p/runner.yaml --test 't.py::a[x y]'",
        }
    ]


def test_a_flaky_test_says_why_it_was_red() -> None:
    found = document(run(case("a", attempt(Outcome.FAILED, "lost"), attempt(Outcome.PASSED, number=2))))
    assert found["failures"] == []
    assert [(test["id"], test["outcome"], test["message"]) for test in found["flaky"]] == [("a", "passed", "lost")]
    assert found["counts"]["flaky"] == 1


def test_a_red_test_without_a_detail_says_its_outcome() -> None:
    assert document(run(case("a", attempt(Outcome.TIMED_OUT))))["failures"][0]["message"] == "timed out"


def test_tests_that_were_not_run_are_grouped_by_reason() -> None:
    tests = [case("a", reason="stopped"), case("b", reason="setup failed"), case("c", reason="stopped")]
    assert document(run(*tests))["not_run"] == [
        {"phase": "sync", "reason": "stopped", "ids": ["a", "c"]},
        {"phase": "sync", "reason": "setup failed", "ids": ["b"]},
    ]


def test_what_is_nobodys_test_is_there() -> None:
    found = document(
        run(
            left_out=(LeftOut("markers", 3, "tests", ("x",)),),
            collect_errors=(CollectError("bad.py", "SyntaxError"),),
            collect_skips=(CollectError("skip.py", "no numpy"),),
            problems=(Problem("infrastructure", "no disk", "free some", "sync"),),
            warnings=("slow",),
            unplanned=("ghost",),
            signal=2,
        ),
        130,
    )
    assert found["left_out"] == [{"reason": "markers", "what": "tests", "count": 3, "examples": ["x"]}]
    assert found["collect_errors"] == [{"id": "bad.py", "text": "SyntaxError"}]
    assert found["collect_skips"] == [{"id": "skip.py", "text": "no numpy"}]
    assert found["problems"] == [{"kind": "infrastructure", "message": "no disk", "hint": "free some", "phase": "sync"}]
    assert (found["warnings"], found["signal"]) == (["slow"], "SIGINT")
    assert found["violations"] == ["reported without being planned: ghost"]


def test_values_that_json_or_a_terminal_cannot_take_are_escaped() -> None:
    hostile = "\x1b\x9b\u202e\udc80\n"
    data = summary.render(run(case(hostile, attempt(Outcome.FAILED, hostile))), 1)
    assert not set("\x1b\x9b\u202e") & set(data.decode())
    assert json.loads(data)["failures"][0]["message"] == "\x1b\x9b\u202e\\udc80\n"


def test_a_huge_message_is_cut() -> None:
    found = document(run(case("a", attempt(Outcome.FAILED, "x" * 100_000))))
    assert found["failures"][0]["message"] == "x" * 3999 + "…"


def test_an_unknown_start_is_null() -> None:
    assert document(run(at=0.0))["started"] is None
    assert document(run(at=1e300))["started"] is None


def test_the_same_run_gives_the_same_bytes() -> None:
    assert summary.render(run(case("a")), 1) == summary.render(run(case("a")), 1)


def test_what_tests_left_is_listed() -> None:
    left = Attempt(number=1, outcome=Outcome.PASSED, leaks=(Leak("tasks", "task x", "a.py:1 in f"),))
    shown = document(run(case("a", left), case("b", attempt(Outcome.PASSED))))
    assert shown["leaks"] == [
        {"id": "a", "phase": "sync", "kind": "tasks", "what": "task x", "where": "a.py:1 in f"},
    ]
