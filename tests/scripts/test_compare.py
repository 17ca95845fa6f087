"""compare.py is the judge of the judge: whatever the runner says differently from plain pytest, it must find."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "compare.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("compare_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


compare = _load()


def report(when: str, outcome: str, *, wasxfail: bool = False, subtest: bool = False) -> dict[str, Any]:
    return {"when": when, "outcome": outcome, "wasxfail": wasxfail, "subtest": subtest}


PASSED = [report(when, "passed") for when in ("setup", "call", "teardown")]


@pytest.mark.parametrize(
    ("reports", "outcome"),
    [
        (PASSED, "passed"),
        ([report("setup", "failed"), report("teardown", "passed")], "error"),
        ([PASSED[0], report("call", "failed"), PASSED[2]], "failed"),
        ([PASSED[0], report("call", "failed"), report("teardown", "failed")], "failed"),
        ([PASSED[0], PASSED[1], report("teardown", "failed")], "error"),
        ([report("setup", "skipped"), PASSED[2]], "skipped"),
        ([PASSED[0], report("call", "skipped", wasxfail=True), PASSED[2]], "xfailed"),
        ([PASSED[0], report("call", "passed", wasxfail=True), PASSED[2]], "xpassed"),
        ([PASSED[0], report("call", "failed", subtest=True), PASSED[1], PASSED[2]], "failed"),
        ([PASSED[0], report("call", "skipped", subtest=True), PASSED[1], PASSED[2]], "passed"),
        ([], "not_run"),
        ([PASSED[0]], "not_run"),
    ],
)
def test_reports_of_plain_pytest_come_to_one_outcome(reports: list[dict[str, Any]], outcome: str) -> None:
    assert compare.plain_outcome(reports) == outcome


def facts(*values: dict[str, Any]) -> list[str]:
    return [json.dumps(value) for value in values]


def test_a_plain_session_that_died_is_a_difference_and_its_last_test_did_not_run() -> None:
    side = compare.read_plain(
        [*facts({"kind": "collected", "ids": ["a", "b"]}, {"kind": "started", "id": "a"}), '{"kind": "rep']
    )
    assert side.outcomes == {"a": "not_run", "b": "not_run"}
    assert side.wrong == ["pytest died before its session had finished"]


def side(name: str, outcomes: dict[str, str], *, status: int = 0) -> Any:
    return compare.Side(name, outcomes=outcomes, status=status)


def test_the_same_on_both_sides_is_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = {"a": "passed", "b": "skipped"}
    assert compare.report(side("plain pytest", outcomes), side("runner", dict(outcomes))) == 0
    assert "compared: 2 tests are the same, 0 differences" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("plain", "runner", "line"),
    [
        ({"a": "passed"}, {"a": "failed"}, "a: plain passed, runner failed"),
        ({"a": "passed", "b": "failed"}, {"a": "passed"}, "b: plain failed, runner unknown"),
        ({"a": "passed"}, {"a": "passed", "b": "passed"}, "b: plain unknown, runner passed"),
        ({"a": "failed"}, {"a": "not_run"}, "a: plain failed, runner not_run"),
    ],
)
def test_every_kind_of_difference_is_found(
    plain: dict[str, str], runner: dict[str, str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare.report(side("plain pytest", plain), side("runner", runner)) == 1
    assert f"  {line}\n" in capsys.readouterr().out


def test_two_sides_without_tests_are_not_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.report(side("plain pytest", {}), side("runner", {})) == 4
    assert "nothing to compare" in capsys.readouterr().out


def test_names_of_tests_reach_the_terminal_without_control_sequences(capsys: pytest.CaptureFixture[str]) -> None:
    compare.report(side("plain pytest", {"a[\x1b[31m\n::error::x]": "passed"}), side("runner", {}))
    output = capsys.readouterr().out
    assert "\x1b" not in output
    assert "a[\\x1b[31m\\n::error::x]: plain passed, runner unknown" in output


def summary(code: int, **counts: int) -> dict[str, Any]:
    return {"exit_code": code, "counts": {"tests": sum(counts.values()), "flaky": 0, **counts}}


def test_a_runner_that_agrees_with_itself_has_no_contradictions() -> None:
    assert compare.contradictions(side("runner", {"a": "passed"}), summary(0, passed=1, failed=0)) == []


@pytest.mark.parametrize(
    ("outcomes", "status", "said", "found"),
    [
        ({"a": "failed"}, 0, summary(0, failed=1), "exit code 0, although not everything passed"),
        ({"a": "not_run"}, 0, summary(0, not_run=1), "exit code 0, although not everything passed"),
        ({"a": "passed"}, 1, summary(1, passed=1), "exit code 1, although nothing failed"),
        ({"a": "passed"}, 0, summary(1, passed=1), "the journal ends with exit code 0, the summary says 1"),
        ({}, 0, summary(0), "exit code 0 without a single test"),
        ({"a": "failed"}, 1, summary(1, passed=1), "the journal counts {'failed': 1}, the summary {'passed': 1}"),
    ],
)
def test_a_runner_that_contradicts_itself_is_caught(
    outcomes: dict[str, str], status: int, said: dict[str, Any], found: str
) -> None:
    assert found in compare.contradictions(side("runner", outcomes, status=status), said)


def write_run(directory: Path, *events: dict[str, Any], **counts: int) -> Path:
    (directory / "journal.jsonl").write_text("\n".join(facts(*events)), encoding="utf-8")
    (directory / "summary.json").write_text(json.dumps(summary(0, **counts)), encoding="utf-8")
    return directory


def test_the_last_attempt_counts_and_an_unplanned_test_is_wrong(tmp_path: Path) -> None:
    run = write_run(
        tmp_path,
        {"kind": "phase_planned", "tests": [["a", "a.py", 1]]},
        {"kind": "test_finished", "id": "a", "attempt": 1, "outcome": "failed"},
        {"kind": "test_finished", "id": "a", "attempt": 2, "outcome": "passed"},
        {"kind": "test_finished", "id": "b", "attempt": 1, "outcome": "passed"},
        {"kind": "run_finished", "exit_code": 0, "wall": 1.0},
        passed=2,
    )
    read = compare.read_runner(run)
    assert read.outcomes == {"a": "passed", "b": "passed"}
    assert read.wrong == ["finished without being planned: b"]


def test_phases_that_are_not_asked_for_are_left_out(tmp_path: Path) -> None:
    run = write_run(
        tmp_path,
        {"kind": "phase_planned", "phase": "one", "tests": [["a", "a.py", 1]]},
        {"kind": "phase_planned", "phase": "two", "tests": [["b", "b.py", 1]]},
        {"kind": "test_finished", "phase": "one", "id": "a", "outcome": "passed"},
        {"kind": "test_finished", "phase": "two", "id": "b", "outcome": "failed"},
        {"kind": "run_finished", "exit_code": 1, "wall": 1.0},
        passed=1,
        failed=1,
    )
    read = compare.read_runner(run, ["one"])
    assert (read.outcomes, read.wrong) == ({"a": "passed"}, [])


# ------------------------------------------------------------------------------------------------ the real command

SUITE = """
import os, subprocess, sys
import pytest

