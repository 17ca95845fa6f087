"""Where the reports of a run are written, and what comes of a place that cannot be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from async_test_runner.model.inventory import PytestFacts
from async_test_runner.model.plan import Plan
from async_test_runner.model.result import Attempt, PhaseResult, RunResult, TestResult
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.runs import RunDir
from async_test_runner.reports.formats import FORMATS
from async_test_runner.run.reporting import is_watched, write_phases, write_reports


def result(*phases: PhaseResult, **facts: Any) -> RunResult:
    values = {"run_id": "r", "plan": "p", "plan_path": "", "root": "", "at": 0.0, "wall": 1.0, "finished": True}
    return RunResult(**{**values, "phases": phases or (phase("p", "a"),), **facts})


def phase(name: str, *ids: str, started: bool = True) -> PhaseResult:
    attempts = (Attempt(number=1, outcome=Outcome.PASSED),)
    tests = tuple(TestResult(id=f"a.py::{id}", file="a.py", line=1, phase=name, attempts=attempts) for id in ids)
    return PhaseResult(name=name, isolation=Isolation.TEST, workers=1, tests=tests, started=started, finished=True)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    (tmp_path / "run").mkdir()
    return RunDir(tmp_path / "run")


def written(run: RunDir, asked: dict[str, str] | None = None, **facts: Any) -> tuple[dict[str, list[str]], list[str]]:
    """Where each format was written, below the plan's directory; and the problems."""
    root = run.path.parent
    plan = Plan(path=root / "runner.yaml", root=root, name="p", phases=(), reports=facts.pop("reports", {}))
    places, problems = write_reports(plan, run, result(**facts), asked or {}, {})
    found: dict[str, list[str]] = {}
    for key, path in places:
        assert path.stat().st_size > 0
        found.setdefault(key, []).append(path.relative_to(root).as_posix())
    return found, [problem.message for problem in problems]


IN_THE_RUN = {key: [f"run/{format.file}"] for key, format in FORMATS.items() if format.always}


def test_every_format_that_is_always_written_is_in_the_run_directory_whatever_is_asked_for(run: RunDir) -> None:
    assert written(run) == (IN_THE_RUN, [])


def test_other_formats_are_written_where_the_plan_or_the_command_line_asks_for_them(run: RunDir) -> None:
    assert written(run, {"html": ""})[0]["html"] == ["run/report.html"]
    assert written(run, {"html": ""}, reports={"html": "a.html"})[0]["html"] == ["run/report.html", "a.html"]
    assert written(run, {"html": "b.html"}, reports={"html": "a.html"})[0]["html"] == ["run/report.html", "b.html"]
    assert written(run, reports={"html": "a.html"})[0]["html"] == ["run/report.html", "a.html"]


def test_a_report_is_watched_where_one_is_asked_for_that_shows_a_run_under_way(run: RunDir) -> None:
    def watched(asked: dict[str, str], reports: dict[str, str]) -> bool:
        root = run.path.parent
        return is_watched(Plan(path=root / "runner.yaml", root=root, name="p", phases=(), reports=reports), asked)

    assert watched({"html": ""}, {})
    assert watched({}, {"html": "a.html"})
    assert not watched({"junit": "a.xml"}, {"summary": "b.json"})


def test_the_command_line_goes_before_the_plan_and_the_plan_before_pytests_configuration(run: RunDir) -> None:
    facts = PytestFacts(junit_xml="of-pytest.xml")
    (own,) = IN_THE_RUN["junit"]
    assert written(run, facts=facts)[0]["junit"] == [own, "of-pytest.xml"]
    assert written(run, facts=facts, reports={"junit": "of/plan.xml"})[0]["junit"] == [own, "of/plan.xml"]
    asked = written(run, {"junit": "asked.xml"}, facts=facts, reports={"junit": "of/plan.xml"})
    assert asked[0]["junit"] == [own, "asked.xml"]


def test_a_place_that_cannot_be_written_is_a_problem_and_the_others_are_written(run: RunDir) -> None:
    (run.path.parent / "file").write_text("")
    found, problems = written(run, {"junit": "file/out.xml"})
    assert found == IN_THE_RUN
    (problem,) = problems
    assert problem.startswith("cannot write ")


def names(path: Path) -> list[str]:
    return [str(case.get("name")) for case in ElementTree.parse(path).iter("testcase")]


def own_xml(run: RunDir, process: str, *tests: str) -> None:
    directory = run.path / "processes" / process
    directory.mkdir(parents=True)
    cases = "".join(f'<testcase classname="a" name="{name}" time="0"/>' for name in tests)
    (directory / "junit.xml").write_text(
        f'<testsuites><testsuite name="pytest" tests="{len(tests)}">{cases}</testsuite></testsuites>'
    )


def test_the_xml_of_a_phase_is_the_one_that_pytest_wrote_several_merged_or_one_of_ours(run: RunDir) -> None:
    own_xml(run, "one/0001", "a_by_pytest")
    own_xml(run, "several/0001", "b_by_pytest")
    own_xml(run, "several/0002", "c_by_pytest")
    made = result(
        phase("one", "a"), phase("several", "b", "c"), phase("none", "d"), phase("unstarted", "e", started=False)
    )
    assert write_phases(run, made) == []
    phases = run.path / "phases"
    assert (phases / "one.xml").read_bytes() == (run.path / "processes/one/0001/junit.xml").read_bytes()
    assert names(phases / "several.xml") == ["b_by_pytest", "c_by_pytest"]
    assert names(phases / "none.xml") == ["d"]
    assert not (phases / "unstarted.xml").exists()


def test_what_a_test_has_put_in_the_place_of_the_directory_is_not_written_through(run: RunDir, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (run.path / "phases").symlink_to(tmp_path / "elsewhere")
    assert write_phases(run, result()) == []
    assert [*(tmp_path / "elsewhere").iterdir()] == []
    assert names(run.path / "phases" / "p.xml") == ["a"]


def test_a_phase_whose_xml_cannot_be_written_is_a_problem_and_the_others_are_written(run: RunDir) -> None:
    (run.path / "phases" / "one.xml").mkdir(parents=True)
    (problem,) = write_phases(run, result(phase("one", "a"), msgspec.structs.replace(phase("two", "b"))))
    assert problem.kind == "infrastructure"
    assert names(run.path / "phases" / "two.xml") == ["b"]
