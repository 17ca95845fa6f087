"""Which tests `--failed` means, from journals that tests write themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from async_test_runner.model.errors import ChangedJournalError, ExitCode, UsageError
from async_test_runner.model.inventory import CollectError, PytestFacts, TestRef
from async_test_runner.model.plan import Phase, Plan
from async_test_runner.model.result import Problem
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.events import (
    Asked,
    Collected,
    Event,
    PhasePlanned,
    ProblemFound,
    RunFinished,
    RunStarted,
    TestFinished,
)
from async_test_runner.record.journal import JournalWriter
from async_test_runner.run import failed

AT: dict[str, Any] = {"at": 1.0, "mono": 1.0}
FAILED = Asked(failed=True)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(path=tmp_path / "runner.yaml", root=tmp_path, name="p", phases=(Phase(name="a"),))


def red_in(plan: Plan) -> Asked:
    return failed.taken(FAILED, plan, plan.root)


def kept(
    plan: Plan, number: int, *events: Event, asked: Asked | None = None, path: Path | None = None, whole: bool = True
) -> str:
    """A run with these events; returns its id."""
    run_id = f"2026112{number}T000000.000Z-000000"
    directory = plan.root / "runs" / run_id
    directory.mkdir(parents=True)
    begun = RunStarted(
        **AT, version=1, run_id=run_id, plan="p", plan_path=str(path or plan.path), root="/", argv=(), runner="0",
        asked=asked or Asked(),
    )  # fmt: skip
    ended = [RunFinished(**AT, exit_code=0, wall=1.0)] if whole else []
    writer = JournalWriter(directory / "journal.jsonl")
    for event in [begun, *events, *ended]:
        writer.write(event)
    if whole:
        writer.seal()
    writer.close()
    return run_id


def outcomes_of(outcomes: dict[str, Outcome | None]) -> list[Event]:
    refs = tuple(TestRef(id, "a.py", 1) for id in outcomes)
    planned = PhasePlanned(**AT, phase="a", isolation=Isolation.PHASE, workers=1, tests=refs)
    return [
        planned,
        *(
            TestFinished(**AT, phase="a", id=id, attempt=1, outcome=outcome)
            for id, outcome in outcomes.items()
            if outcome is not None
        ),
    ]


def test_what_was_not_asked_for_reads_no_journal(plan: Plan) -> None:
    assert failed.taken(Asked(), plan, Path("/nowhere")) == Asked()


def test_red_is_all_that_has_no_good_outcome(plan: Plan) -> None:
    outcomes: dict[str, Outcome | None] = {outcome.value: outcome for outcome in Outcome if outcome != "not_run"}
    run_id = kept(plan, 1, *outcomes_of({**outcomes, "never": None}))
    asked = red_in(plan)
    assert asked.red == ("failed", "error", "timed_out", "crashed", "never")
    assert asked.red_of == run_id
    assert asked.failed


def test_a_file_that_could_not_be_collected_is_red(plan: Plan) -> None:
    errors = (CollectError("b.py", "SyntaxError"),)
    kept(plan, 1, Collected(**AT, tests=0, facts=PytestFacts(), errors=errors))
    assert red_in(plan).red == ("b.py",)


def test_a_run_that_was_killed_leaves_what_it_had_not_run(plan: Plan) -> None:
    kept(plan, 1, *outcomes_of({"one": Outcome.PASSED, "two": None}), whole=False)
    assert red_in(plan).red == ("two",)


def test_the_newest_run_counts_even_if_it_was_a_part(plan: Plan) -> None:
    kept(plan, 1, *outcomes_of({"old": Outcome.FAILED}))
    newest = kept(plan, 2, *outcomes_of({"new": Outcome.FAILED}), asked=Asked(keyword="new"))
    assert (red_in(plan).red, red_in(plan).red_of) == (("new",), newest)


def test_runs_of_other_plans_and_those_without_tests_do_not_count(plan: Plan) -> None:
    kept(plan, 1, *outcomes_of({"mine": Outcome.FAILED}))
    kept(plan, 2, *outcomes_of({"other": Outcome.FAILED}), path=plan.root / "other.yaml")
    kept(plan, 3, whole=False)
    assert red_in(plan).red == ("mine",)


def test_without_a_run_it_is_a_usage_error(plan: Plan) -> None:
    with pytest.raises(UsageError, match="is kept in") as caught:
        red_in(plan)
    assert caught.value.exit_code is ExitCode.USAGE


def test_no_red_test_is_nothing_selected_and_never_green(plan: Plan) -> None:
    run_id = kept(plan, 1, *outcomes_of({"one": Outcome.PASSED}))
    with pytest.raises(failed.NothingRedError) as caught:
        red_in(plan)
    assert caught.value.exit_code is ExitCode.NOTHING_SELECTED
    assert caught.value.message == f"--failed: no test was red in run {run_id}, so nothing runs"


def test_a_run_that_was_red_for_another_reason_is_told(plan: Plan) -> None:
    problem = ProblemFound(**AT, problem=Problem("failure", "coverage"))
    kept(plan, 1, *outcomes_of({"one": Outcome.PASSED}), problem, asked=Asked(failed=True))
    with pytest.raises(failed.NothingRedError, match=r"\(a part of the tests\), .*; it ended with exit code 1 all the"):
        red_in(plan)


def test_a_journal_that_somebody_has_changed_is_refused(plan: Plan) -> None:
    run_id = kept(plan, 1, *outcomes_of({"one": Outcome.FAILED}))
    path = plan.root / "runs" / run_id / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"failed"', b'"passed"'))
    with pytest.raises(ChangedJournalError):
        red_in(plan)
