"""Coverage of a run, with a ``coverage`` command that a test plays."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from async_test_runner.launchers import coverage
from async_test_runner.launchers.coverage import Reported, _arguments
from async_test_runner.model.inventory import Coverage


class Tool:
    """Answers by the command's name: a status, and what it says."""

    def __init__(self, patch: pytest.MonkeyPatch, root: Path) -> None:
        self.answers: dict[str, tuple[int, str]] = {}
        self.commands: list[list[str]] = []
        self.env: Mapping[str, str] = {}
        self.root = root
        self._run_dir = root / "run"
        (self._run_dir / "processes" / "p").mkdir(parents=True)
        patch.setattr(coverage.process, "start", self._start)
        patch.setattr(coverage.process, "wait_or_end", self._wait)

    async def _start(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: Path) -> int:
        assert (argv[:3], cwd) == (["python", "-m", "coverage"], self.root)
        self.commands.append([*argv[3:]])
        self.env = env
        for name in (argv[-1], argv[3]):
            if name in self.answers:
                break
        status, said = self.answers.get(name, (0, ""))
        output.write_text(said)
        return status

    async def _wait(self, status: int, deadline: float) -> int:
        return status

    def measured(self, *names: str) -> list[str]:
        """Data of processes of these names."""
        paths = [self._run_dir / "processes" / "p" / f".coverage.{name}" for name in names]
        for path in paths:
            path.touch()
        return [str(path) for path in paths]

    def finish(self, **asked: Any) -> Reported:
        environ = {"PATH": "/bin", "COVERAGE_FILE": "of the runner"}
        it = coverage.finish(Coverage(**asked), python="python", root=self.root, run_dir=self._run_dir, environ=environ)
        return asyncio.run(it)


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tool:
    return Tool(monkeypatch, tmp_path)


def test_the_data_of_all_processes_are_combined_and_kept(tool: Tool) -> None:
    parts = tool.measured("b", "a")
    assert tool.finish() == Reported("", None)
    assert tool.commands == [["combine", "--keep", "--quiet", *sorted(parts)]]
    assert tool.env == {"PATH": "/bin"}  # the file is the project's


def test_a_project_that_appends_does_so_and_its_configuration_is_used_where_it_is(tool: Tool) -> None:
    tool.measured("a")
    (tool.root / "cov.ini").touch()
    tool.finish(append=True, config="cov.ini")
    assert tool.commands[0][:5] == ["combine", f"--rcfile={tool.root / 'cov.ini'}", "--keep", "--quiet", "--append"]
    tool.finish(config="gone.ini")
    assert not any(argument.startswith("--rcfile") for argument in tool.commands[1])


def test_no_data_where_some_was_asked_for_makes_the_run_red(tool: Tool) -> None:
    problem = tool.finish().problem
    assert problem is not None
    assert (problem.kind, tool.commands) == ("failure", [])


def test_data_that_cannot_be_combined_is_infrastructure(tool: Tool) -> None:
    tool.measured("a")
    tool.answers["combine"] = (1, "no such table")
    problem = tool.finish().problem
    assert problem is not None
    assert problem.kind == "infrastructure"
    assert problem.message.endswith("no such table")
    assert {command[0] for command in tool.commands} == {"combine"}


def test_reports_are_written_and_the_one_for_the_terminal_is_handed_over(tool: Tool) -> None:
    tool.measured("a")
    tool.answers["report"] = (0, "TOTAL 90%\n")
    assert tool.finish(reports=(("term", ""), ("xml", "out.xml"))) == Reported("TOTAL 90%\n", None)
    assert tool.commands[1:] == [["report"], ["xml", "-o", "out.xml"]]


def test_a_report_that_fails_is_infrastructure_and_the_table_stays(tool: Tool) -> None:
    tool.measured("a")
    tool.answers.update(report=(0, "TOTAL 90%"), html=(1, "no template"))
    reported = tool.finish(reports=(("term", ""), ("html", ""), ("xml", "")))
    assert reported.table == "TOTAL 90%"
    assert reported.problem is not None
    assert (reported.problem.kind, "no template" in reported.problem.message) == ("infrastructure", True)


@pytest.mark.parametrize(("status", "is_red"), [(0, False), (2, True)])
def test_too_little_coverage_makes_the_run_red(tool: Tool, status: int, is_red: bool) -> None:
    tool.measured("a")
    tool.answers["--fail-under=90"] = (status, "TOTAL 80%\nCoverage failure: total of 80 is less than 90\n")
    problem = tool.finish(fail_under=90.0).problem
    assert (problem is not None) is is_red
    if problem is not None:
        assert problem.kind == "failure"
        assert problem.message == "coverage is below 90 %: Coverage failure: total of 80 is less than 90"


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        ("term", "", ["report"]),
        ("term-missing", "skip-covered", ["report", "--show-missing", "--skip-covered"]),
        ("markdown-append", "x.md", ["report", "--format=markdown"]),
        ("html", "out", ["html", "-d", "out"]),
        ("json", "", ["json"]),
        ("lcov", "cov.info", ["lcov", "-o", "cov.info"]),
    ],
)
def test_each_kind_of_report_is_a_command(kind: str, target: str, expected: list[str]) -> None:
    assert _arguments(kind, target) == expected
