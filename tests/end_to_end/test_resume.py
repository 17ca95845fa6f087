"""Runs that are killed or interrupted, and taken up again, for real."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record import journal
from async_test_runner.record.events import PhaseStarted, TestFinished, TestStarted
from tests.support.projects import Finished, Project, Running, survivors, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="needs the guardian")]

# Each test leaves a line: so it is known how often it ran. The one that hangs does so until "go" is there.
TESTS = """
import pathlib, time
import pytest

def ran(name):
    with open("ran.txt", "a") as file: file.write(name + "\\n")

def test_first(): ran("first")

def test_fails():
    ran("fails")
    assert False, "as it was"

def test_hangs():
    ran("hangs")
    pathlib.Path("hanging").touch()
    while not pathlib.Path("go").exists(): time.sleep(0.02)

def test_last(): ran("last")
"""
PHASES = "phases: [{name: early, keyword: first}, {name: late%s}]"


def began(project: Project, more: str = "", tests: str = TESTS) -> Path:
    """A run that was killed in the middle, with everything up to there in its journal."""
    project.plan(PHASES % more)
    project.write("test_it.py", tests)
    running = project.start("run").until("hanging")
    path = project.newest()
    assert path is not None
    wait_until(lambda: any(isinstance(e, TestStarted) and "hangs" in e.id for e in events(path)))
    kill(running)
    (project.root / "go").touch()
    return path


def kill(running: Running) -> None:
    """The runner, and wait for the end of what it had started: a test that is let go too early would go on."""
    running.signal(signal.SIGKILL).process.wait()
    wait_until(lambda: survivors(running.mark) == [])


def events(path: Path) -> list[object]:
    return list(journal.read(path / journal.FILE_NAME))


def unsealed(path: Path) -> Path:
    """The journal of a run, as it is where the guardian was killed too."""
    (path / "journal.seal").unlink()
    return path / journal.FILE_NAME


def resumed(project: Project, *arguments: str) -> Finished:
    return project.start("run", "--resume", *arguments).wait()


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """As anywhere, but the launcher is asked for by the plan: a resumed run takes no option."""
    return Project(tmp_path, "auto")


@pytest.fixture(params=["exec", "warm"])
def launcher(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ran(project: Project) -> Counter[str]:
    return Counter((project.root / "ran.txt").read_text().split())


@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_what_has_an_outcome_is_kept_and_the_rest_is_run(project: Project, launcher: str, isolation: str) -> None:
    path = began(project, f", isolation: {isolation}, launcher: {launcher}")
    finished = resumed(project).check(1)
    assert finished.run == path, "the run goes on where it was"
    assert {id.partition("::")[2]: outcome for id, outcome in finished.outcomes.items()} == {
        "test_first": Outcome.PASSED,
        "test_fails": Outcome.FAILED,
        "test_hangs": Outcome.PASSED,
        "test_last": Outcome.PASSED,
    }
    assert ran(project) == {"first": 1, "fails": 1, "hangs": 2, "last": 1}
    assert "RESUMED" in finished.output
    started = [event.phase for event in finished.events if isinstance(event, PhaseStarted)]
    assert started == ["early", "late", "late"], "a phase that is over is not begun again"


def test_a_run_that_was_killed_again_and_again_comes_to_its_end(project: Project) -> None:
    began(project)
    (project.root / "go").unlink()
    for _ in range(2):
        (project.root / "hanging").unlink()
        kill(project.start("run", "--resume").until("hanging"))
    (project.root / "go").touch()
    finished = resumed(project).check(1)
    assert ran(project) == {"first": 1, "fails": 1, "hangs": 4, "last": 1}
    assert len({event.process for event in finished.events if isinstance(event, TestFinished)}) == 3
    processes = finished.result.phases[1].processes
    assert [process.status for process in processes] == [None, None, None, 0], "nobody saw the first ones end"
    assert len({process.name for process in processes}) == 4
    assert all(process.at <= process.ended <= after.at for process, after in pairwise(processes))


def test_an_interrupted_run_is_taken_up_too(project: Project) -> None:
    project.plan(PHASES % ", grace: 20s")
    project.write("test_it.py", TESTS)
    project.start("run").until("hanging").signal(signal.SIGINT).wait().check(130)
    (project.root / "go").touch()
    finished = resumed(project).check(1)
    assert ran(project) == {"first": 1, "fails": 1, "hangs": 2, "last": 1}
    assert "INTERRUPTED" not in finished.output


def test_attempts_go_on_where_they_were(project: Project) -> None:
    tests = """
    import pathlib, time
    def test_flaky():
        with open("ran.txt", "a") as file: file.write("flaky\\n")
        tries = len(open("ran.txt").read().split())
        assert tries != 1
        pathlib.Path("hanging").touch()
        while not pathlib.Path("go").exists(): time.sleep(0.02)
        assert tries != 3
    def test_hangs_as_a_name(): pass
    """
    project.plan("phases: [{name: p, isolation: test, retries: {count: 3}}]")
    project.write("test_it.py", tests)
    running = project.start("run").until("hanging")
    path = project.newest()
    assert path is not None
    wait_until(lambda: any(isinstance(e, TestStarted) and e.attempt == 2 for e in events(path)))
    kill(running)
    (project.root / "go").touch()
    finished = resumed(project).check(0)
    test = next(test for test in finished.result.tests() if "flaky" in test.id)
    assert [(attempt.number, attempt.outcome) for attempt in test.attempts] == [
        (1, Outcome.FAILED),
        (2, Outcome.FAILED),
        (3, Outcome.PASSED),
    ]
    assert test.flaky


def test_setup_runs_again_and_a_teardown_that_was_missed_is_made_up_for(project: Project) -> None:
    setup, teardown = (f"{{run: echo {what} >> commands, shell: true}}" for what in ("up", "down"))
    began(project, f", setup: [{setup}], teardown: [{teardown}]")
    resumed(project).check(1)
    assert (project.root / "commands").read_text().split() == ["up", "up", "down"]


def test_a_setup_that_failed_may_succeed_now(project: Project) -> None:
    project.plan("phases: [{name: p, setup: [test -e database]}]")
    project.write("test_it.py", "def test_it(): pass\n")
    assert project.start("run").wait().check(4).outcome("test_it") is Outcome.NOT_RUN
    project.write("database", "")
    assert resumed(project).check(0).outcome("test_it") is Outcome.PASSED


def test_what_the_command_line_had_asked_for_still_holds(project: Project) -> None:
    project.plan(PHASES % "")
    project.write("test_it.py", TESTS)
    kill(project.start("run", "-k", "hangs or fails").until("hanging"))
    (project.root / "go").touch()
    finished = resumed(project, "--junit", "out.xml").check(1)
    assert sorted(id.partition("::test_")[2] for id in finished.outcomes) == ["fails", "hangs"]
    assert (project.root / "out.xml").exists()


# ------------------------------------------------------------------------------------------------- what has changed


def test_new_tests_run_and_vanished_ones_are_told(project: Project) -> None:
    began(project)
    project.write("test_it.py", TESTS.replace("test_fails", "test_new").replace("assert False", "return; assert 0"))
    finished = resumed(project).check(1)
    assert {id.partition("::test_")[2]: outcome.value for id, outcome in finished.outcomes.items()} == {
        "first": "passed",
        "fails": "failed",
        "hangs": "passed",
        "last": "passed",
        "new": "passed",
    }
    assert "1 test new since the run was begun, run now: test_it.py::test_new" in finished.output
    assert "1 test of the run not collected any more, outcome kept: test_it.py::test_fails" in finished.output


def test_a_test_that_had_not_run_and_is_gone_makes_the_run_red(project: Project) -> None:
    began(project, tests=TESTS.replace("assert False", "return; assert 0"))
    project.write("test_it.py", TESTS.replace("assert False", "return; assert 0").replace("def test_last", "def last"))
    finished = resumed(project).check(1)
    assert finished.problems == [
        "1 test of the run had not run, and cannot any more: not collected: test_it.py::test_last"
    ]


def test_a_changed_plan_is_refused(project: Project) -> None:
    began(project)
    project.plan(PHASES % ", workers: 2")
    finished = resumed(project)
    assert finished.code == 2
    assert "runner.yaml has changed since run" in finished.output


def test_a_run_that_is_complete_has_nothing_to_resume(project: Project) -> None:
    project.plan("phases: [{name: p}]")
    project.write("test_it.py", "def test_it(): pass\n")
    project.run().check(0)
    before = (project.newest() / journal.FILE_NAME).read_bytes()  # type: ignore[operator]
    finished = resumed(project)
    assert finished.code == 0
    assert "nothing to resume" in finished.output
    assert (project.newest() / journal.FILE_NAME).read_bytes() == before  # type: ignore[operator]


def test_a_red_run_that_is_complete_stays_red(project: Project) -> None:
    project.plan("phases: [{name: p}]")
    project.write("test_it.py", "def test_it(): assert 0\n")
    project.run().check(1)
    finished = resumed(project)
    assert finished.code == 1
    assert "nothing to resume" in finished.output


@pytest.mark.parametrize("arguments", [("-k", "first"), ("--workers", "2"), ("early",), ("--", "-x")])
def test_options_that_would_change_the_run_are_refused(project: Project, arguments: tuple[str, ...]) -> None:
    began(project)
    run = ("--resume=" if arguments[0] == "early" else "--resume",)
    finished = project.start("run", *run, *arguments).wait()
    assert finished.code == 2
    assert "cannot be given with it" in finished.output or "no run" in finished.output


def test_a_run_that_is_still_at_work_is_not_taken_up_by_another(project: Project) -> None:
    project.plan(PHASES % "")
    project.write("test_it.py", TESTS)
    first = project.start("run").until("hanging")
    second = resumed(project)
    assert second.code == 2
    assert "still at work in another process" in second.output
    (project.root / "go").touch()
    first.wait().check(1)


def test_two_cannot_resume_the_same_run_at_the_same_time(project: Project) -> None:
    path = began(project)
    (project.root / "go").unlink()
    (project.root / "hanging").unlink()
    first = project.start("run", "--resume", path.name).until("hanging")
    second = resumed(project, path.name)
    assert second.code == 2
    assert "still at work in another process" in second.output
    (project.root / "go").touch()
    first.wait().check(1)
    assert ran(project) == {"first": 1, "fails": 1, "hangs": 2, "last": 1}


def test_a_run_that_was_killed_before_its_first_line_is_not_resumed(project: Project) -> None:
    path = began(project)
    unsealed(path).write_bytes(b"")
    finished = resumed(project)
    assert finished.code == 2
    assert f"run {path.name} was ended before it had begun" in finished.output


def test_a_torn_last_line_is_no_obstacle(project: Project) -> None:
    path = began(project)
    with unsealed(path).open("ab") as file:
        file.write(b'{"kind": "test_fini')
    resumed(project).check(1)
    wait_until(lambda: survivors(str(path)) == [])
