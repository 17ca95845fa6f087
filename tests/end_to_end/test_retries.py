"""Tests that are red once: retries, flaky tests, and tests that depend on the order, with real processes."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from async_test_runner.model.result import TestResult
from async_test_runner.model.vocabulary import Outcome
from tests.support.projects import Finished, Project, both_launchers

pytestmark = pytest.mark.processes

POLLUTED = """
    import pytest
    seen = []

    def test_first():
        seen.append(1)

    def test_polluted():
        assert not seen

    def test_broken():
        assert not "broken"

    @pytest.fixture(scope="module")
    def clean():
        assert not seen

    def test_fixture(clean):
        pass
    """


def found(run: Finished, name: str) -> TestResult:
    (test,) = [test for id, test in run.tests.items() if id.endswith(name)]
    return test


def case(run: Finished, name: str) -> ElementTree.Element:
    (element,) = [case for cases in run.cases().values() for case in cases if case.get("name") == name]
    return element


@both_launchers
def test_a_red_test_is_run_once_more_alone_and_stays_red(project: Project) -> None:
    project.plan("phases: [{name: all, recheck: true}]")
    project.write("test_a.py", POLLUTED)
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "failed", "failed", "error"]
    assert [test.order_dependent for test in run.tests.values()] == [False, True, False, True]
    assert [len(test.attempts) for test in run.tests.values()] == [1, 1, 1, 1]
    polluted, broken = found(run, "test_polluted"), found(run, "test_broken")
    assert polluted.recheck is not None and broken.recheck is not None
    assert polluted.recheck.before == ("test_a.py::test_first",)
    assert broken.recheck.outcome is Outcome.FAILED
    assert "order-dependent: passed alone" in (case(run, "test_polluted").findtext("failure") or "")
    assert "2 order-dependent" in run.output
    assert run.run is not None
    summary = json.loads((run.run / "summary.json").read_text())
    assert summary["sequences"][0][:2] == ["test_a.py::test_first", "test_a.py::test_polluted"]
    written = ElementTree.parse(run.run / "phases" / "all.xml").iter("testcase")
    assert [element.get("name") for element in written] == [
        "test_first",
        "test_polluted",
        "test_broken",
        "test_fixture",
    ]


def test_retries_do_not_hide_that_a_test_depends_on_the_order(project: Project) -> None:
    project.plan("phases: [{name: all, recheck: true, retries: 1}]")
    project.write("test_a.py", "seen = []\ndef test_first(): seen.append(1)\ndef test_polluted(): assert not seen\n")
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "failed"]
    polluted = found(run, "test_polluted")
    assert (polluted.order_dependent, polluted.flaky, len(polluted.attempts)) == (True, False, 2)
    assert "passed alone in a fresh process, but not after 1 test in all/0001: probably order-dependent" in run.output


def test_a_test_that_passes_alone_is_still_among_the_last_failures(project: Project) -> None:
    project.plan("phases: [{name: all, recheck: true}]")
    project.write("test_a.py", POLLUTED)
    project.run().check(1)
    cache = json.loads((project.root / ".pytest_cache" / "v" / "cache" / "lastfailed").read_text())
    assert set(cache) == {f"test_a.py::{name}" for name in ("test_polluted", "test_broken", "test_fixture")}


def test_a_plan_may_let_tests_pass_that_depend_on_the_order_only(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: file, workers: 2, recheck: true, order_dependent: pass}]")
    for name in ("test_a.py", "test_b.py"):
        project.write(name, "seen = []\ndef test_first(): seen.append(1)\ndef test_polluted(): assert not seen\n")
    run = project.run().check(0)
    assert [test.order_dependent for test in run.tests.values()] == [False, True, False, True]
    assert [child.tag for child in case_of(run, "test_b", "test_polluted") if child.tag != "properties"] == [
        "flakyFailure"
    ]


def case_of(run: Finished, classname: str, name: str) -> ElementTree.Element:
    (element,) = [
        case
        for cases in run.cases().values()
        for case in cases
        if (case.get("classname"), case.get("name")) == (classname, name)
    ]
    return element


def test_tests_with_processes_of_their_own_are_not_rechecked(project: Project) -> None:
    project.plan("phases: [{name: all, isolation: test, recheck: true, workers: 2}]")
    project.write("test_a.py", "def test_a(): assert 0\ndef test_b(): assert 0\n")
    run = project.run().check(1)
    assert [test.recheck for test in run.tests.values()] == [None, None]


def test_what_hangs_or_crashes_after_others_only_depends_on_the_order(project: Project) -> None:
    project.plan("phases: [{name: all, recheck: true, test_timeout: 8s, grace: 500ms}]")
    project.write(
        "test_a.py",
        """
        import os, threading
        lock = threading.Lock()
        crash = []
        def test_forgets(): lock.acquire(); crash.append(1)
        def test_waits(): assert lock.acquire()
        def test_forgets_again(): crash.append(1)
        def test_crashes():
            if crash: os._exit(3)
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "timed_out", "passed", "crashed"]
    assert [test.order_dependent for test in run.tests.values()] == [False, True, False, True]


