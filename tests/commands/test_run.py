"""Which run ``--resume`` means."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_test_runner.commands import run
from async_test_runner.model.errors import UsageError

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
