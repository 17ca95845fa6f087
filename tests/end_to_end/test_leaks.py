"""What tests leave behind, on the real command line: named by kind, in fresh processes and in forks, alone or not."""

from __future__ import annotations

import sys

import pytest

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import HangReported
from tests.end_to_end.leaking import AIOHTTP, CLEAN, FEW, FEW_CLEAN, INI, LEAKING, NAMED
from tests.support.projects import Finished, Project, both_launchers

pytestmark = [pytest.mark.processes, pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")]


def suite(project: Project, policy: str, **files: str) -> None:
    project.write("pytest.ini", INI)
    project.write("aiohttp.py", AIOHTTP)
    for name, text in files.items():
        project.write(f"{name}.py", text)
    project.plan(f"defaults: {{leak_timeout: 5s, {policy}}}\nphases: [{{name: all}}]")


def leaks(run: Finished) -> dict[str, list[str]]:
    """Test -> ``kind: what; where`` of what it left."""
    found = {id.partition("::")[2]: test.leaks for id, test in run.tests.items()}
    return {name: [f"{leak.kind}: {leak.what}; {leak.where}" for leak in some] for name, some in found.items() if some}


def select(project: Project, isolation: str, keyword: str) -> list[str]:
    return ["-k", keyword] if (project.launcher, isolation) == ("exec", "test") else []


@both_launchers
@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_everything_that_a_test_leaves_is_named_with_the_test_and_its_line(project: Project, isolation: str) -> None:
    suite(project, f"isolation: {isolation}", test_leaking=LEAKING)
    run = project.run(*select(project, isolation, FEW)).check(0)
    found = leaks(run)
    assert set(run.outcomes.values()) == {Outcome.PASSED}
    for name in (id.partition("::")[2] for id in run.tests):
        kind, what, where = NAMED[name]
        said = [line for line in found.pop(name, []) if line.startswith(f"{kind}: ") and what in line]
        assert len(said) == 1, f"{name} is not named: {run.output}"
        assert where in said[0].rpartition("; ")[2]
    assert found == {}
    assert "secret" not in run.output


@both_launchers
@pytest.mark.parametrize("isolation", ["phase", "test"])
def test_nothing_is_said_of_tests_that_clean_up_or_share_what_lives_longer(project: Project, isolation: str) -> None:
    suite(project, f"isolation: {isolation}", test_clean=CLEAN)
    run = project.run(*select(project, isolation, FEW_CLEAN)).check(0)
    assert leaks(run) == {}


def test_a_test_that_leaves_what_is_forbidden_is_red_for_that_and_the_others_stand(project: Project) -> None:
    suite(project, "leaks: {default: ignore, tasks: fail, state: report}", test_leaking=LEAKING)
    run = project.run("-k", "test_task or test_environment or test_file or test_shared").check(1)
    assert run.outcome("test_task") is Outcome.ERROR
    assert "left behind, which the plan forbids (leaks): task flush still pending" in run.text("test_task")
    assert run.outcome("test_environment") is run.outcome("test_file") is Outcome.PASSED
    assert {name: len(some) for name, some in leaks(run).items()} == {
        "test_task": 1,
        "test_task_of_anyio": 1,
        "test_task_of_a_closed_loop": 1,
        "test_environment": 1,
    }


@pytest.mark.parametrize("scope", ["module", "session"])
def test_what_a_fixture_leaves_is_said_of_the_fixture_when_it_is_over(project: Project, scope: str) -> None:
    text = f"""
        import os, pytest
        @pytest.fixture(scope="{scope}")
        def tidy():
            os.environ["TIDY"] = "1"
            yield
            del os.environ["TIDY"]
        @pytest.fixture(scope="{scope}")
        def sloppy():
            os.environ["SLOPPY"] = "1"
            file = open("data.txt", "w")
            yield file
        def test_first(tidy, sloppy): pass
        def test_between(tidy, sloppy): pass
        def test_last(tidy, sloppy): pass
    """
    suite(project, "isolation: phase", test_fixtures=text)
    run = project.run().check(0)
    assert list(leaks(run)) == ["test_last"]
    said = " ".join(leaks(run)["test_last"])
    assert "environment: SLOPPY set; left by fixture sloppy" in said
    assert "data.txt (descriptor" in said
    assert "TIDY" not in said


@both_launchers
def test_a_process_that_will_not_exit_is_named_dumped_and_ended_and_its_results_stand(project: Project) -> None:
    project.write(
        "test_a.py",
        """
        import threading, time
        def poll():
            while True: time.sleep(0.01)
        def test_leaves(): threading.Thread(target=poll, name="poller").start()
        def test_after(): pass
        """,
    )
    project.plan("defaults: {leak_timeout: 500ms}\nphases: [{name: all}]")
    run = project.run().check(0)
    assert leaks(run).keys() == {"test_leaves"}
    (warned,) = run.result.warnings
    assert "did not exit within 500ms" in warned
    assert "thread poller, now at test_a.py:" in warned
    (report,) = [event for event in run.events if isinstance(event, HangReported)]
    assert report.why == "exit"
    assert "in poll" in report.text
