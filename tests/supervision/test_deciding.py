"""Outcomes of attempts, and retries."""

from __future__ import annotations

from typing import Any

import pytest

from async_test_runner.contract.messages import Finished, Leaked, SessionFinished, Stage
from async_test_runner.model.errors import ExitCode
from async_test_runner.model.plan import Leaks, Retries
from async_test_runner.model.result import Leak
from async_test_runner.model.vocabulary import Isolation, LeakKind, LeakPolicy, Outcome
from async_test_runner.record.events import LeakFound, TestFinished, Warned
from async_test_runner.record.fold import Fold
from async_test_runner.record.verdict import exit_code
from async_test_runner.supervision.actions import StopSoon
from tests.support.replay import FAILED, Replay, replay


def test_a_retry_that_passes_makes_a_flaky_test_and_a_green_run() -> None:
    it = replay("a::1", retries=Retries(count=1))
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    it.run("p/0002", "a::1")
    it.over("p/0002")
    result = it.result()
    assert next(result.tests()).flaky
    assert exit_code(result) is ExitCode.PASSED


def test_a_retry_that_is_skipped_is_no_pass() -> None:
    """As where a plugin skips a test, because what it needs has not run in its process."""
    it = replay("a::1", retries=Retries(count=1))
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    it.run("p/0002", "a::1", (Stage("setup", "skipped", "it depends on b", "a.py:1: it depends on b"),))
    it.over("p/0002")
    assert it.outcomes() == "error"
    (test,) = it.result().tests()
    assert (
        test.attempts[-1].details[0].message == "it was red, and was skipped when it was tried again: that is no pass"
    )
    assert exit_code(it.result()) is ExitCode.FAILED


def test_only_the_outcomes_that_are_named_are_retried() -> None:
    it = replay("a::1", retries=Retries(count=1, on=("crashed",)))
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    assert it.outcomes() == "failed"


@pytest.mark.parametrize(("second", "outcomes"), [((), "passed passed"), (FAILED, "failed not_run")])
def test_a_failure_counts_for_max_failures_when_no_attempt_is_left(second: tuple[Stage, ...], outcomes: str) -> None:
    it = replay("a::1", "a::2", isolation=Isolation.TEST, max_failures=1, retries=Retries(count=1))
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    assert it.running == {"p/0002": ["a::1"]}  # whether the phase has had enough is decided first
    it.run("p/0002", "a::1", second)
    it.over("p/0002", len(second))
    for process in it.running:
        it.run(process, "a::2")
        it.over(process)
    assert it.outcomes() == outcomes


@pytest.mark.parametrize(("second", "outcomes"), [((), "passed passed"), (FAILED, "failed not_run")])
def test_a_session_that_pytest_stopped_at_its_limit_goes_on_if_the_retry_passes(
    second: tuple[Stage, ...], outcomes: str
) -> None:
    it = replay("a::1", "a::2", max_failures=1, retries=Retries(count=1))
    assert it.jobs["p/0001"].maxfail == 1
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1, "stopping after 1 failures")
    assert it.running == {"p/0002": ["a::1"]}
    it.run("p/0002", "a::1", second)
    it.over("p/0002", len(second))
    for process in it.running:
        it.run(process, "a::2")
        it.over(process)
    assert it.outcomes() == outcomes


def test_a_failure_that_pytest_counts_twice_does_not_end_the_phase_too_early() -> None:
    it = replay("a::1", "a::2", max_failures=2)
    it.run("p/0001", "a::1", (*FAILED, Stage("teardown", "failed", "and this", "text")))
    it.say("p/0001", SessionFinished, status=1, reason="stopping after 2 failures", red=2)
    it.exited("p/0001", 1)
    it.run("p/0002", "a::2")
    it.over("p/0002")
    assert it.outcomes() == "failed passed"


def test_a_test_that_has_failed_for_good_is_not_waited_for() -> None:
    it = replay("a::1", "a::2", "a::3", isolation=Isolation.TEST, max_failures=2, retries=Retries(count=1))
    attempts = [("a::1", FAILED), ("a::2", FAILED), ("a::1", FAILED), ("a::2", ()), ("a::3", ())]
    for number, (id, stages) in enumerate(attempts, 1):
        assert it.running == {f"p/{number:04d}": [id]}
        it.run(f"p/{number:04d}", id, stages)
        it.over(f"p/{number:04d}", len(stages))
    assert it.outcomes() == "failed passed passed"


