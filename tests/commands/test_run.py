"""Which run ``--resume`` means, and what ``--failed`` comes to without a red test; runs without a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_test_runner import cli
from async_test_runner.commands import collecting, run
from async_test_runner.model.errors import UsageError
from async_test_runner.model.inventory import CollectedTest, CollectError, Inventory, PytestFacts
from async_test_runner.model.plan import Plan
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record import runs
from async_test_runner.record.events import PhasePlanned, RunFinished, RunStarted, TestFinished, TestRef
from async_test_runner.record.journal import JournalWriter
from async_test_runner.run.request import Request
from async_test_runner.suite.assignment import Narrowing

IDS = ("20261120T000000.000Z-000000", "20261121T000000.000Z-000000")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in IDS:
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "journal.jsonl").touch()
    return tmp_path


def journal(base: Path, number: int) -> Path:
    return base / "runs" / IDS[number] / "journal.jsonl"


def test_without_a_name_it_is_the_newest_that_can_go_on_and_that_is_said(
    base: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run.resuming, "newest_open", lambda base: journal(base, 0))
    assert run._resumed(base, "") == journal(base, 0)
    assert capsys.readouterr().err == f"resumes run {IDS[0]}: those that came after it are complete\n"


def test_the_newest_needs_no_word(
    base: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run.resuming, "newest_open", lambda base: journal(base, 1))
    assert run._resumed(base, "") == journal(base, 1)
    assert capsys.readouterr().err == ""


def test_where_all_are_complete_the_newest_says_so(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.resuming, "newest_open", lambda base: None)
    assert run._resumed(base, "") == journal(base, 1)


def test_a_run_that_is_named_is_meant_whatever_others_there_are(base: Path) -> None:
    assert run._resumed(base, "20261120") == journal(base, 0)
    with pytest.raises(UsageError, match="no run"):
        run._resumed(base, "20261122")


@pytest.mark.parametrize("command", ["run", "plan"])
def test_without_a_red_test_nothing_runs_and_that_is_not_green(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "runner.yaml"
    plan.write_text("version: 1\nphases: [{name: a}]\n")
    directory = tmp_path / "kept" / "runs" / IDS[0]
    directory.mkdir(parents=True)
    at = {"at": 1.0, "mono": 1.0}
    begun = {"version": 1, "run_id": IDS[0], "plan": "p", "root": "/", "argv": (), "runner": "0"}
    writer = JournalWriter(directory / "journal.jsonl")
    writer.write(RunStarted(**at, **begun, plan_path=str(plan.resolve())))
    refs = (TestRef("a.py::test", "a.py", 1),)
    writer.write(PhasePlanned(**at, phase="a", isolation=Isolation.PHASE, workers=1, tests=refs))
    writer.write(TestFinished(**at, phase="a", id="a.py::test", attempt=1, outcome=Outcome.PASSED))
    writer.write(RunFinished(**at, exit_code=0, wall=1.0))
    writer.seal()
    writer.close()
    assert cli.run([command, "--lf", "-c", str(plan), "--run-dir", str(tmp_path / "kept")]) == 5
    assert f"no test was red in run {IDS[0]}" in capsys.readouterr().err
    assert len(runs.listing(tmp_path / "kept")) == 1


@pytest.mark.parametrize("flag", ["-x", "--tb=short", "--failed", "-n2"])
def test_a_run_goes_on_as_it_was_asked_for(flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--resume", flag, "--run-dir", str(tmp_path)]) == 2
    assert "cannot be given with it" in capsys.readouterr().err


class Project:
    """A directory without a plan, whose collection is made up; runs are asked for and do not begin."""

    def __init__(self, directory: Path) -> None:
        self.plan = directory / "runner.yaml"
        self.found = Inventory(tests=(), facts=PytestFacts(rootdir=str(directory)))
        self.requests: list[Request] = []
        self.pytest_args: tuple[str, ...] = ()

    def inventory(self, plan: Plan, narrowing: Narrowing, environ: object, pytest_args: tuple[str, ...]) -> Inventory:
        self.pytest_args = pytest_args
        return self.found

    def run(self, request: Request, *_: object, **__: object) -> None:
        self.requests.append(request)
        raise UsageError("stopped")


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    monkeypatch.setattr(collecting, "inventory", project.inventory)
    monkeypatch.setattr(run.workflow, "run", project.run)
    return project


def test_without_a_plan_the_proposed_one_runs_and_nothing_is_written(
    bare: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    tests = (CollectedTest(id="a.py::one", file="a.py", line=1), CollectedTest(id="a.py::two", file="a.py", line=2))
    bare.found = Inventory(tests=tests, facts=PytestFacts(rootdir=str(bare.plan.parent)))
    assert cli.run(["-k", "one", "--", "-l"]) == 2
    assert capsys.readouterr().err.splitlines()[:2] == [
        "no runner.yaml here: this runs the plan that init would write: sync 2 tests",
        "keep it, and change it: async-test-run init",
    ]
    (request,) = bare.requests
    assert request.plan == bare.plan
    assert [phase.name for phase in request.loaded().phases] == ["sync"]
    assert bare.pytest_args == ("-l",)
    assert list(bare.plan.parent.iterdir()) == []


def test_with_a_plan_nothing_is_proposed(bare: Project) -> None:
    bare.plan.write_text("version: 1\nphases: [{name: mine}]\n")
    assert cli.run([]) == 2
    assert [(request.proposal, request.plan) for request in bare.requests] == [("", bare.plan)]


@pytest.mark.parametrize(("errors", "code"), [((), 5), ((CollectError("a.py", "SyntaxError"),), 1)])
def test_without_tests_nothing_is_proposed_and_that_is_not_green(
    errors: tuple[CollectError, ...], code: int, bare: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    bare.found = Inventory(tests=(), errors=errors, facts=PytestFacts(rootdir="/r"))
    assert cli.run([]) == code
    assert "nothing runs" in capsys.readouterr().err
    assert bare.requests == []


def test_runs_without_a_plan_are_found_where_it_would_lie(tmp_path: Path) -> None:
    assert run._base(None, None, tmp_path) == tmp_path / ".async-test-run"
