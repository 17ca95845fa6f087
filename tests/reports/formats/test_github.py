"""Annotations of GitHub Actions: read back by the documented grammar, the best first, ten a level."""

from __future__ import annotations

import re

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.result import Detail, RunResult, TestResult
from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.fold import fold
from async_test_runner.reports.formats.github import LIMIT, render
from async_test_runner.reports.wording.text import block, one_line
from tests.reports.test_hostile import HOSTILE, history

from .html_sample import attempt, small

Command = tuple[str, dict[str, str], str]
_COMMAND = re.compile(r"::(\w+)(?: ([^:]*))?::(.*)")


def parsed(line: str) -> Command:
    """A workflow command as GitHub's runner reads one: level, properties, message."""
    found = _COMMAND.fullmatch(line)
    assert found is not None, line
    pairs = [pair.partition("=") for pair in (found[2] or "").split(",") if pair]
    return found[1], {key: unescaped(value, properties=True) for key, _, value in pairs}, unescaped(found[3])


def unescaped(text: str, *, properties: bool = False) -> str:
    for code, char in [
        ("%0D", "\r"),
        ("%0A", "\n"),
        *([("%3A", ":"), ("%2C", ",")] if properties else []),
        ("%25", "%"),
    ]:
        text = text.replace(code, char)
    return text


def commands(result: RunResult, workspace: str = "/p") -> list[Command]:
    text = b"".join(render(result, ExitCode.FAILED, workspace=workspace)).decode()
    return [parsed(line) for line in text.splitlines()]


def of(tests: list[tuple[str, Outcome, str]], **facts: object) -> RunResult:
    made = tuple(
        TestResult(
            id=f"a.py::{name}",
            file="a.py",
            line=7,
            phase="async",
            attempts=(attempt(outcome, 1.0, 0.1, details=(Detail("call", outcome, message),)),),
        )
        for name, outcome, message in tests
    )
    phase = msgspec.structs.replace(small().phases[0], tests=made)
    return msgspec.structs.replace(small(), **{"phases": (phase,), "problems": (), **facts})


def test_an_error_has_its_place_its_reason_and_the_line_that_runs_it_again() -> None:
    (found,) = commands(of([("t", Outcome.FAILED, "assert 1 == 2")]))
    assert found == (
        "error",
        {"file": "a.py", "line": "7", "title": "failed: a.py::t"},
        "assert 1 == 2\nasync-test-run run -c /p/runner.yaml --test a.py::t",
    )


def test_deaths_and_hangs_come_first_then_one_of_each_group_of_equal_failures() -> None:
    found = commands(
        of(
            [
                ("a", Outcome.FAILED, "same"),
                ("b", Outcome.FAILED, "same"),
                ("c", Outcome.FAILED, "other"),
                ("d", Outcome.TIMED_OUT, "0.5s"),
                ("e", Outcome.CRASHED, "killed"),
            ]
        )
    )
    assert [properties["title"][-1] for _, properties, _ in found] == ["d", "e", "a", "c", "b"]


def test_the_tenth_says_how_many_more_there_are() -> None:
    found = commands(of([(f"t{n}", Outcome.FAILED, str(n)) for n in range(25)]))
    assert len(found) == LIMIT
    assert found[-1] == ("error", {}, "and 16 more: see the report of the run")
    assert len(commands(of([(f"t{n}", Outcome.FAILED, str(n)) for n in range(LIMIT)]))) == LIMIT


def test_flaky_tests_and_leaks_are_warnings_and_problems_of_the_run_errors_without_a_place() -> None:
    found = commands(small())
    assert found[0] == ("error", {"title": "failure of the run"}, "coverage is below 80 %\nwrite tests")
    warnings = [message for level, _, message in found if level == "warning"]
    assert warnings[0].startswith("failed, then passed: flaky\n")
    assert warnings[1].startswith("left behind: tasks: task flush still pending")


def test_a_file_outside_the_workspace_is_not_named() -> None:
    (found,) = commands(of([("t", Outcome.FAILED, "m")]), workspace="/elsewhere")
    assert found[1] == {"title": "failed: a.py::t"}
    (found,) = commands(of([("t", Outcome.FAILED, "m")], root="/w/sub"), workspace="/w")
    assert found[1]["file"] == "sub/a.py"


@settings(max_examples=100)
@example("a%3Ab", "100%0A%25 done")
@given(HOSTILE, HOSTILE)
def test_whatever_is_said_is_one_command_with_the_same_text(name: str, message: str) -> None:
    ((level, properties, text),) = commands(of([(name, Outcome.FAILED, message)]))
    assert level == "error"
    assert properties["title"] == one_line(f"failed: a.py::{name}")
    assert text.startswith(block(message) + "\n" if message else "failed\n")


@settings(max_examples=40)
@given(st.lists(HOSTILE, min_size=1, max_size=6))
def test_every_line_of_any_run_is_a_command_of_ours(texts: list[str]) -> None:
    for level, properties, _ in commands(fold(history(texts, resumed=False))):
        assert level in ("error", "warning")
        assert set(properties) <= {"file", "line", "title"}


def test_a_run_that_is_no_success_has_an_error_whatever_the_reason() -> None:
    green = of([("t", Outcome.PASSED, "")])
    assert commands(green) == []
    unfinished = "the runner did not come to its end: this is how far the run has come"
    (found,) = commands(msgspec.structs.replace(green, finished=False))
    assert found == ("error", {"title": "not complete"}, unfinished)
    assert commands(msgspec.structs.replace(green, finished=False, goes_on=True)) == []
    (found,) = commands(msgspec.structs.replace(green, signal=15))
    assert found == ("error", {"title": "not complete"}, "the run was interrupted by SIGTERM")
    (found,) = commands(msgspec.structs.replace(green, unplanned=("x",)))
    assert found[1] == {"title": "broken promise of the runner"}
    gap = TestResult(id="a.py::g", file="a.py", line=1, phase="async", reason="stopped")
    phase = msgspec.structs.replace(green.phases[0], tests=(*green.phases[0].tests, gap, gap))
    (found,) = commands(msgspec.structs.replace(green, phases=(phase,)))
    assert found == ("error", {"title": "2 tests not run"}, "stopped")
    (found,) = commands(msgspec.structs.replace(green, phases=()))
    assert found[1] == {"title": "nothing selected"}