def test_a_retry_that_cannot_run_leaves_a_failure() -> None:
    it = replay("a::1", "a::2", isolation=Isolation.TEST, max_failures=1, retries=Retries(count=1))
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    it.over("p/0002", 2, "a plugin wants it")
    assert it.outcomes() == "failed not_run"


# ----------------------------------------------------------------------------------------------- retries together


def test_retries_share_a_process_where_the_plan_wants_the_isolation_of_the_phase() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2, retries=Retries(count=1, isolation="same"))
    for id, stages in (("a::3", FAILED), ("a::2", ()), ("a::1", FAILED)):
        it.run("p/0001", id, stages, "gw0")
    it.over("p/0001", 1)
    assert it.running == {"p/0002": ["a::1", "a::3"]}
    job = it.jobs["p/0002"]
    assert (job.attempt, job.workers, job.slot) == (2, 2, 0)
    it.run("p/0002", "a::1")
    it.begin("p/0002", "a::3")
    it.exited("p/0002", -11)
    assert it.outcomes() == "passed passed crashed"


def test_retries_of_different_units_do_not_share_a_process() -> None:
    ids = ("a::1", "a::2", "b::1")
    it = replay(*ids, isolation=Isolation.FILE, retries=Retries(count=1, isolation="same"))
    for process, tests in (("p/0001", ("a::1", "a::2")), ("p/0002", ("b::1",))):
        for id in tests:
            it.run(process, id, FAILED)
        it.over(process, 1)
    assert it.running == {"p/0003": ["a::1", "a::2"]}
    for id in ("a::1", "a::2"):
        it.run("p/0003", id)
    it.over("p/0003")
    assert it.running == {"p/0004": ["b::1"]}


# ---------------------------------------------------------------------------------------------------------- flaky


@pytest.mark.parametrize(("flaky", "code"), [("pass", ExitCode.PASSED), ("fail", ExitCode.FAILED)])
def test_what_a_flaky_test_comes_to_is_the_plans_to_say(flaky: str, code: ExitCode) -> None:
    it = replay("a::1", retries=Retries(count=1), flaky=flaky)
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    it.run("p/0002", "a::1")
    it.over("p/0002")
    result = it.result()
    (test,) = result.tests()
    assert (test.flaky, test.outcome.is_red) == (True, flaky == "fail")
    assert exit_code(result) is code


def test_processes_beside_the_one_with_the_last_failure_are_told_to_stop() -> None:
    ids = ("a::1", "a::2", "b::1", "b::2")
    it = replay(*ids, isolation=Isolation.FILE, workers=2, max_failures=1)
    it.run("p/0002", "b::1")
    it.run("p/0001", "a::1", FAILED)
    stops = [action for action in it.at(1.0) if isinstance(action, StopSoon)]
    assert stops == [StopSoon("p/0001"), StopSoon("p/0002")]
    assert it.at(2.0) == []
    it.over("p/0001", 1, "stopping after 1 failures")
    it.over("p/0002", 2, "enough tests have failed in other processes")
    assert it.outcomes() == "failed not_run passed not_run"
    assert {test.reason for test in it.result().tests() if test.outcome.value == "not_run"} == {
        "max_failures: 1 reached"
    }
    assert exit_code(it.result()) is ExitCode.FAILED


def test_flaky_tests_that_fail_count_for_max_failures() -> None:
    it = replay("a::1", "a::2", isolation=Isolation.TEST, max_failures=1, retries=Retries(count=1), flaky="fail")
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    it.run("p/0002", "a::1")
    it.over("p/0002")
    assert it.outcomes() == "failed not_run"


# -------------------------------------------------------------------------------------------------------- rechecks


