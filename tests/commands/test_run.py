"""Which run ``--resume`` means, and what ``--failed`` comes to without a red test."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_test_runner import cli
from async_test_runner.commands import run
from async_test_runner.model.errors import UsageError
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record import runs
from async_test_runner.record.events import PhasePlanned, RunFinished, RunStarted, TestFinished, TestRef
from async_test_runner.record.journal import JournalWriter

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
