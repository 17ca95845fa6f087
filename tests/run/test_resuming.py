"""A run that is taken up again: whether it can be, what of it stands, and what is said about the changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from async_test_runner.model.errors import ExitCode, InfrastructureError, UsageError
from async_test_runner.model.inventory import CollectedTest, PytestFacts
from async_test_runner.model.plan import Phase
from async_test_runner.model.result import Problem
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.events import (
    Collected,
    Event,
    PhaseFinished,
    PhasePlanned,
    PhaseStarted,
    ProblemFound,
    RunFinished,
    RunStarted,
    TestFinished,
    TestNotRun,
    TestRef,
)
from async_test_runner.record.fold import Fold, fold
from async_test_runner.record.journal import JournalWriter
from async_test_runner.record.runs import RunDir
from async_test_runner.run.resuming import (
    NothingToResumeError,
    Recorded,
    changes,
    check,
    digest,
    keep_plan,
    newest_open,
    recorded,
    still,
)
from async_test_runner.suite.assignment import AssignedPhase, Assignment

AT: dict[str, Any] = {"at": 1.0, "mono": 1.0}


def started(**facts: Any) -> RunStarted:
    values = {"version": 1, "run_id": "r", "plan": "p", "plan_path": "/p", "root": "/", "argv": (), "runner": "0"}
    return RunStarted(**{**AT, **values, **facts})


def planned(phase: str, *ids: str) -> PhasePlanned:
    tests = tuple(TestRef(id, "a.py", 1) for id in ids)
    return PhasePlanned(**AT, phase=phase, isolation=Isolation.PHASE, workers=1, tests=tests)


def finished(phase: str, id: str, outcome: Outcome = Outcome.PASSED) -> TestFinished:
    return TestFinished(**AT, phase=phase, id=id, attempt=1, outcome=outcome)


def run_of(*events: Event, plan: Path | None = None) -> list[Event]:
    known = {"plan_path": str(plan), "plan_digest": digest(plan)} if plan is not None else {}
    return [started(**known), Collected(**AT, tests=2, facts=PytestFacts()), *events]


def ended(phase: str = "p") -> list[Event]:
    return [PhaseFinished(**AT, phase=phase, wall=1.0), RunFinished(**AT, exit_code=0, wall=1.0)]


def as_recorded(events: list[Event]) -> Recorded:
    (beginning,) = [event for event in events if isinstance(event, RunStarted)]
    return Recorded(beginning, tuple(events), fold(events))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "runner.yaml"
    path.write_text("version: 1\n")
    return path


# ------------------------------------------------------------------------------------------------- whether it can be


def written(directory: Path, *events: Event) -> RunDir:
    run = RunDir(directory)
    writer = JournalWriter(run.journal)
    for event in events:
        writer.write(event)
    writer.close()
    return run


def test_a_run_is_read_from_its_journal(tmp_path: Path, plan: Path) -> None:
    events = run_of(planned("p", "a"), finished("p", "a"), plan=plan)
    found = recorded(written(tmp_path, *events))
    assert (found.started, found.events) == (events[0], tuple(events))
    assert [test.outcome for test in found.result.tests()] == [Outcome.PASSED]


@pytest.mark.parametrize(
    ("events", "error", "said"),
    [
        ([PhaseStarted(**AT, phase="p")], InfrastructureError, "no line plans phase"),
        ([], UsageError, "ended before it had begun"),
        ([started()], UsageError, "does not say under which plan"),
    ],
)
def test_a_journal_that_does_not_say_what_was_asked_for_is_refused(
    tmp_path: Path, events: list[Event], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        recorded(written(tmp_path, *events))


@pytest.mark.parametrize(
    ("outcome", "said", "code"),
    [
        (Outcome.PASSED, "is complete, and all is well", ExitCode.PASSED),
        (Outcome.FAILED, "is complete, and ended with exit code 1", ExitCode.FAILED),
    ],
)
def test_a_run_in_which_every_test_has_its_outcome_has_nothing_to_resume(
    plan: Path, outcome: Outcome, said: str, code: ExitCode
) -> None:
    events = [planned("p", "a"), PhaseStarted(**AT, phase="p"), finished("p", "a", outcome), *ended()]
    with pytest.raises(NothingToResumeError, match=said) as caught:
        check(as_recorded(run_of(*events, plan=plan)))
    assert caught.value.exit_code is code


@pytest.mark.parametrize(
    "events",
    [
        [finished("p", "a")],  # it was killed
        [TestNotRun(**AT, phase="p", ids=("a",), reason="why"), *ended()],
        [finished("p", "a"), ProblemFound(**AT, problem=Problem("infrastructure", "a disk", "", "p")), *ended()],
    ],
)
def test_a_run_that_was_cut_off_or_stood_in_its_own_way_can_go_on(plan: Path, events: list[Event]) -> None:
    check(as_recorded(run_of(planned("p", "a"), PhaseStarted(**AT, phase="p"), *events, plan=plan)))


@pytest.mark.parametrize("text", ["version: 1\nname: other\n", None])
def test_a_run_whose_plan_is_another_one_now_is_refused(plan: Path, text: str | None) -> None:
    run = as_recorded(run_of(planned("p", "a"), plan=plan))
    check(run)
    if text is None:
        plan.unlink()
    else:
        plan.write_text(text)
    with pytest.raises(UsageError, match="has changed since run r"):
        check(run)


def test_a_plan_that_was_proposed_is_the_one_in_the_run_s_directory(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    keep_plan(run, "version: 1\nphases: [{name: é}]\n")
    events = run_of(planned("p", "a"))
    beginning = started(proposed=True, plan_path="/nowhere/runner.yaml", plan_digest=digest(run.plan))
    found = Recorded(beginning, (beginning, *events[1:]), fold([beginning, *events[1:]]), run)
    check(found)
    assert fold([beginning]).proposed
    run.plan.write_text("version: 1\nphases: [{name: other}]\n")
    with pytest.raises(UsageError, match="has changed since run r"):
        check(found)


# ------------------------------------------------------------------------------------------------ what of it stands


def assigned(**phases: str) -> Assignment:
    found = tuple(
        AssignedPhase(Phase(name=name), tuple(CollectedTest(id, "a.py", 1) for id in ids.split()))
        for name, ids in phases.items()
    )
    return Assignment(phases=found)


BEFORE = run_of(
    planned("p", "stays", "moves", "gone", "lost"),
    planned("q"),
    finished("p", "stays"),
    finished("p", "moves", Outcome.FAILED),
    finished("p", "gone", Outcome.FAILED),
)


def test_what_is_said_about_tests_that_are_not_what_they_were() -> None:
    said = [*changes(fold(BEFORE), assigned(p="stays new", q="moves"))]
    *warnings, problem = said
    assert warnings == [
        "1 test new since the run was begun, run now: new",
        "1 test in another phase than when the run was begun, run again: moves",
        "1 test of the run not collected any more, outcome kept: gone",
    ]
    assert isinstance(problem, Problem)
    assert (problem.kind, problem.message.endswith("not collected: lost")) == ("failure", True)


def test_a_test_that_needs_one_that_ran_before_makes_the_run_red() -> None:
    lost, stays = CollectedTest("lost", "a.py", 1, depends=("stays",)), CollectedTest("stays", "a.py", 1)
    others = tuple(CollectedTest(id, "a.py", 1) for id in ("moves", "gone"))
    now = Assignment(phases=(AssignedPhase(Phase(name="p"), (stays, lost, *others)),))
    (problem,) = changes(fold(BEFORE), now)
    assert isinstance(problem, Problem)
    assert problem.message == "1 test may be skipped now, as others that they need ran before: lost"


def test_nothing_is_said_where_nothing_has_changed() -> None:
    assert [*changes(fold(BEFORE), assigned(p="stays moves gone lost"))] == []


def test_of_many_tests_some_are_named() -> None:
    (said,) = changes(fold(BEFORE), assigned(p="stays moves gone lost " + " ".join(f"n{n}" for n in range(7))))
    assert str(said).endswith("n0, n1, n2, n3, n4 and 2 more")


def test_the_outcome_of_a_vanished_test_stays_in_its_phase_and_a_moved_one_runs_again() -> None:
    state = Fold()
    for event in BEFORE:
        state.add(event)
    kept = still(state.kept(), fold(BEFORE), assigned(p="stays", q="moves"))
    assert [test.id for test in kept["p"].gone] == ["gone"]
    assert kept["p"].counts == {Outcome.PASSED: 1, Outcome.FAILED: 1}
    assert kept["q"].gone == ()


def test_a_plan_that_cannot_be_read_has_no_digest(tmp_path: Path) -> None:
    assert digest(tmp_path / "gone.yaml") == ""


def test_the_newest_run_that_is_not_complete_is_the_one_to_resume(tmp_path: Path, plan: Path) -> None:
    complete = run_of(planned("p", "a"), PhaseStarted(**AT, phase="p"), finished("p", "a"), *ended(), plan=plan)
    killed = run_of(planned("p", "a"), PhaseStarted(**AT, phase="p"), plan=plan)
    for day, events in ((1, killed), (2, killed), (3, complete), (4, [])):
        directory = tmp_path / "runs" / f"2026112{day}T000000.000Z-000000"
        directory.mkdir(parents=True)
        written(directory, *events)
    found = newest_open(tmp_path)
    assert found is not None
    assert found.parent.name.startswith("20261122")
    found.unlink()
    (tmp_path / "runs" / "20261121T000000.000Z-000000" / "journal.jsonl").unlink()
    assert newest_open(tmp_path) is None