def test_a_flaky_test_fails_where_the_plan_wants_it(project: Project) -> None:
    project.plan("phases: [{name: all, retries: 1, flaky: fail}]")
    project.write(
        "test_a.py",
        """
        import pathlib
        def test_flaky():
            path = pathlib.Path("seen")
            if not path.exists():
                path.touch()
                assert 0
        """,
    )
    run = project.run().check(1)
    (test,) = run.tests.values()
    assert (test.flaky, test.outcome, len(test.attempts)) == (True, Outcome.FAILED, 2)
    element = case(run, "test_flaky")
    assert [child.tag for child in element if child.tag != "properties"] == ["failure", "flakyFailure"]
    failure = element.find("failure")
    assert failure is not None and failure.get("type") == "flaky failure"


@both_launchers
@pytest.mark.parametrize(("isolation", "processes"), [("same", 1), ("test", 2)])
def test_new_attempts_have_a_process_together_or_each_its_own(project: Project, isolation: str, processes: int) -> None:
    project.plan(f"phases: [{{name: all, retries: {{count: 1, isolation: {isolation}}}}}]")
    project.write(
        "test_a.py",
        """
        import os, pathlib, pytest
        @pytest.mark.parametrize("n", [1, 2])
        def test_flaky(n):
            path = pathlib.Path(f"seen{n}")
            again = path.exists()
            path.write_text(str(os.getpid()))
            assert again
        """,
    )
    run = project.run().check(0)
    assert all(test.flaky for test in run.tests.values())
    assert len({(project.root / f"seen{n}").read_text() for n in (1, 2)}) == processes


def test_an_undivided_phase_stops_when_enough_tests_have_failed_for_good(project: Project) -> None:
    project.plan("phases: [{name: all, retries: 1, max_failures: 2}]")
    project.write(
        "test_a.py",
        """
        import pathlib, pytest
        def test_flaky():
            path = pathlib.Path("seen")
            if not path.exists():
                path.touch()
                assert 0
        @pytest.mark.parametrize("n", range(4))
        def test_red(n): assert 0
        def test_last(): pathlib.Path("last").touch()
        """,
    )
    run = project.run().check(1)
    words = [outcome.value for outcome in run.outcomes.values()]
    assert words == ["passed", "failed", "failed", "not_run", "not_run", "not_run"]
    assert not (project.root / "last").exists()


@both_launchers
def test_retries_in_a_fresh_process_and_the_last_attempt_decides(project: Project) -> None:
    project.plan("phases: [{name: all, retries: {count: 2, delay: 50ms}, test_timeout: 3s, grace: 300ms}]")
    project.write(
        "test_a.py",
        """
        import os, pathlib, pytest, time
        def attempt(name):
            path = pathlib.Path(name + ".attempts")
            with path.open("a") as file: file.write("x")
            return len(path.read_text())
        def test_good(): attempt("good")
        def test_flaky(): assert attempt("flaky") == 3
        def test_crashes_once():
            if attempt("crashes") == 1: os._exit(1)
        def test_hangs_once():
            if attempt("hangs") == 1: time.sleep(600)
        def test_red(): assert not attempt("red")
        """,
    )
    run = project.run().check(1)
    assert [outcome.value for outcome in run.outcomes.values()] == ["passed", "passed", "passed", "passed", "failed"]
    assert [len(test.attempts) for test in run.tests.values()] == [1, 3, 2, 2, 3]
    assert [test.flaky for test in run.tests.values()] == [False, True, True, True, False]
    assert (project.root / "good.attempts").read_text() == "x"