def polluted(*ids: str, stages: tuple[Stage, ...] = FAILED, **policy: Any) -> Replay:
    """A phase in one process whose last test is red, and is then run once more alone."""
    it = replay(*ids, recheck=True, **policy)
    for id in ids[:-1]:
        it.run("p/0001", id)
    it.run("p/0001", ids[-1], stages)
    it.over("p/0001", 1)
    assert it.running == {"p/0002": [ids[-1]]}
    assert it.jobs["p/0002"].recheck
    return it


def test_a_test_that_passes_alone_depends_on_the_order_and_stays_red() -> None:
    it = polluted("a::1", "a::2", "b::3")
    it.run("p/0002", "b::3")
    it.over("p/0002")
    result = it.result()
    test = list(result.tests())[-1]
    assert (test.outcome, test.order_dependent, len(test.attempts)) == (Outcome.FAILED, True, 1)
    assert test.recheck is not None
    assert test.recheck.before == ("a::1", "a::2")
    assert exit_code(result) is ExitCode.FAILED


def test_a_test_that_depends_on_the_order_may_pass() -> None:
    it = polluted("a::1", "a::2", order_dependent="pass")
    it.run("p/0002", "a::2")
    it.over("p/0002")
    result = it.result()
    assert [test.outcome.value for test in result.tests()] == ["passed", "passed"]
    assert list(result.tests())[-1].order_dependent
    assert exit_code(result) is ExitCode.PASSED


@pytest.mark.parametrize("stages", [FAILED, (Stage("setup", "skipped", "no", "no"),)])
def test_a_test_that_does_not_pass_alone_is_red_whatever_the_plan_lets_pass(stages: tuple[Stage, ...]) -> None:
    it = polluted("a::1", "a::2", order_dependent="pass")
    it.run("p/0002", "a::2", stages)
    it.over("p/0002", int(stages is FAILED))
    result = it.result()
    test = list(result.tests())[-1]
    assert (test.outcome, test.order_dependent) == (Outcome.FAILED, False)
    assert exit_code(result) is ExitCode.FAILED


def test_a_test_that_crashes_alone_too_is_said_to() -> None:
    it = polluted("a::1", "a::2")
    it.begin("p/0002", "a::2")
    it.exited("p/0002", -11)
    test = list(it.result().tests())[-1]
    assert test.recheck is not None
    assert (test.outcome, test.recheck.outcome) == (Outcome.FAILED, Outcome.CRASHED)


def test_nothing_that_ran_first_in_its_process_is_run_again() -> None:
    it = replay("a::1", "a::2", isolation=Isolation.TEST, recheck=True)
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    it.run("p/0002", "a::2", FAILED)
    it.over("p/0002", 1)
    assert it.outcomes() == "failed failed"


def test_workers_that_replace_each_other_are_processes_of_their_own() -> None:
    it = replay("a::1", "b::1", workers=1, recheck=True)
    for id in ("a::1", "b::1"):
        it.hello("p/0001", 11, "gw0")
        it.run("p/0001", id, FAILED, "gw0")
    it.over("p/0001", 1)
    assert it.outcomes() == "failed failed"


def test_a_test_that_is_tried_again_is_run_alone_after_its_last_attempt_only() -> None:
    it = replay("a::1", "a::2", "a::3", recheck=True, retries=Retries(count=1, isolation="same"))
    it.run("p/0001", "a::1")
    for process in ("p/0001", "p/0002"):
        it.run(process, "a::2", FAILED)
        it.run(process, "a::3", FAILED)
        it.over(process, 1)
    assert it.running == {"p/0003": ["a::3"]}  # a::2 ran first in its last process
    it.run("p/0003", "a::3")
    it.over("p/0003")
    test = list(it.result().tests())[-1]
    assert test.recheck is not None
    assert (len(test.attempts), test.recheck.before) == (2, ("a::2",))


