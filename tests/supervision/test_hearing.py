"""What sessions say, in whatever order it comes."""

from __future__ import annotations

import signal

import pytest

from async_test_runner.contract.messages import (
    Finished,
    Retired,
    SessionFinished,
    Started,
    SuiteProperty,
    WarningSaid,
    WorkerDied,
    WorkerLost,
)
from async_test_runner.model.errors import ExitCode
from async_test_runner.model.inventory import SuiteWarning
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.record.events import TestFinished, WorkerRetired
from async_test_runner.record.verdict import exit_code
from async_test_runner.supervision.actions import Ask, Signal
from tests.support.replay import EPOCH, FAILED, Replay, replay


def test_a_worker_that_dies_costs_its_own_test_only() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2)
    it.begin("p/0001", "a::1", "gw0")
    it.begin("p/0001", "a::2", "gw1")
    it.say("p/0001", WorkerLost, worker="gw0", text="Not properly terminated")
    it.say("p/0001", WorkerDied, id="a::1", worker="gw0")
    it.end("p/0001", "a::2", worker="gw1")
    it.over("p/0001", 2, "worker crashed")
    assert it.running == {"p/0002": ["a::3"]}
    it.run("p/0002", "a::3")
    it.over("p/0002")
    assert it.outcomes() == "crashed passed passed"


def test_a_test_of_a_dead_worker_does_not_time_out_as_well() -> None:
    it = replay("a::1", "a::2", workers=2)
    it.hello("p/0001", 11, "gw0")
    it.hello("p/0001", 12, "gw1")
    it.begin("p/0001", "a::1", "gw0")
    it.at(50.0)
    it.say("p/0001", WorkerDied, id="a::1", worker="gw0")
    it.begin("p/0001", "a::2", "gw1")
    assert it.at(60.0) == []
    assert it.at(70.0) == []
    it.end("p/0001", "a::2", worker="gw1")
    it.over("p/0001", 1)
    assert it.outcomes() == "crashed passed"


def test_the_news_of_a_workers_death_may_come_before_that_of_its_last_test() -> None:
    it = replay("a::1", "a::2", workers=2)
    it.hello("p/0001", 11, "gw0")
    it.say("p/0001", WorkerLost, worker="gw0", text="Not properly terminated")
    it.say("p/0001", WorkerDied, id="a::1", worker="gw0")
    it.begin("p/0001", "a::1", "gw0")
    assert it.at(60.0) == []
    it.run("p/0001", "a::2", worker="gw1")
    it.over("p/0001", 1)
    assert it.outcomes() == "crashed passed"


def test_a_worker_ended_at_a_deadline_leaves_a_test_that_timed_out() -> None:
    it = replay("a::1", "a::2", workers=2)
    it.hello("p/0001", 11, "gw0")
    it.begin("p/0001", "a::1", "gw0")
    it.at(60.0)
    assert it.at(65.0) == [Signal("p/0001", signal.SIGTERM, 11)]
    it.say("p/0001", WorkerDied, id="a::1", worker="gw0")
    assert it.at(70.0) == []  # its process id may be somebody else's by now
    it.run("p/0001", "a::2", worker="gw1")
    it.over("p/0001", 1)
    assert it.outcomes() == "timed_out passed"


def test_a_worker_that_dies_between_tests_blames_none_and_does_not_pass_unnoticed() -> None:
    it = replay("a::1", "a::2", workers=2)
    it.run("p/0001", "a::1", worker="gw0")
    it.say("p/0001", WorkerLost, worker="gw0", text="Not properly terminated")
    it.say("p/0001", WorkerDied, id="a::2", worker="gw0")  # xdist names the next one, which never began
    it.over("p/0001", 1)
    it.run("p/0002", "a::2")
    it.over("p/0002")
    result = it.result()
    assert [test.outcome.value for test in result.tests()] == ["passed", "passed"]
    assert "gw0" in result.problems[0].message
    assert exit_code(result) is ExitCode.FAILED


