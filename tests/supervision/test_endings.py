"""Deaths and ends of processes, and what becomes of their tests."""

from __future__ import annotations

import signal

import pytest

from async_test_runner.contract.messages import CollectFailed, Missing, SessionFinished, Stage, StageDone
from async_test_runner.model.errors import ExitCode
from async_test_runner.record.events import TestFinished
from async_test_runner.record.verdict import exit_code
from tests.support.replay import FAILED, replay


def test_tests_that_pytest_leaves_at_its_limit_are_not_run() -> None:
    it = replay("a::1", "a::2", max_failures=1)
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1, "stopping after 1 failures")
    result = it.result()
    assert [test.reason for test in result.tests()] == ["", "max_failures: 1 reached"]


def test_a_test_in_flight_at_the_limit_of_failures_is_not_to_blame() -> None:
    it = replay("a::1", "a::2", workers=2, max_failures=1)
    it.begin("p/0001", "a::2", "gw1")
    it.run("p/0001", "a::1", FAILED, "gw0")
    it.over("p/0001", 1, "stopping after 1 failures")
    assert it.outcomes() == "failed not_run"


def test_a_crash_costs_the_test_in_flight_and_the_rest_goes_on_in_a_fresh_process() -> None:
    it = replay("a::1", "a::2", "a::3")
    it.run("p/0001", "a::1")
    it.begin("p/0001", "a::2")
    it.say("p/0001", StageDone, id="a::2", stage=Stage("setup", "failed", "before", "text"))
    it.exited("p/0001", -signal.SIGSEGV)
    assert it.running == {"p/0002": ["a::3"]}
    it.run("p/0002", "a::3")
    it.over("p/0002")
    result = it.result()
    assert [test.outcome.value for test in result.tests()] == ["passed", "crashed", "passed"]
    runner, stage = list(result.tests())[1].attempts[0].details
    assert runner.message == "its process was killed by SIGSEGV"
    assert stage.message == "before"


@pytest.mark.parametrize("status", [0, 1, 3, -9])
def test_a_process_that_goes_in_the_middle_of_a_test_crashed_whatever_its_status(status: int) -> None:
    it = replay("a::1")
    it.begin("p/0001", "a::1")
    it.exited("p/0001", status)
    assert it.outcomes() == "crashed"


def test_a_process_that_dies_between_two_tests_does_not_pass_unnoticed() -> None:
    it = replay("a::1", "a::2")
    it.run("p/0001", "a::1")
    it.exited("p/0001", 0)
    it.run("p/0002", "a::2")
    it.over("p/0002")
    result = it.result()
    assert [test.outcome.value for test in result.tests()] == ["passed", "passed"]
    assert "p/0001: its process exited with 0 before finishing" in result.problems[0].message
    assert exit_code(result) is ExitCode.FAILED


@pytest.mark.parametrize("status", [0, 1, -11])
def test_a_process_that_dies_after_its_last_test_does_not_pass_unnoticed(status: int) -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1")
    it.exited("p/0001", status)
    assert exit_code(it.result()) is ExitCode.FAILED


def test_a_session_that_hangs_after_its_last_test_does_not_pass_unnoticed() -> None:
    it = replay("a::1", idle=20.0)
    it.hello("p/0001")
    it.run("p/0001", "a::1")
    it.at(5.0)
    it.at(10.0)
    it.exited("p/0001", -signal.SIGTERM)
    result = it.result()
    assert "end deadline of 5s (leak_timeout)" in result.problems[0].message
    assert exit_code(result) is ExitCode.FAILED


@pytest.mark.parametrize(("used", "ends"), [(None, 5), (0.0, 5), (1.0, 50)])
def test_a_session_that_is_at_work_after_its_last_test_has_ten_times_the_time(used: float | None, ends: int) -> None:
    it = replay("a::1", idle=1000.0)
    it.hello("p/0001")
    it.run("p/0001", "a::1")
    for second in range(ends + 1):
        it.used = used and second * used
        assert bool(it.at(float(second))) is (second == ends)


def test_a_session_whose_tests_wait_has_the_time_of_a_collection() -> None:
    it = replay("a::1", "a::2", idle=20.0)
    it.hello("p/0001")
    it.run("p/0001", "a::1")
    assert it.at(19.0) == []
    assert it.at(20.0)


@pytest.mark.parametrize("finished", [False, True])
def test_a_session_that_ends_before_its_first_test_is_run_in_another_way_once(finished: bool) -> None:
    it = replay("a::1", "a::2", other_way=True)
    if finished:
        it.over("p/0001")
    else:
        it.exited("p/0001", -signal.SIGABRT)
    it.tick()
    assert it.running == {"p/0002": ["a::1", "a::2"]}
    it.run("p/0002", "a::1")
    it.run("p/0002", "a::2")
    it.over("p/0002")
    assert it.outcomes() == "passed passed"
    assert it.result().problems == ()


def test_a_session_that_hangs_before_its_first_test_is_run_in_another_way() -> None:
    it = replay("a::1", other_way=True, idle=20.0)
    it.hello("p/0001")
    assert it.at(20.0)
    it.at(25.0)
    it.exited("p/0001", -signal.SIGTERM)
    it.tick()
    it.run("p/0002", "a::1")
    it.over("p/0002")
    assert it.outcomes() == "passed"


def test_a_session_that_came_to_a_test_is_not_run_in_another_way() -> None:
    it = replay("a::1", "a::2", other_way=True)
    it.begin("p/0001", "a::1")
    it.exited("p/0001", -signal.SIGABRT)
    assert it.other_ways == 1