@pytest.mark.parametrize(
    ("policy", "outcome", "code"),
    [
        ({}, Outcome.FAILED, ExitCode.FAILED),
        ({"order_dependent": "pass"}, Outcome.PASSED, ExitCode.PASSED),
        ({"order_dependent": "pass", "flaky": "fail"}, Outcome.FAILED, ExitCode.FAILED),
    ],
)
def test_a_retry_that_passes_alone_shows_what_a_recheck_would(
    policy: dict[str, Any], outcome: Outcome, code: ExitCode
) -> None:
    it = replay("a::1", "a::2", recheck=True, retries=Retries(count=1), **policy)
    it.run("p/0001", "a::1")
    it.run("p/0001", "a::2", FAILED)
    it.over("p/0001", 1)
    it.run("p/0002", "a::2")
    it.over("p/0002")
    assert it.running == {}
    result = it.result()
    test = list(result.tests())[-1]
    assert (test.outcome, test.order_dependent, test.flaky, len(test.attempts)) == (outcome, True, False, 2)
    assert test.recheck is not None
    assert test.recheck.before == ("a::1",)
    assert exit_code(result) is code


@pytest.mark.parametrize(
    ("first", "policy"),
    [
        (True, {"recheck": True}),  # nothing ran before it
        (False, {}),  # nobody asked
    ],
)
def test_a_retry_that_shows_nothing_of_the_order_makes_a_flaky_test(first: bool, policy: dict[str, Any]) -> None:
    it = replay("a::1", "a::2", retries=Retries(count=1), **policy)
    red = "a::1" if first else "a::2"
    for id in ("a::1", "a::2"):
        it.run("p/0001", id, FAILED if id == red else ())
    it.over("p/0001", 1)
    it.run("p/0002", red)
    it.over("p/0002")
    (test,) = [test for test in it.result().tests() if test.id == red]
    assert (test.flaky, test.order_dependent, test.recheck) == (True, False, None)
    assert exit_code(it.result()) is ExitCode.PASSED


def test_a_resumed_run_knows_which_retries_were_red_after_others() -> None:
    it = replay("a::1", "a::2", recheck=True, retries=Retries(count=2))
    it.run("p/0001", "a::1")
    it.run("p/0001", "a::2", FAILED)
    it.over("p/0001", 1)
    state = Fold()
    for event in it.events:
        state.add(event)
    kept = state.kept()["p"]
    assert kept.after_others == {"a::2"}
    again = replay("a::1", "a::2", recheck=True, retries=Retries(count=2), kept=kept)
    again.run("p/0001", "a::2")
    again.over("p/0001")
    (finished,) = [event for event in again.events if isinstance(event, TestFinished)]
    assert (finished.attempt, finished.alone, finished.fails) == (2, True, True)


def test_a_phase_that_has_had_enough_failures_still_learns_whether_they_depend_on_the_order() -> None:
    it = replay("a::1", "a::2", "a::3", recheck=True, max_failures=1)
    it.run("p/0001", "a::1")
    it.run("p/0001", "a::2", FAILED)
    it.over("p/0001", 1, "stopping after 1 failures")
    assert it.running == {"p/0002": ["a::2"]}
    it.run("p/0002", "a::2")
    it.over("p/0002")
    assert it.outcomes() == "passed failed not_run"


def test_a_failure_that_a_recheck_may_forgive_counts_when_it_does_not() -> None:
    it = replay("a::1", "a::2", "a::3", recheck=True, max_failures=1, order_dependent="pass")
    it.run("p/0001", "a::1")
    it.run("p/0001", "a::2", FAILED)
    it.over("p/0001", 1, "stopping after 1 failures")
    assert it.running == {"p/0002": ["a::2"]}
    it.run("p/0002", "a::2")
    it.over("p/0002")
    assert it.running == {"p/0003": ["a::3"]}
    it.run("p/0003", "a::3")
    it.over("p/0003")
    assert it.outcomes() == "passed passed passed"


def test_a_deadline_leaves_no_recheck_without_a_word() -> None:
    it = polluted("a::1", "a::2", timeout=30.0)
    it.begin("p/0002", "a::2")
    it.at(30.0)
    it.at(35.0)
    it.exited("p/0002", -15)
    test = list(it.result().tests())[-1]
    assert test.recheck is not None
    assert (test.outcome, test.recheck.outcome) == (Outcome.FAILED, Outcome.NOT_RUN)
    assert test.recheck.message == "the phase deadline was reached in it"


