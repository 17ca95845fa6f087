"""The line that runs one test again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from async_test_runner.model.result import RunResult, TestResult
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
