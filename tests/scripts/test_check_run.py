"""check_run.py: no skip goes unnoticed, and the totals have every test once."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "check_run.py"


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("check_run_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_run = _load()


def finished(id: str, outcome: str, reason: str, attempt: int = 1) -> dict[str, Any]:
    return {
        "kind": "test_finished",
        "id": id,
        "outcome": outcome,
        "attempt": attempt,
        "details": [{"when": "setup", "outcome": outcome, "message": reason, "text": ""}],
    }


def write(directory: Path, *events: dict[str, Any]) -> Path:
    (directory / "journal.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("PostgreSQL does not answer on 127.0.0.1:5432", 1),
        ("the package index does not give pytest", 1),
        ("", 1),
        ("only on Windows", 0),
        ("needs Python 3.12", 0),
        ("the superuser may list every directory", 0),
    ],
)
def test_a_skip_fails_unless_no_machine_could_help(reason: str, code: int, tmp_path: Path) -> None:
    assert check_run.check(write(tmp_path, finished("a", "skipped", reason)), allowed=False) == code


def test_a_file_that_skips_itself_is_a_skip(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write(tmp_path, {"kind": "collected", "skips": [{"id": "tests/test_a.py", "text": "no redis"}]})
    assert check_run.check(run, allowed=False) == 1
    assert "tests/test_a.py: no redis" in capsys.readouterr().out


def test_a_test_that_passed_in_the_end_was_not_skipped(tmp_path: Path) -> None:
    run = write(tmp_path, finished("a", "skipped", "no redis"), finished("a", "passed", "", attempt=2))
    assert check_run.check(run, allowed=False) == 0


def test_skips_may_be_allowed_and_are_shown_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_run.check(write(tmp_path, finished("a", "skipped", "no\x1b[2J redis")), allowed=True) == 0
    assert "a: no\\x1b[2J redis" in capsys.readouterr().out


def test_the_totals_have_every_outcome_in_one_of_three_numbers() -> None:
    names = ("passed", "failed", "error", "skipped", "xfailed", "xpassed", "timed_out", "crashed", "not_run")
    counts = {name: 10**position for position, name in enumerate(names)}
    assert check_run.totals(counts) == "tests: 100001 passed, 111000110 failed, 11000 skipped"
