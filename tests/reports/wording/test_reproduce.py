"""The line that runs one test again."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from async_test_runner.model.result import Attempt, PhaseResult, RunResult, TestResult
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.reports.wording import reproduce


def line(id: str, plan_path: str = "/srv/app/runner.yaml", cwd: str | None = None) -> str:
    result = RunResult(run_id="r", plan="p", plan_path=plan_path, root="/", at=0.0, wall=0.0)
    test = TestResult(id=id, file="t.py", line=1, phase="p")
    return reproduce.line(result, test, cwd=Path(cwd) if cwd else None)


@pytest.mark.parametrize(
    ("plan", "cwd", "shown"),
    [
        ("/srv/app/runner.yaml", None, "/srv/app/runner.yaml"),
        ("/srv/app/runner.yaml", "/srv/app", "runner.yaml"),
        ("/srv/app/ci/runner.yaml", "/srv/app", "ci/runner.yaml"),
        ("/srv/app/runner.yaml", "/srv/other", "/srv/app/runner.yaml"),
        ("/srv/app/my plan.yaml", "/srv/app", "'my plan.yaml'"),
        ("/srv/app/-plan.yaml", "/srv/app", "./-plan.yaml"),
    ],
)
def test_the_plan_is_named_as_it_is_found_from_the_working_directory(plan: str, cwd: str | None, shown: str) -> None:
    assert line("t.py::a", plan, cwd) == f"async-test-run run -c {shown} --test t.py::a"


@pytest.mark.parametrize(
    ("cwd", "shown"),
    [
        ("/srv/app", "async-test-run run"),
        ("/srv", "cd /srv/app && async-test-run run"),
        (None, "cd /srv/app && async-test-run run"),
    ],
)
def test_a_plan_that_was_proposed_is_proposed_again_at_its_place(cwd: str | None, shown: str) -> None:
    result = RunResult(
        run_id="r", plan="p", plan_path="/srv/app/runner.yaml", root="/srv/app", at=0.0, wall=0.0, proposed=True
    )
    there = Path(cwd) if cwd else None
    test = TestResult(id="t.py::a", file="t.py", line=1, phase="p")
    assert reproduce.line(result, test, cwd=there) == f"{shown} --test t.py::a"
    assert reproduce.resume_line(result, cwd=there) == f"{shown} --resume r"


@pytest.mark.parametrize(
    ("id", "shown"),
    [
        ("t.py::a", "t.py::a"),
        ("t.py::a[x y]", "'t.py::a[x y]'"),
        ("t.py::a[$(rm -rf .)`id`]", "'t.py::a[$(rm -rf .)`id`]'"),
        ("t.py::a[it's]", "'t.py::a[it'\"'\"'s]'"),
        ("t.py::a[é]", "'t.py::a[é]'"),
        ("t.py::a[\n]", r"$'t.py::a[\x0a]'"),
        ("t.py::a['\\\x1b]", r"$'t.py::a[\'\\\x1b]'"),
        ("t.py::a[\u202e]", r"$'t.py::a[\xe2\x80\xae]'"),
        ("t.py::a[\udcff]", r"$'t.py::a[\xff]'"),
        ("t.py::a[\ud800]", r"$'t.py::a[\xed\xa0\x80]'"),
    ],
)
def test_ids_are_quoted_for_bash_on_one_visible_line(id: str, shown: str) -> None:
    found = line(id)
    assert found.endswith(f" --test {shown}")
    assert found.isprintable()


@pytest.mark.processes
def test_bash_reads_back_the_very_id() -> None:
    ids = [
        "plain",
        "a b",
        "it's",
        "$HOME `id` $(id) !! \\",
        "\n\r\t\x1b'\\\x7f0a",
        "é\u202e\u2028日",
        "",
        "-x",
        "\udcff1",
    ]
    script = "printf '%s\\0' " + " ".join(map(reproduce.quoted, ids))
    out = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, check=True).stdout
    assert [part.decode("utf-8", "surrogateescape") for part in out.split(b"\0")[:-1]] == ids


def came_to(outcome: Outcome, **facts: Any) -> RunResult:
    attempts = () if outcome is Outcome.NOT_RUN else (Attempt(number=1, outcome=outcome),)
    test = TestResult(id="t.py::a", file="t.py", line=1, phase="p", attempts=attempts)
    phase = PhaseResult(name="p", isolation=Isolation.PHASE, workers=1, tests=(test,))
    values = {"run_id": "r", "plan": "p", "plan_path": "/srv/app/runner.yaml", "root": "/", "at": 0.0, "wall": 0.0}
    return RunResult(**{**values, "phases": (phase,), "finished": True, **facts})


@pytest.mark.parametrize(
    ("result", "cwd", "shown"),
    [
        (came_to(Outcome.PASSED), "/srv/app", ""),
        (
            came_to(Outcome.FAILED),
            "/srv/app",
            "async-test-run --failed runs what was red again; async-test-run report r -v shows all of it",
        ),
        (
            came_to(Outcome.FAILED),
            "/srv",
            "async-test-run run -c app/runner.yaml --failed runs what was red again; "
            "async-test-run report -c app/runner.yaml r -v shows all of it",
        ),
        (came_to(Outcome.NOT_RUN), "/srv/app", ""),
        (
            came_to(Outcome.NOT_RUN, signal=2),
            "/srv/app",
            "async-test-run run -c runner.yaml --resume r goes on with it",
        ),
        (
            came_to(Outcome.NOT_RUN, finished=False),
            "/srv/app",
            "async-test-run run -c runner.yaml --resume r goes on with it",
        ),
        (came_to(Outcome.FAILED, plan_path=""), "/srv/app", ""),
    ],
)
def test_what_to_do_next_is_one_line(result: RunResult, cwd: str, shown: str) -> None:
    assert reproduce.next_line(result, cwd=Path(cwd)) == shown


def test_who_sees_all_of_it_is_not_told_how_to_see_it() -> None:
    said = reproduce.next_line(came_to(Outcome.FAILED), cwd=Path("/srv/app"), whole=True)
    assert said == "async-test-run --failed runs what was red again"
