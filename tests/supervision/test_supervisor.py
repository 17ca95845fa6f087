"""The phase as a whole: interruptions, and what cannot start."""

from __future__ import annotations

import signal

import pytest

from async_test_runner.contract.messages import Finished, Stage, WorkerDied
from async_test_runner.model.errors import ExitCode
from async_test_runner.model.plan import Retries
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.verdict import exit_code
from async_test_runner.supervision.actions import Ask, Signal, Start
from tests.support.replay import EPOCH, FAILED, MONO, Replay, replay


def test_a_session_that_cannot_start_ends_the_phase_as_infrastructure() -> None:
    it = Replay("a::1", "a::2", isolation=Isolation.TEST)
    (start,) = it.supervisor.tick()
    assert isinstance(start, Start)
    it.supervisor.not_started(start.job, "no room")
    result = it.result()
    assert [test.reason for test in result.tests()] == ["no room", "no room"]
    assert exit_code(result) is ExitCode.INFRASTRUCTURE


def test_the_first_signal_is_passed_on_and_followed_by_a_kill_after_the_grace() -> None:
    it = replay("a::1", "a::2", "a::3", isolation=Isolation.TEST, workers=2)
    it.hello("p/0001")
    it.begin("p/0001", "a::1")
    asked, passed_on = it.supervisor.interrupt("SIGINT", signal.SIGINT, at_once=False)
    assert isinstance(asked, Ask)
    assert (asked.process, asked.why) == ("p/0001", "interrupted")  # the other runs no test
    assert passed_on == Signal("p/0002", signal.SIGINT)
    it.answer("p/0001", "a::1", "interrupted")
    assert it.at(0.01) == [Signal("p/0001", signal.SIGINT)]
    assert it.at(4.9) == []
    it.exited("p/0001", 2)
    assert it.at(5.0) == [Signal("p/0002", signal.SIGKILL)]
    it.exited("p/0002", -9)
    result = it.result()
    assert [test.reason for test in result.tests()] == [
        "interrupted by SIGINT after 0s, at a.py:1 in f",
        "interrupted by SIGINT",
        "interrupted by SIGINT",
    ]
    assert result.phases[0].reason == "interrupted by SIGINT"


def test_a_signal_does_not_wait_long_for_a_process_that_does_not_answer() -> None:
    it = replay("a::1")
    it.hello("p/0001")
    it.begin("p/0001", "a::1")
    it.now = 3.0
    (asked,) = it.supervisor.interrupt("SIGTERM", signal.SIGTERM, at_once=False)
    assert isinstance(asked, Ask)
    assert Signal("p/0001", signal.SIGTERM) not in it.at(3.5)
    assert Signal("p/0001", signal.SIGTERM) in it.at(3.6)
    assert Signal("p/0001", signal.SIGTERM) not in it.at(3.7)
    it.over("p/0001", 2, "KeyboardInterrupt")
    (test,) = it.result().tests()
    assert test.reason == "interrupted by SIGTERM after 3s"


def test_a_second_signal_kills_at_once_also_where_the_first_still_waits() -> None:
    it = replay("a::1")
    it.hello("p/0001")
    it.begin("p/0001", "a::1")
    it.supervisor.interrupt("SIGINT", signal.SIGINT, at_once=False)
    assert it.supervisor.interrupt("SIGINT", signal.SIGINT, at_once=True) == [Signal("p/0001", signal.SIGKILL)]
    assert Signal("p/0001", signal.SIGINT) not in it.at(1.0)


def test_a_second_signal_kills_at_once() -> None:
    it = replay("a::1")
    it.supervisor.interrupt("SIGTERM", signal.SIGTERM, at_once=False)
    assert it.supervisor.interrupt("SIGTERM", signal.SIGTERM, at_once=True) == [Signal("p/0001", signal.SIGKILL)]


def test_an_interrupted_test_is_not_run_and_its_predecessors_keep_their_outcomes() -> None:
    it = replay("a::1", "a::2")
    it.run("p/0001", "a::1", FAILED)
    it.begin("p/0001", "a::2")
    it.supervisor.interrupt("SIGINT", signal.SIGINT, at_once=False)
    it.over("p/0001", 2, "KeyboardInterrupt")
    assert it.outcomes() == "failed not_run"


def test_nothing_is_retried_after_an_interruption() -> None:
    it = replay("a::1", retries=Retries(count=3))
    it.supervisor.interrupt("SIGINT", signal.SIGINT, at_once=False)
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    assert it.outcomes() == "not_run"


