"""What happens when time is up."""

from __future__ import annotations

import signal

import pytest

from async_test_runner.contract.messages import LeftBehind, SessionFinished
from async_test_runner.model.errors import ExitCode
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.record.events import DeadlineReached, Warned
from async_test_runner.record.verdict import exit_code
from async_test_runner.supervision.actions import Ask, Signal
from tests.support.replay import DUMP, FAILED, replay


def test_a_hung_test_is_asked_then_terminated_then_killed() -> None:
    it = replay("a::1", "a::2")
    it.hello("p/0001", 77)
    it.begin("p/0001", "a::1")
    assert it.at(59.9) == []
    (ask,) = it.at(60.0)
    assert isinstance(ask, Ask)
    assert (ask.id, ask.pid, ask.dump_signal) == ("a::1", 77, DUMP)
    assert it.at(64.9) == []
    assert it.at(65.0) == [Signal("p/0001", signal.SIGTERM)]
    assert it.at(66.0) == []
    assert it.at(70.0) == [Signal("p/0001", signal.SIGKILL)]
    assert it.at(999.0) == []
    it.exited("p/0001", -signal.SIGKILL)
    assert it.running == {"p/0002": ["a::2"]}
    it.run("p/0002", "a::2")
    it.over("p/0002")
    result = it.result()
    assert [test.outcome.value for test in result.tests()] == ["timed_out", "passed"]
    (detail,) = next(result.tests()).attempts[0].details
    assert detail.message == "exceeded its test deadline of 1m (test_timeout)"
    assert detail.text.endswith("log of p/0001")
    assert result.problems == ()


def test_a_test_that_is_failed_from_inside_ends_the_escalation() -> None:
    it = replay("a::1", "a::2")
    it.hello("p/0001")
    it.begin("p/0001", "a::1")
    it.at(60.0)
    it.end("p/0001", "a::1", FAILED)
    assert it.at(80.0) == []
    it.run("p/0001", "a::2")
    it.over("p/0001", 1)
    assert it.outcomes() == "timed_out passed"


def test_a_test_that_ends_after_its_deadline_is_late_even_if_it_passes() -> None:
    it = replay("a::1")
    it.hello("p/0001")
    it.begin("p/0001", "a::1")
    it.at(60.0)
    it.begin("p/0001", "a::1")  # a plugin that repeats it does not give it more time
    it.end("p/0001", "a::1")
    it.over("p/0001")
    assert it.outcomes() == "timed_out"


def test_each_worker_has_an_escalation_of_its_own() -> None:
    it = replay("a::1", "a::2", workers=2)
    it.hello("p/0001", 10)
    for worker, pid, id in (("gw0", 11, "a::1"), ("gw1", 12, "a::2")):
        it.hello("p/0001", pid, worker)
        it.begin("p/0001", id, worker)
    assert [ask.pid for ask in it.at(60.0) if isinstance(ask, Ask)] == [11, 12]
    it.end("p/0001", "a::1", FAILED, "gw0")  # the one gives in, the other does not
    assert it.at(65.0) == [Signal("p/0001", signal.SIGTERM, 12)]
    assert it.at(70.0) == [Signal("p/0001", signal.SIGKILL, 12)]


def test_a_process_that_never_said_how_to_reach_it_is_ended_all_the_same() -> None:
    it = replay("a::1")
    it.begin("p/0001", "a::1")
    it.at(60.0)
    assert it.at(65.0) == [Signal("p/0001", signal.SIGTERM)]


def test_a_phase_deadline_blames_who_runs_and_leaves_the_rest() -> None:
    it = replay("a::1", "a::2", "a::3", timeout=30.0)
    it.hello("p/0001")
    it.run("p/0001", "a::1")
    it.begin("p/0001", "a::2")
    (ask,) = it.at(30.0)
    assert isinstance(ask, Ask)
    assert it.at(35.0) == [Signal("p/0001", signal.SIGTERM)]
    it.exited("p/0001", -signal.SIGTERM)
    assert it.outcomes() == "passed timed_out not_run"
    assert [event.budget for event in it.said(DeadlineReached)] == ["phase"]


