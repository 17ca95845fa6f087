"""The schema beside a plan is there again after each command that reads the plan."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from async_test_runner.plan import schema
from async_test_runner.run.editors import SCHEMA, keep_schema

NAMES_IT = f"# yaml-language-server: $schema={SCHEMA}\nversion: 1\n"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "runner.yaml"
    path.write_text(NAMES_IT, encoding="utf-8")
    return path


def beside(plan: Path) -> Path:
    return plan.parent / ".async-test-run" / "plan.schema.json"


def test_a_clone_gets_the_schema_that_its_plan_names_out_of_the_sight_of_git(plan: Path) -> None:
    keep_schema(plan)
    assert beside(plan).read_text(encoding="utf-8") == schema.schema_text()
    assert (plan.parent / ".async-test-run" / ".gitignore").read_text() == "*\n"


def test_a_schema_of_another_version_is_replaced_and_a_current_one_is_not_touched(plan: Path) -> None:
    keep_schema(plan)
    beside(plan).write_text("{}", encoding="utf-8")
    keep_schema(plan)
    first = beside(plan).stat()
    assert beside(plan).read_text(encoding="utf-8") == schema.schema_text()
    keep_schema(plan)
    assert (beside(plan).stat().st_ino, beside(plan).stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)


@pytest.mark.parametrize("text", ["version: 1\n", "# yaml-language-server: $schema=runner.schema.json\nversion: 1\n"])
def test_a_plan_that_names_none_of_ours_gets_none(text: str, plan: Path) -> None:
    plan.write_text(text, encoding="utf-8")
    keep_schema(plan)
    assert [path.name for path in plan.parent.iterdir()] == ["runner.yaml"]


def test_a_plan_behind_a_link_keeps_it_beside_the_link(plan: Path) -> None:
    link = plan.parent / "project" / "runner.yaml"
    link.parent.mkdir()
    link.symlink_to(plan)
    keep_schema(link)
    assert beside(link).exists()
    assert not beside(plan).exists()


def test_nothing_is_waited_for_and_no_error_comes_of_it(plan: Path) -> None:
    (plan.parent / ".async-test-run").write_text("in the way")
    keep_schema(plan)
    plan.unlink()
    keep_schema(plan)
    os.mkfifo(plan)
    keep_schema(plan)
    assert (plan.parent / ".async-test-run").read_text() == "in the way"