@pytest.mark.parametrize("begun", [False, True])
def test_an_interruption_leaves_no_recheck_without_a_word(begun: bool) -> None:
    it = polluted("a::1", "a::2", order_dependent="pass")
    if begun:
        it.begin("p/0002", "a::2")
    it.supervisor.interrupt("SIGINT", 2, at_once=False)
    it.exited("p/0002", 2)
    test = list(it.result().tests())[-1]
    assert test.recheck is not None
    assert (test.outcome, test.recheck.outcome) == (Outcome.FAILED, Outcome.NOT_RUN)
    assert test.recheck.message == "interrupted by SIGINT"


def test_what_leaks_in_a_recheck_is_not_its_attempts() -> None:
    it = polluted("a::1", "a::2", order_dependent="pass", leaks=Leaks(default="fail"))
    it.begin("p/0002", "a::2")
    it.say("p/0002", Finished, id="a::2", started=0.0, duration=1.0, call=1.0, leaks=(TASK,))
    it.say("p/0002", Leaked, id="a::2", leak=TASK)
    it.over("p/0002")
    result = it.result()
    assert it.said(LeakFound) == []
    assert exit_code(result) is ExitCode.PASSED


def test_nothing_is_rechecked_after_an_interruption() -> None:
    it = replay("a::1", "a::2", recheck=True)
    it.run("p/0001", "a::1")
    it.begin("p/0001", "a::2")
    it.supervisor.interrupt("SIGINT", 2, at_once=False)
    it.end("p/0001", "a::2", FAILED)
    it.over("p/0001", 2, "KeyboardInterrupt")
    test = list(it.result().tests())[-1]
    assert (test.outcome, test.recheck) == (Outcome.NOT_RUN, None)


def test_a_recheck_that_never_comes_to_its_test_is_given_up() -> None:
    it = polluted("a::1", "a::2", order_dependent="pass")
    it.exited("p/0002", 3)
    it.exited("p/0003", 3)
    test = list(it.result().tests())[-1]
    assert test.recheck is not None
    assert (test.outcome, test.recheck.outcome) == (Outcome.FAILED, Outcome.ERROR)


def test_a_test_repeated_inside_pytest_has_an_attempt_for_each() -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1", (Stage("call", "rerun", "no", "no"),))
    it.over("p/0001")
    assert [attempt.outcome.value for attempt in next(it.result().tests()).attempts] == ["failed", "passed"]


def test_every_attempt_says_where_it_ran() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2)
    it.run("p/0001", "a::1", worker="gw1")
    (event,) = it.said(TestFinished)
    assert (event.process, event.worker, event.slot, event.attempt) == ("p/0001", "gw1", 1, 1)


TASK = Leak("tasks", "task x", "a.py:1 in f")


def test_what_a_test_left_follows_its_outcome_and_changes_nothing() -> None:
    it = replay("a::1")
    it.begin("p/0001", "a::1")
    it.say("p/0001", Finished, id="a::1", started=0.0, duration=1.0, call=1.0, leaks=(TASK,))
    it.over("p/0001")
    assert [type(event) for event in it.events if isinstance(event, TestFinished | LeakFound)] == [
        TestFinished,
        LeakFound,
    ]
    assert next(it.result().tests()).leaks == (TASK,)
    assert exit_code(it.result()) is ExitCode.PASSED


@pytest.mark.parametrize(("policy", "code"), [("report", ExitCode.PASSED), ("fail", ExitCode.FAILED)])
def test_what_comes_up_later_makes_the_run_red_where_it_is_forbidden(policy: LeakPolicy, code: ExitCode) -> None:
    it = replay("a::1", "a::2", leaks=Leaks(kinds={LeakKind.TASKS: policy}))
    it.run("p/0001", "a::1")
    it.run("p/0001", "a::2")
    it.say("p/0001", Leaked, id="a::1", leak=TASK)
    it.over("p/0001")
    assert [test.leaks for test in it.result().tests()] == [(TASK,), ()]
    assert exit_code(it.result()) is code


def test_what_no_test_of_the_session_left_is_a_warning() -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1")
    it.say("p/0001", Leaked, id="", leak=TASK)
    it.over("p/0001")
    assert [warned.message for warned in it.said(Warned)] == ["p/0001: left behind by no test: task x"]
