"""Random histories of starts, finishes, deaths, deadlines and signals: the promises hold in every one of them."""

from __future__ import annotations

import signal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from async_test_runner.contract.messages import Missing, SessionFinished, Stage, WorkerDied, WorkerLost
from async_test_runner.model.errors import ExitCode
from async_test_runner.model.plan import Retries
from async_test_runner.model.result import RunResult
from async_test_runner.model.vocabulary import GREEN, Isolation, Outcome
from async_test_runner.record.verdict import exit_code
from async_test_runner.reports.terminal.progress import Progress
from tests.support.replay import FAILED, Replay

IDS = ("a::1", "a::2", "a::3", "b::1", "b::2")
STAGES = st.sampled_from([(), (), FAILED, (Stage("setup", "failed", "no", ""),), (Stage("setup", "skipped", "", ""),)])
STATUSES = st.sampled_from([0, 1, 3, -9, -11])
ROUNDS = 400  # far more than any of these histories takes: a phase that needs more will never end

policies = st.fixed_dictionaries(
    {
        "isolation": st.sampled_from(Isolation),
        "workers": st.integers(1, 3),
        "whole": st.booleans(),
        "max_failures": st.integers(0, 3),
        "retries": st.builds(
            Retries,
            count=st.integers(0, 2),
            delay=st.sampled_from([0.0, 7.0]),
            isolation=st.sampled_from(["same", "test"]),
            on=st.sampled_from([("failed",), ("crashed", "timed_out"), ("failed", "timed_out", "crashed")]),
        ),
        "flaky": st.sampled_from(["pass", "fail"]),
        "recheck": st.booleans(),
        "order_dependent": st.sampled_from(["pass", "fail"]),
        "timeout": st.sampled_from([None, None, 200.0]),
    }
)


class History:
    """Lets things happen to a phase, one after the other, and remembers what it was told of each test."""

    def __init__(self, data: st.DataObject, policy: dict[str, Any]) -> None:
        self.data = data
        self.it = Replay(*IDS, **policy)
        self.flights: dict[str, dict[str, str]] = {}  # session -> worker -> the test that it runs
        self.said: dict[str, set[str]] = {}  # session -> tests that have begun in it
        self.greens: set[str] = set()  # tests that pytest has once reported as not red
        self.it.tick()

    def run(self) -> RunResult:
        for round in range(ROUNDS):
            if self.it.supervisor.done:
                return self.it.result()
            self._step(tame=round > 60)
        raise AssertionError("the phase does not end")

    def _step(self, *, tame: bool) -> None:
        sessions = self.it.supervisor.processes()
        if not sessions:
            self._time_passes(10.0)
            return
        process = sessions[0] if tame else self.data.draw(st.sampled_from(sessions))
        kinds = (
            ["test", "over"] if tame else ["test", "test", "test", "over", "death", "worker", "time", "gone", "signal"]
        )
        match self.data.draw(st.sampled_from(kinds)):
            case "test":
                self._test_goes_on(process)
            case "over":
                self._session_ends(process)
            case "death":
                self.it.exited(process, self.data.draw(STATUSES))
            case "worker":
                self._worker_dies(process)
            case "time":
                self._time_passes(self.data.draw(st.sampled_from([1.0, 30.0, 61.0])))
            case "gone":
                self.it.say(process, Missing, ids=(self.data.draw(st.sampled_from(IDS)),))
            case "signal":
                if self.data.draw(st.integers(0, 9)) == 0:
                    self.it.supervisor.interrupt("SIGINT", signal.SIGINT, at_once=False)

    def _test_goes_on(self, process: str) -> None:
        flights = self.flights.setdefault(process, {})
        workers = self.it.jobs[process].workers
        worker = f"gw{self.data.draw(st.integers(0, workers - 1))}" if workers > 1 else ""
        if worker in flights:
            id, stages = flights.pop(worker), self.data.draw(STAGES)
            if not any(stage.outcome == "failed" for stage in stages):
                self.greens.add(id)
            self.it.end(process, id, stages, worker)
            return
        said = self.said.setdefault(process, set())
        left = [id for id in self.it.running[process] if id not in said]
        if not left:
            self._session_ends(process)
            return
        self.it.hello(process, 100, worker)
        self.it.begin(process, left[0], worker)
        said.add(left[0])
        flights[worker] = left[0]

    def _session_ends(self, process: str) -> None:
        reason = self.data.draw(st.sampled_from(["", "", "a plugin wants it", "stopping after 1 failures"]))
        red = self.it.jobs[process].maxfail if reason.startswith("stopping") else 0
        status = self.data.draw(st.sampled_from([0, 1, 2]))
        self.it.say(process, SessionFinished, status=status, reason=reason, red=red)
        self.it.exited(process, status)

    def _worker_dies(self, process: str) -> None:
        flights = self.flights.get(process, {})
        if not flights:
            return
        worker = self.data.draw(st.sampled_from(sorted(flights)))
        status = self.data.draw(st.sampled_from([None, -9]))
        id = flights.pop(worker)
        if status is None and worker:
            self.it.say(process, WorkerLost, worker=worker, text="Not properly terminated")
        if worker:
            self.it.say(process, WorkerDied, id=id, worker=worker, status=status)
            self.it.tick()

    def _time_passes(self, seconds: float) -> None:
        self.it.at(self.it.now + seconds)


@settings(max_examples=400)
@given(data=st.data(), policy=policies)
def test_every_planned_test_ends_with_one_outcome_and_nothing_is_green_that_did_not_pass(
    data: st.DataObject, policy: dict[str, Any]
) -> None:
    history = History(data, policy)
    result = history.run()  # which checks that planned = reported
    tests = list(result.tests())
    assert [test.id for test in tests] == list(IDS)
    for test in tests:
        green = test.outcome in GREEN or test.outcome is Outcome.SKIPPED
        assert not green or test.id in history.greens
        assert not green or not test.fails
        if green and test.attempts[-1].outcome.is_red:
            assert test.order_dependent and policy["order_dependent"] == "pass"
        assert [attempt.number for attempt in test.attempts] == list(range(1, len(test.attempts) + 1))
        assert len(test.attempts) <= policy["retries"].count + 1
    if any(test.id not in history.greens or test.outcome.is_red for test in tests):
        assert exit_code(result) is not ExitCode.PASSED


@settings(max_examples=100)
@given(data=st.data(), policy=policies)
def test_the_view_counts_what_the_result_counts(data: st.DataObject, policy: dict[str, Any]) -> None:
    history = History(data, policy)
    result = history.run()
    progress = Progress()
    for event in history.it.events:
        progress.add(event)
    assert progress.phases["p"].counts == result.counts
    assert progress.running_count == 0


@settings(max_examples=100)
@given(data=st.data(), policy=policies)
def test_a_red_test_after_others_is_rechecked_or_the_report_says_why_not(
    data: st.DataObject, policy: dict[str, Any]
) -> None:
    result = History(data, policy | {"recheck": True}).run()
    for test in result.tests():
        if test.recheck is not None:
            assert test.attempts[-1].outcome.is_red
            assert test.recheck.position > 0
            assert test.recheck.outcome is not Outcome.NOT_RUN or test.recheck.message
            assert test.id not in test.recheck.before
            assert len(test.recheck.before) == test.recheck.position