def test_a_failure_after_the_signal_may_be_its_work_and_is_no_outcome() -> None:
    it = replay("a::1", "a::2")
    it.begin("p/0001", "a::1")
    it.supervisor.interrupt("SIGTERM", signal.SIGTERM, at_once=False)
    it.end("p/0001", "a::1", FAILED)
    it.supervisor.interrupt("SIGTERM", signal.SIGTERM, at_once=True)
    it.over("p/0001", 1)
    result = it.result()
    assert [test.outcome for test in result.tests()] == [Outcome.NOT_RUN, Outcome.NOT_RUN]
    assert [test.reason for test in result.tests()] == [
        "interrupted by SIGTERM after 0s; then it failed: assert 0",
        "interrupted by SIGTERM",
    ]


@pytest.mark.parametrize(("stages", "outcome"), [((), "passed"), ((Stage("call", "skipped", "why"),), "skipped")])
def test_a_test_that_comes_through_in_spite_of_the_signal_keeps_its_outcome(
    stages: tuple[Stage, ...], outcome: str
) -> None:
    it = replay("a::1")
    it.begin("p/0001", "a::1")
    it.supervisor.interrupt("SIGTERM", signal.SIGTERM, at_once=False)
    it.end("p/0001", "a::1", stages)
    it.over("p/0001", 1)
    assert it.outcomes() == outcome


def test_a_failure_before_the_signal_that_is_heard_after_it_stands() -> None:
    it = replay("a::1")
    it.at(1.0)
    it.begin("p/0001", "a::1")
    it.now = 2.0
    it.supervisor.interrupt("SIGTERM", signal.SIGTERM, at_once=False)
    it.now = 1.5
    failed = Finished(at=EPOCH + 1.5, mono=MONO + 1.5, id="a::1", started=EPOCH, duration=0.5, call=0.5, stages=FAILED)
    it.now = 2.1
    it.supervisor.message("p/0001", failed)
    it.over("p/0001", 1)
    assert it.outcomes() == "failed"


def test_a_test_that_was_late_before_the_signal_is_timed_out() -> None:
    it = replay("a::1")
    it.hello("p/0001")
    it.begin("p/0001", "a::1")
    it.at(60.0)
    it.supervisor.interrupt("SIGTERM", signal.SIGTERM, at_once=False)
    it.end("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    assert it.outcomes() == "timed_out"


def test_a_worker_that_the_signal_ends_is_no_crash_of_its_test() -> None:
    it = replay("a::1", "a::2", workers=2)
    it.hello("p/0001", pid=7, worker="gw0")
    it.begin("p/0001", "a::1", worker="gw0")
    it.supervisor.interrupt("SIGTERM", signal.SIGTERM, at_once=False)
    it.say("p/0001", WorkerDied, id="a::1", worker="gw0", status=-signal.SIGTERM)
    it.over("p/0001", 2, "interrupted")
    assert it.outcomes() == "not_run not_run"


def test_a_timeline_of_the_processes_can_be_drawn_from_the_result() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2, retries=Retries(count=1))
    it.run("p/0001", "a::1", FAILED)
    it.run("p/0001", "a::2")
    it.run("p/0001", "a::3")
    it.now = 4.0
    it.over("p/0001", 1)
    it.now = 6.0
    it.run("p/0002", "a::1")
    it.over("p/0002", -9, exit=-9)
    first, second = it.result().phases[0].processes
    assert (first.name, first.at, first.duration, first.status, first.finished) == ("p/0001", EPOCH, 4.0, 1, True)
    assert (first.workers, first.slot, first.tests, first.attempt) == (2, 0, 3, 1)
    assert (second.name, second.at, second.duration, second.status) == ("p/0002", EPOCH + 4.0, 2.0, -9)
    assert (second.workers, second.tests, second.attempt) == (1, 1, 2)


def test_a_session_is_between_tests_while_its_own_process_runs_none() -> None:
    it = replay("a::1", "a::2")
    assert it.supervisor.is_between_tests("p/0001")
    it.begin("p/0001", "a::1", worker="gw0")
    assert it.supervisor.is_between_tests("p/0001")
    it.begin("p/0001", "a::2")
    assert not it.supervisor.is_between_tests("p/0001")
    it.end("p/0001", "a::2")
    assert it.supervisor.is_between_tests("p/0001")