def test_passes(): pass

def test_fails(): assert 1 == 2

def test_skips(): pytest.skip("no reason")

@pytest.mark.xfail
def test_xfails(): assert False

@pytest.mark.xfail
def test_xpasses(): pass

@pytest.fixture
def broken(): raise RuntimeError("broken fixture")

def test_errors(broken): pass

@pytest.fixture
def late():
    yield
    raise RuntimeError("broken teardown")

def test_teardown_errors(late): pass

@pytest.mark.parametrize("value", ["\\x1b[31m", "ä", "a::b", "[", ""])
def test_odd_names(value): pass

def test_nothing_of_either_side_is_left_in_the_environment():
    assert [name for name in os.environ if name.startswith(("PLAIN_PYTEST", "ASYNC_TEST_RUN"))] == []
    assert "PYTHONPATH" not in os.environ
"""


def run_compare(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "ASYNC_TEST_RUN_")) and name != "PYTHONPATH"
    }
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=directory,
        env={**env, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.processes
def test_every_outcome_is_the_same_under_the_runner(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    done = run_compare(tmp_path, "--isolation", "file")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "compared: 13 tests are the same, 0 differences" in done.stdout
    assert not list(tmp_path.glob(".compare-*"))


@pytest.mark.processes
def test_a_test_that_depends_on_its_process_is_named(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(
        "seen = []\ndef test_one(): seen.append(1)\ndef test_two(): assert seen == [1]\n", encoding="utf-8"
    )
    done = run_compare(tmp_path, "--isolation", "test")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_suite.py::test_two: plain passed, runner failed" in done.stdout


@pytest.mark.processes
def test_arguments_for_pytest_reach_both_sides(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text("def test_one(): pass\ndef test_two(): pass\n", encoding="utf-8")
    done = run_compare(tmp_path, "--", "-k", "one")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "compared: 1 tests are the same" in done.stdout
    done = run_compare(tmp_path, "--plain-arg=--deselect=test_suite.py::test_two")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_suite.py::test_two: plain unknown, runner passed" in done.stdout


@pytest.mark.processes
def test_what_was_kept_of_an_earlier_comparison_is_no_part_of_this_one(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text("def test_one(): pass\n", encoding="utf-8")
    for _ in range(2):
        done = run_compare(tmp_path, "--keep", "kept")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "compared: 1 tests are the same, 0 differences" in done.stdout


@pytest.mark.processes
def test_a_suite_without_tests_is_not_called_equal(tmp_path: Path) -> None:
    done = run_compare(tmp_path)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "plain pytest ran no tests" in done.stdout


@pytest.mark.parametrize(("arguments", "launcher"), [([], None), (["--launcher", "exec"], "exec")])
def test_the_plan_names_a_launcher_where_one_is_asked_for(
    tmp_path: Path, arguments: list[str], launcher: str | None
) -> None:
    with compare.plan_of(compare.parse(["--cwd", str(tmp_path), *arguments])) as plan:
        (phase,) = json.loads(plan.read_text(encoding="utf-8"))["phases"]
    assert phase.get("launcher") == launcher


def test_a_plan_that_does_not_exist_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        compare.parse(["--plan", str(tmp_path / "none.yaml")])
    assert stop.value.code == 2
    assert "no plan" in capsys.readouterr().err
