"""What a run does for the CI service whose job it is part of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from async_test_runner.model.errors import ExitCode
from async_test_runner.model.plan import Plan
from async_test_runner.reports.formats import markdown
from async_test_runner.run.services import add_summary, annotated, service_of
from tests.reports.formats.html_sample import large, small

PLAN = Plan(path=Path("/p/runner.yaml"), root=Path("/p"), name="p", phases=())
QUIET = Plan(path=Path("/p/runner.yaml"), root=Path("/p"), name="p", phases=(), silent=frozenset({"github"}))
ACTIONS = {"GITHUB_ACTIONS": "true"}


def test_the_service_is_the_one_that_says_that_it_runs_us() -> None:
    assert service_of({}, PLAN) == "none"
    assert service_of({"CI": "true"}, PLAN) == "none"
    assert service_of({"GITHUB_ACTIONS": "false"}, PLAN) == "none"
    assert service_of(ACTIONS, PLAN) == "github"
    assert service_of({"GITLAB_CI": "true"}, PLAN) == "gitlab"


def test_the_plan_switches_it_off() -> None:
    assert service_of(ACTIONS, QUIET) == "none"
    assert service_of({"GITLAB_CI": "true"}, QUIET) == "gitlab"


def test_a_run_that_a_test_has_started_is_no_step_of_the_job() -> None:
    assert service_of({**ACTIONS, "PYTEST_CURRENT_TEST": "a.py::t (call)"}, PLAN) == "none"


def test_annotations_are_lines_for_github_only() -> None:
    result = small()
    lines = annotated("github", result, ExitCode.FAILED, {"GITHUB_WORKSPACE": "/p"})
    assert lines[0].startswith("::error title=failure of the run::")
    assert any("file=tests/test_cart.py" in line for line in lines)
    assert not any("file=" in line for line in annotated("github", result, ExitCode.FAILED, {"GITHUB_WORKSPACE": "/q"}))
    assert annotated("gitlab", result, ExitCode.FAILED, {}) == annotated("none", result, ExitCode.FAILED, {}) == []


def summary(path: Path, service: str = "github", **facts: object) -> str:
    return add_summary(service, small(**facts), ExitCode.FAILED, {"GITHUB_STEP_SUMMARY": str(path)})  # type: ignore[arg-type]


def test_the_summary_is_appended_to_what_other_commands_of_the_step_have_written(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    assert summary(path) == ""
    assert path.read_text().startswith("before\n## Tests failed: `shop`\n")


def test_the_whole_of_the_page_stays_within_what_github_takes(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * (markdown.BUDGET - 20_000))
    result = large(3000, failures=3000)
    assert add_summary("github", result, ExitCode.FAILED, {"GITHUB_STEP_SUMMARY": str(path)}) == ""
    assert markdown.BUDGET - 10_000 < path.stat().st_size <= markdown.BUDGET
    assert path.read_text().endswith("had no room here: the report of the run has them.\n")


def test_a_full_page_takes_nothing_more_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    path.write_bytes(b"x" * (markdown.BUDGET - 100))
    assert "is full" in summary(path)
    assert path.stat().st_size == markdown.BUDGET - 100


def test_there_is_no_summary_without_github_or_without_a_page(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    assert summary(path, "gitlab") == summary(path, "none") == ""
    assert not path.exists()
    assert add_summary("github", small(), ExitCode.FAILED, {}) == ""


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir])
def test_what_cannot_be_written_is_said_at_once(tmp_path: Path, make: object) -> None:
    path = tmp_path / "summary.md"
    make(path)  # type: ignore[operator]
    assert summary(path).startswith(f"cannot write the summary of the step to {path}: ")