def test_results_of_unknown_tests_and_second_results_are_not_taken() -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1")
    it.run("p/0001", "a::1", FAILED)
    it.run("p/0001", "b::1", FAILED)
    it.over("p/0001", 0)
    assert it.outcomes() == "passed"


@pytest.mark.parametrize("mono", [0.0, 1_700_000_000.0])
def test_clocks_that_a_test_has_frozen_make_nobody_late_and_nobody_idle(mono: float) -> None:
    it = replay("a::1", idle=20.0)
    it.hello("p/0001")
    it.now = 10.0
    it.supervisor.message("p/0001", Started(at=5.0, mono=mono, id="a::1"))
    assert it.at(69.0) == []
    stamp = {"at": 5.0, "mono": mono, "started": 5.0}
    it.supervisor.message("p/0001", Finished(id="a::1", duration=1.0, call=0.5, **stamp))
    (event,) = it.said(TestFinished)
    assert (event.outcome.value, event.started, event.at) == ("passed", EPOCH + 10.0, EPOCH + 69.0)
    assert [type(action) for action in it.at(89.0)] == [Ask]  # that it hangs afterwards is noticed


# --------------------------------------------------------------------------------------------- what is not believed


def problems(it: Replay) -> list[str]:
    return [problem.message for problem in it.result().problems]


def test_an_outcome_without_a_beginning_is_a_problem_and_no_outcome() -> None:
    it = replay("a::1", "a::2")
    it.begin("p/0001", "a::1")
    it.end("p/0001", "a::1")
    it.end("p/0001", "a::2")
    it.over("p/0001")
    it.tick()
    assert it.running == {"p/0002": ["a::2"]}
    it.run("p/0002", "a::2", FAILED)
    it.over("p/0002", 1)
    assert it.outcomes() == "passed failed"
    assert problems(it) == ["events.main.jsonl of process p/0001 says that a::2 finished, which had not begun there"]


def test_a_second_outcome_is_a_problem_and_the_first_one_stands() -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1", FAILED)
    it.end("p/0001", "a::1")
    it.over("p/0001", 1)
    assert it.outcomes() == "failed"
    assert problems(it) == ["events.main.jsonl of process p/0001 has a second outcome of a::1"]


@pytest.mark.parametrize("kind", ["begin", "end"])
def test_a_test_that_is_none_of_the_sessions_is_a_problem(kind: str) -> None:
    it = replay("a::1")
    getattr(it, kind)("p/0001", "b::9")
    it.run("p/0001", "a::1")
    it.over("p/0001")
    (problem,) = problems(it)
    assert problem.endswith(
        f"says that b::9 {'began' if kind == 'begin' else 'finished'}, which is not among its tests"
    )


def test_nobody_speaks_after_the_last_word() -> None:
    it = replay("a::1", "a::2")
    it.run("p/0001", "a::1")
    it.say("p/0001", SessionFinished, status=0)
    it.begin("p/0001", "a::2")
    it.end("p/0001", "a::2")
    it.say("p/0001", SessionFinished, status=0)
    it.exited("p/0001", 0)
    it.tick()
    it.run("p/0002", "a::2")
    it.over("p/0002")
    assert it.outcomes() == "passed passed"
    assert [text.partition(" p/0001 ")[2] for text in problems(it)] == [
        "says that a::2 began after the session's last word",
        "says that a::2 finished after the session's last word",
        "has a second last word of its session",
    ]


def test_a_process_that_was_never_started_has_nothing_to_say() -> None:
    it = replay("a::1", workers=2)
    it.say("p/0001", Started, id="a::1", worker="gw7")
    it.run("p/0001", "a::1", worker="gw0")
    it.over("p/0001")
    assert it.outcomes() == "passed"
    assert problems(it) == [
        "events.gw7.jsonl of process p/0001 says that a::1 began in a process that was never started"
    ]


