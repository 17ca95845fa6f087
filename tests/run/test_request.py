"""Which tests a command line means, under a plan."""

from __future__ import annotations

from pathlib import Path

from async_test_runner.model.plan import Phase, Plan
from async_test_runner.record.events import Asked
from async_test_runner.run.request import Request, narrowing_of, notes
from async_test_runner.suite.assignment import Narrowing
from async_test_runner.suite.targets import Target

ROOT = Path("/project")
PLAN = Plan(path=ROOT / "runner.yaml", root=ROOT, name="project", phases=(Phase(name="sync"), Phase(name="async")))


def test_a_word_is_a_phase_before_it_is_a_place() -> None:
    asked = Asked(phases=("sync", "tests", "./async"), places=("/project/sync", "/project/tests", "/project/async"))
    assert narrowing_of(asked, PLAN) == Narrowing(
        phases=("sync",), targets=(Target("tests", "/project/tests"), Target("./async", "/project/async"))
    )


def test_a_word_that_can_be_no_place_stays_a_phase_and_is_refused_as_one() -> None:
    assert narrowing_of(Asked(phases=("snyc",), places=("",)), PLAN) == Narrowing(phases=("snyc",))


def test_journals_from_before_there_were_places_name_phases() -> None:
    assert narrowing_of(Asked(phases=("sync", "async")), PLAN) == Narrowing(phases=("sync", "async"))


def test_everything_else_that_narrows_is_taken_over() -> None:
    asked = Asked(files=("/a",), markers="m", keyword="k", tests=("t",), red=("r",), red_of="run")
    assert narrowing_of(asked, PLAN) == Narrowing(
        files=("/a",), markers="m", keyword="k", tests=("t",), red=("r",), red_of="run"
    )


def test_more_workers_than_the_plan_gives_are_not_promised() -> None:
    phases = (Phase(name="sync"), Phase(name="async", workers=2), Phase(name="rest"))
    assert notes(Asked(workers=4), phases) == [
        "--workers is an upper limit, and the plan gives no `workers` to phases sync, rest"
    ]
    assert notes(Asked(workers=4), phases[:1])[0].endswith("to phase sync")
    assert notes(Asked(workers=4), phases[1:2]) == []
    assert notes(Asked(workers=1), phases) == []
    assert notes(Asked(), phases) == []


def test_a_plan_is_read_from_its_proposal_or_its_file_and_changed_by_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "runner.yaml").write_text("version: 1\nphases: [{name: written}]\n")
    plan, asked = tmp_path / "runner.yaml", Asked(max_failures=1)
    proposal = "version: 1\nphases: [{name: proposed}]\n"
    for text, name in (("", "written"), (proposal, "proposed")):
        (phase,) = Request(plan=plan, proposal=text, asked=asked).loaded().phases
        assert (phase.name, phase.max_failures) == (name, 1)