def test_a_run_deadline_works_like_that_of_a_phase() -> None:
    it = replay("a::1", "a::2", isolation=Isolation.TEST, run_timeout=30.0)
    it.hello("p/0001")
    it.begin("p/0001", "a::1")
    it.at(30.0)
    it.at(35.0)
    it.exited("p/0001", -signal.SIGTERM)
    result = it.result()
    assert [test.reason for test in result.tests()] == ["", "the run deadline of 30s was reached before it"]


def test_a_session_that_hangs_while_it_collects_is_ended() -> None:
    it = replay("a::1", idle=20.0)
    it.hello("p/0001")
    assert it.at(19.0) == []
    assert [type(action) for action in it.at(20.0)] == [Ask]
    assert it.at(25.0) == [Signal("p/0001", signal.SIGTERM)]
    it.exited("p/0001", -signal.SIGTERM)
    assert it.outcomes() == "not_run"
    assert [event.budget for event in it.said(DeadlineReached)] == ["collection"]


def test_a_running_test_is_not_idle() -> None:
    it = replay("a::1", idle=20.0)
    it.hello("p/0001")
    it.begin("p/0001", "a::1")
    assert it.at(50.0) == []


def test_a_process_that_stays_after_its_tests_is_ended_and_its_results_stand() -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1")
    it.say("p/0001", SessionFinished, status=0)
    assert it.at(4.9) == []
    assert it.at(5.0) == [Signal("p/0001", signal.SIGTERM)]
    assert it.at(10.0) == [Signal("p/0001", signal.SIGKILL)]
    it.exited("p/0001", -signal.SIGKILL)
    result = it.result()
    assert exit_code(result) is ExitCode.PASSED
    assert "did not exit within 5s" in it.said(Warned)[0].message


def test_a_process_that_stays_dumps_and_is_named_before_it_is_ended() -> None:
    it = replay("a::1", leak_timeout=2.0, grace=30.0)
    it.hello("p/0001", pid=7)
    it.run("p/0001", "a::1")
    it.say("p/0001", LeftBehind, worker="", what="thread poller, now at a.py:7 in poll")
    it.say("p/0001", SessionFinished, status=0)
    assert it.at(1.9) == []
    assert it.at(2.0) == [Ask("p/0001", "", "", 7, DUMP, "exit")]
    it.answer("p/0001", "", "exit", "a.py:7 in poll", pid=7)
    assert it.at(2.8) == []
    assert it.at(3.0) == [Signal("p/0001", signal.SIGTERM)]
    it.exited("p/0001", -signal.SIGTERM)
    (warned,) = it.said(Warned)
    assert "thread poller, now at a.py:7 in poll; most likely: a.py:7 in poll" in warned.message
    assert exit_code(it.result()) is ExitCode.PASSED


@pytest.mark.parametrize(
    ("number", "code"),
    [(DUMP, ExitCode.PASSED), (signal.SIGSEGV, ExitCode.FAILED)],
    ids=["of the question", "of itself"],
)
def test_a_process_that_dies_of_the_question_what_holds_it_was_only_slow_to_exit(number: int, code: ExitCode) -> None:
    it = replay("a::1", leak_timeout=2.0)
    it.hello("p/0001")
    it.run("p/0001", "a::1")
    it.say("p/0001", SessionFinished, status=0)
    it.at(2.0)
    it.exited("p/0001", -number)
    assert exit_code(it.result()) is code


def test_what_was_left_and_ended_by_itself_is_not_spoken_of() -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1")
    it.say("p/0001", LeftBehind, worker="", what="thread pool")
    it.over("p/0001")
    assert it.said(Warned) == []