def test_what_another_worker_says_of_a_test_is_not_believed() -> None:
    it = replay("a::1", "a::2", workers=2)
    it.begin("p/0001", "a::1", "gw0")
    it.begin("p/0001", "a::2", "gw1")
    it.end("p/0001", "a::2", worker="gw0")
    it.end("p/0001", "a::2", FAILED, worker="gw1")
    it.end("p/0001", "a::1", worker="gw0")
    it.over("p/0001", 1)
    assert it.outcomes() == "passed failed"
    assert problems(it) == ["events.gw0.jsonl of process p/0001 says that a::2 finished, which had not begun there"]


def test_of_endless_lies_the_first_are_told() -> None:
    it = replay("a::1")
    it.begin("p/0001", "a::1")
    for number in range(1000):
        it.end("p/0001", f"b::{number}")
    it.end("p/0001", "a::1")
    it.over("p/0001")
    assert len(problems(it)) == 20


def test_a_test_that_the_end_of_its_worker_has_decided_is_not_decided_again() -> None:
    it = replay("a::1", "a::2", workers=2)
    it.hello("p/0001", pid=7, worker="gw0")
    it.begin("p/0001", "a::1", worker="gw0")
    it.say("p/0001", WorkerDied, id="a::1", worker="gw0", status=-11)
    it.hello("p/0001", pid=8, worker="gw0")
    it.end("p/0001", "a::1", worker="gw0")
    it.run("p/0001", "a::2", worker="gw0")
    it.over("p/0001", 1)
    assert it.outcomes() == "crashed passed"


def test_a_warning_of_the_suite_is_told_and_changes_nothing() -> None:
    it = replay("a::1")
    warning = SuiteWarning("UserWarning", "a.py:1", "old", 1, ("a::1",))
    it.say("p/0001", WarningSaid, warning=warning)
    it.run("p/0001", "a::1")
    it.over("p/0001")
    assert it.result().suite_warnings == (warning,)
    assert it.outcomes() == "passed"


def test_what_a_test_adds_to_the_suite_is_told() -> None:
    it = replay("a::1")
    it.say("p/0001", SuiteProperty, name="build", value="42")
    it.run("p/0001", "a::1")
    it.over("p/0001")
    (phase,) = it.result().phases
    assert phase.properties == (("build", "42"),)


def test_a_session_that_is_not_clean_any_more_leaves_its_rest_to_a_new_one() -> None:
    it = replay("a::1", "a::2", "a::3", isolation=Isolation.CLEAN)
    it.run("p/0001", "a::1")
    it.say("p/0001", Retired, id="a::1", why="app: LIST added")
    it.over("p/0001", 2, "this process is not clean any more")
    assert it.running == {"p/0002": ["a::2", "a::3"]}
    (event,) = it.said(WorkerRetired)
    assert (event.process, event.worker, event.id, event.why) == ("p/0001", "", "a::1", "app: LIST added")
    it.run("p/0002", "a::2")
    it.run("p/0002", "a::3")
    it.over("p/0002")
    assert it.outcomes() == "passed passed passed"


def test_a_worker_that_is_replaced_does_not_excuse_the_end_of_its_session() -> None:
    it = replay("a::1", "a::2", whole=True, isolation=Isolation.CLEAN)
    it.run("p/0001", "a::1", worker="gw0")
    it.say("p/0001", Retired, id="a::1", why="app: LIST added", worker="gw0")
    it.over("p/0001", 2, "a plugin")
    assert it.outcomes() == "passed not_run"
    (event,) = it.said(WorkerRetired)
    assert event.worker == "gw0"


def test_the_end_of_a_process_after_a_test_that_has_not_run_is_not_believed() -> None:
    it = replay("a::1", "a::2", isolation=Isolation.CLEAN)
    it.run("p/0001", "a::1")
    it.say("p/0001", Retired, id="a::2", why="x")
    it.over("p/0001", 2, "a plugin")
    assert it.said(WorkerRetired) == []
    assert it.outcomes() == "passed not_run"
