"""The soak script: what it calls lost, falsely green, left behind; and one run of it for real."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from async_test_runner.model.errors import ChangedJournalError
from async_test_runner.model.result import Attempt, PhaseResult, RunResult, TestResult
from async_test_runner.model.vocabulary import Isolation, Outcome
from tests.support.projects import SOURCE

sys.path.insert(0, str(SOURCE / "scripts"))

import soak  # type: ignore[import-not-found]

ENDED = {"test_passes", "test_daemon"}


def result(**outcomes: Outcome) -> RunResult:
    tests = tuple(
        TestResult(
            id=f"t.py::test_{kind}",
            file="t.py",
            line=1,
            phase="p",
            attempts=(Attempt(number=1, outcome=outcome, at=0.0, duration=0.0),),
            reason="",
        )
        if outcome is not Outcome.NOT_RUN
        else TestResult(id=f"t.py::test_{kind}", file="t.py", line=1, phase="p", attempts=(), reason="why")
        for kind, outcome in outcomes.items()
    )
    phase = PhaseResult(
        name="p", isolation=Isolation.PHASE, workers=1, tests=tests, wall=0.0, started=True, finished=True
    )
    return RunResult(run_id="r", plan="", plan_path="", root="", at=0.0, wall=0.0, phases=(phase,), finished=True)


def judged(struck: set[str] = frozenset(), **outcomes: Outcome) -> soak.Tally:  # type: ignore[assignment, no-any-unimported]
    tally = soak.Tally()
    kinds = {f"test_{kind}": kind for kind in outcomes}
    soak.judge_tests(result(**outcomes), kinds, struck, ENDED, "here", tally)
    return tally


@pytest.mark.parametrize(
    ("kind", "outcome", "found"),
    [
        ("passes", Outcome.PASSED, []),
        ("fails", Outcome.FAILED, []),
        ("exits", Outcome.CRASHED, []),
        ("passes", Outcome.NOT_RUN, ["lost"]),
        ("fails", Outcome.PASSED, ["false_green"]),
        ("thread", Outcome.PASSED, ["false_green"]),  # it never said that it had come to its end
        ("passes", Outcome.CRASHED, ["broken"]),
        ("hangs", Outcome.FAILED, ["broken"]),
    ],
)
def test_an_outcome_is_held_against_what_the_test_is(kind: str, outcome: Outcome, found: list[str]) -> None:
    tally = judged(**{kind: outcome})
    assert [name for name in ("lost", "false_green", "broken") if getattr(tally, name)] == found


def test_what_others_kill_may_crash_but_never_pass_for_it() -> None:
    assert judged({"worker"}, passes=Outcome.CRASHED).found == []
    assert judged({"worker"}, fails=Outcome.PASSED).false_green
    assert judged({"worker"}, passes=Outcome.NOT_RUN).lost


def test_a_test_that_is_not_in_the_report_is_lost() -> None:
    tally = soak.Tally()
    soak.judge_tests(result(passes=Outcome.PASSED), {"test_other": "passes"}, set(), ENDED, "here", tally)
    assert tally.lost == ["here: test_other has no outcome: not in the report"]


def test_the_same_seed_makes_the_same_project(tmp_path: Path) -> None:
    kinds = []
    for name in ("a", "b"):
        directory = tmp_path / name
        directory.mkdir()
        kinds.append(soak.project(random.Random("7-3"), directory))
    assert kinds[0] == kinds[1]
    assert (tmp_path / "a" / "runner.yaml").read_text() == (tmp_path / "b" / "runner.yaml").read_text()


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_short_soak_finds_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SOURCE / "scripts" / "soak.py"), "--runs", "2", "--seed", "4"],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 4: 2 runs" in done.stdout
    assert list(tmp_path.glob("soak-*")) == []


@pytest.mark.parametrize(("struck", "sealed_at", "found"), [
    ({"truncate journal"}, -10, []),
    ({"truncate journal"}, 10, ["broken"]),
    ({"truncate journal"}, None, ["broken"]),
    (set(), -10, ["broken"]),
])  # fmt: skip
def test_a_journal_that_is_refused_is_right_only_where_it_was_cut_behind_its_seal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, struck: set[str], sealed_at: float | None, found: list[str]
) -> None:
    run = tmp_path / ".async-test-run" / "runs" / "20261129"
    run.mkdir(parents=True)
    cut, seal = run / "journal.jsonl", run / "journal.seal"
    cut.write_text("{")
    if sealed_at is not None:
        seal.write_text("{}")
        os.utime(seal, (cut.stat().st_mtime + sealed_at,) * 2)

    def refused(path: Path) -> None:
        raise ChangedJournalError("changed")

    monkeypatch.setattr(soak.journal, "read", refused)
    tally = soak.Tally()
    soak.judge(tmp_path, {}, 1, struck, "here", tally)
    assert tally.broken == ["here: changed"] * len(found)
    assert tally.refused == (not found)