def test_a_session_whose_host_is_lost_before_it_began_is_started_again() -> None:
    it = replay("a::1", "a::2")
    it.supervisor.again(it.jobs["p/0001"])
    it.tick()
    assert it.running == {"p/0002": ["a::1", "a::2"]}


def test_of_several_tests_in_flight_each_runs_alone_and_the_death_stays_red() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2)
    it.begin("p/0001", "a::1", "gw0")
    it.begin("p/0001", "a::2", "gw1")
    it.exited("p/0001", -signal.SIGKILL)
    for process, id in (("p/0002", "a::3"), ("p/0003", "a::1"), ("p/0004", "a::2")):
        assert it.running == {process: [id]}
        it.run(process, id)
        it.over(process)
    result = it.result()
    assert [test.outcome.value for test in result.tests()] == ["passed"] * 3
    assert exit_code(result) is ExitCode.FAILED


def test_a_test_that_no_process_comes_past_takes_no_other_test_along() -> None:
    it = replay("a::1", "a::2", "a::3")
    it.run("p/0001", "a::1")
    it.exited("p/0001", 3)
    it.exited("p/0002", 3)
    it.exited("p/0003", 3)
    assert it.running == {"p/0004": ["a::3"]}
    it.run("p/0004", "a::3")
    it.over("p/0004")
    assert it.running == {"p/0005": ["a::2"]}
    it.exited("p/0005", 3)
    assert it.outcomes() == "passed error passed"


def test_processes_that_end_again_and_again_without_any_test_are_given_up() -> None:
    it = replay("a::1", "a::2")
    for number in range(1, 5):
        it.exited(f"p/000{number}", 3)
    result = it.result()
    assert [test.outcome.value for test in result.tests()] == ["error", "error"]
    detail = next(result.tests()).attempts[0].details[0]
    assert (
        detail.message
        == "its process ended before its first test, each time: its process exited with 3 before finishing"
    )


def test_a_session_that_finishes_without_its_tests_does_not_pass() -> None:
    it = replay("a::1")
    it.over("p/0001", 5)
    it.over("p/0002", 5)
    assert it.outcomes() == "error"


def test_a_test_that_is_not_there_any_more_is_an_error_with_what_pytest_said() -> None:
    it = replay("a::1", "a::2")
    it.say("p/0001", CollectFailed, id="a", text="SyntaxError")
    it.say("p/0001", Missing, ids=("a::1",))
    it.run("p/0001", "a::2")
    it.over("p/0001", 1)
    result = it.result()
    assert [test.outcome.value for test in result.tests()] == ["error", "passed"]
    assert "SyntaxError" in next(result.tests()).attempts[0].details[0].text


def test_what_ends_pytest_from_inside_a_test_is_that_tests_crash() -> None:
    it = replay("a::1", "a::2")
    it.begin("p/0001", "a::1")
    it.over("p/0001", 2, "_pytest.outcomes.Exit: enough")
    it.run("p/0002", "a::2")
    it.over("p/0002")
    assert it.outcomes() == "crashed passed"


def test_a_test_that_ended_pytest_is_not_late_while_its_process_ends() -> None:
    it = replay("a::1")
    it.begin("p/0001", "a::1")
    it.now = 59.0
    it.say("p/0001", SessionFinished, status=2, reason="_pytest.outcomes.Exit: enough")
    it.at(61.0)
    it.exited("p/0001", 2)
    assert it.outcomes() == "crashed"


def test_a_test_that_breaks_pytest_itself_is_blamed_once_and_with_the_exception() -> None:
    it = replay("a::1", "a::2")
    it.begin("p/0001", "a::1")
    it.say("p/0001", SessionFinished, status=3, error="OSError: bad descriptor")
    it.exited("p/0001", 1)
    it.run("p/0002", "a::2")
    it.over("p/0002")
    assert it.outcomes() == "crashed passed"
    assert it.said(TestFinished)[0].details[0].message.endswith(": OSError: bad descriptor")
    assert it.result().problems == ()


def test_a_session_that_stops_between_tests_leaves_the_rest_with_the_reason() -> None:
    it = replay("a::1", "a::2")
    it.run("p/0001", "a::1")
    it.over("p/0001", 2, "a plugin wants it")
    result = it.result()
    assert list(result.tests())[1].reason == "pytest ended its session early: a plugin wants it"


@pytest.mark.parametrize(
    ("stages", "status", "exit", "code"),
    [
        ((), 0, 0, ExitCode.PASSED),
        (FAILED, 1, 1, ExitCode.FAILED),
        ((), 1, 1, ExitCode.FAILED),  # a coverage threshold
        ((), 6, 6, ExitCode.FAILED),  # too many warnings
        ((), 0, -11, ExitCode.FAILED),  # a death in an exit handler
        ((), 0, 7, ExitCode.FAILED),
        ((), 3, 3, ExitCode.FAILED),  # an internal error of pytest
    ],
)
def test_a_status_that_its_tests_do_not_explain_makes_the_run_red(
    stages: tuple[Stage, ...], status: int, exit: int, code: ExitCode
) -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1", stages)
    it.over("p/0001", status, exit=exit)
    result = it.result()
    assert exit_code(result) is code
    assert bool(result.problems) == (code is ExitCode.FAILED and stages != FAILED)


def test_failures_that_pytest_counted_and_never_reported_make_the_run_red() -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1")
    it.say("p/0001", SessionFinished, status=1, red=1)
    it.exited("p/0001", 1)
    assert exit_code(it.result()) is ExitCode.FAILED
