"""Histories of starts, deaths and deadlines, replayed with a clock that only the test moves."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from async_test_runner.errors import ExitCode
from async_test_runner.events import (
    Collected,
    DeadlineReached,
    Event,
    PhaseFinished,
    PhasePlanned,
    PhaseStarted,
    RunFinished,
    RunStarted,
    TestFinished,
    TestRef,
    Warned,
    fold,
)
from async_test_runner.model import CollectedTest, Isolation, Phase, PytestFacts, Retries, RunResult
from async_test_runner.protocol import (
    CollectFailed,
    Finished,
    Hello,
    Job,
    Missing,
    SessionFinished,
    Stage,
    StageDone,
    Started,
    WorkerDied,
    WorkerLost,
)
from async_test_runner.supervisor import Action, Ask, Limits, PhaseSupervisor, Signal, Start
from async_test_runner.verdict import exit_code, violations

EPOCH, MONO = 1_800_000_000.0, 5000.0
DUMP = 41
FAILED = (Stage("call", "failed", "assert 0", "the traceback"),)


class Replay:
    """A phase under supervision; every method is one thing that happens."""

    def __init__(
        self,
        *ids: str,
        workers: int = 1,
        max_failures: int = 0,
        capacities: dict[str, int] | None = None,
        idle: float | None = 300.0,
        run_timeout: float | None = None,
        resources: dict[str, tuple[str, ...]] | None = None,
        **policy: Any,
    ) -> None:
        self.now = 0.0
        self.events: list[Event] = []
        self.jobs: dict[str, Job] = {}
        tests = [CollectedTest(id, id.partition("::")[0], 1, resources=(resources or {}).get(id, ())) for id in ids]
        self.phase = Phase(name="p", **{"grace": 5.0, "test_timeout": 60.0, **policy})
        self._add(RunStarted, version=1, run_id="r", plan="p", plan_path="", root="", argv=(), runner="0")
        self._add(Collected, tests=len(tests), facts=PytestFacts())
        refs = tuple(TestRef(test.id, test.file, 1) for test in tests)
        self._add(PhasePlanned, phase="p", isolation=self.phase.isolation, workers=workers, tests=refs)
        self._add(PhaseStarted, phase="p")
        self.supervisor = PhaseSupervisor(
            self.phase,
            tests,
            Limits(
                workers=workers,
                max_failures=max_failures,
                capacities=capacities or {},
                idle=idle,
                run_timeout=run_timeout,
                run_deadline=None if run_timeout is None else MONO + run_timeout,
            ),
            emit=self.events.append,
            clock=self._clock,
            last_words=lambda process, dumped: f"log of {process}" + (" with a dump" if dumped else ""),
        )

    def _clock(self) -> tuple[float, float]:
        return EPOCH + self.now, MONO + self.now

    def _stamp(self) -> dict[str, float]:
        at, mono = self._clock()
        return {"at": at, "mono": mono}

    def _add(self, kind: type, **facts: Any) -> None:
        self.events.append(kind(**self._stamp(), **facts))

    def at(self, seconds: float) -> list[Action]:
        """Time passes; what is due then. Sessions that are to be started are."""
        self.now = seconds
        return self.tick()

    def tick(self) -> list[Action]:
        actions = self.supervisor.tick()
        for action in actions:
            if isinstance(action, Start):
                self.jobs[action.job.process] = action.job
                self.supervisor.started(action.job, 100 + len(self.jobs), "log")
        return [action for action in actions if not isinstance(action, Start)]

    @property
    def running(self) -> dict[str, list[str]]:
        """Session -> ids of its tests."""
        return {process: [test.id for test in self.jobs[process].tests] for process in self.supervisor.processes()}

    def say(self, process: str, kind: type, **facts: Any) -> None:
        self.supervisor.message(process, kind(**self._stamp(), **facts))

    def hello(self, process: str, pid: int = 1, worker: str = "") -> None:
        self.say(process, Hello, pid=pid, worker=worker, dump_signal=DUMP)

    def begin(self, process: str, id: str, worker: str = "") -> None:
        self.say(process, Started, id=id, worker=worker)

    def end(self, process: str, id: str, stages: tuple[Stage, ...] = (), worker: str = "") -> None:
        self.say(process, Finished, id=id, started=EPOCH, duration=1.0, call=0.5, stages=stages, worker=worker)

    def run(self, process: str, id: str, stages: tuple[Stage, ...] = (), worker: str = "") -> None:
        self.begin(process, id, worker)
        self.end(process, id, stages, worker)

    def over(self, process: str, status: int = 0, reason: str = "", exit: int | None = None) -> None:
        """pytest comes to its end, and so does its process."""
        self.say(process, SessionFinished, status=status, reason=reason)
        self.exited(process, status if exit is None else exit)

    def exited(self, process: str, status: int) -> None:
        self.supervisor.exited(process, status)
        self.tick()

    def result(self) -> RunResult:
        """What it came to, once all is over."""
        assert self.supervisor.done
        self._add(PhaseFinished, phase="p", wall=self.now, reason=self.supervisor.reason)
        self._add(RunFinished, exit_code=0, wall=self.now)
        result = fold(self.events)
        assert violations(result) == ()
        return result

    def outcomes(self) -> str:
        """The outcomes in the order of the collection, as words."""
        return " ".join(test.outcome.value for test in self.result().tests())

    def said(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def replay(*ids: str, **options: Any) -> Replay:
    """A supervisor that has started what it can."""
    new = Replay(*ids, **options)
    new.tick()
    return new


# ------------------------------------------------------------------------------------------------- starts and slots


def test_an_undivided_phase_is_one_session_with_all_its_workers() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2)
    assert it.running == {"p/0001": ["a::1", "a::2", "a::3"]}
    job = it.jobs["p/0001"]
    assert (job.workers, job.slot, job.parallel) == (2, 0, False)


def test_there_are_no_more_workers_than_tests() -> None:
    assert replay("a::1", workers=4).jobs["p/0001"].workers == 1


def test_units_run_side_by_side_up_to_the_number_of_workers() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2, isolation=Isolation.TEST)
    assert it.running == {"p/0001": ["a::1"], "p/0002": ["a::2"]}
    it.run("p/0001", "a::1")
    it.over("p/0001")
    assert it.running == {"p/0002": ["a::2"], "p/0003": ["a::3"]}


def test_slots_are_the_lowest_free_ones() -> None:
    it = replay(*(f"a::{n}" for n in range(5)), workers=3, isolation=Isolation.TEST)
    assert [it.jobs[process].slot for process in it.running] == [0, 1, 2]
    for process, id in (("p/0002", "a::1"), ("p/0001", "a::0")):
        it.run(process, id)
        it.over(process)
    assert {it.jobs[process].slot for process in it.running} == {0, 1, 2}
    assert it.jobs["p/0004"].slot == 1


def test_a_resource_lets_only_so_many_run() -> None:
    wanted = {"a::1": ("db",), "a::2": ("db",)}
    it = replay("a::1", "a::2", "a::3", workers=3, isolation=Isolation.TEST, capacities={"db": 1}, resources=wanted)
    assert list(it.running.values()) == [["a::1"], ["a::3"]]
    it.run("p/0001", "a::1")
    it.over("p/0001")
    assert ["a::2"] in it.running.values()


def test_a_session_that_cannot_start_ends_the_phase_as_infrastructure() -> None:
    it = Replay("a::1", "a::2", isolation=Isolation.TEST)
    (start,) = it.supervisor.tick()
    assert isinstance(start, Start)
    it.supervisor.not_started(start.job, "no room")
    result = it.result()
    assert [test.reason for test in result.tests()] == ["no room", "no room"]
    assert exit_code(result) is ExitCode.INFRASTRUCTURE


# ------------------------------------------------------------------------------------------------- failures, retries


def test_max_failures_starts_nothing_more_and_lets_what_runs_end() -> None:
    it = replay(*(f"a::{n}" for n in range(4)), workers=2, isolation=Isolation.TEST, max_failures=1)
    it.run("p/0001", "a::0", FAILED)
    it.over("p/0001", 1)
    assert list(it.running) == ["p/0002"]
    it.run("p/0002", "a::1")
    it.over("p/0002")
    assert it.outcomes() == "failed passed not_run not_run"


def test_pytest_counts_the_failures_of_its_own_session() -> None:
    it = replay("a::1", "a::2", max_failures=3)
    assert it.jobs["p/0001"].maxfail == 3
    assert replay("a::1", "a::2", max_failures=3, retries=Retries(count=1)).jobs["p/0001"].maxfail == 0


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


def test_a_retry_waits_for_its_delay_and_for_its_slot() -> None:
    retries = Retries(count=1, delay=10.0)
    it = replay("a::0", "a::1", "a::2", "a::3", workers=2, isolation=Isolation.TEST, retries=retries)
    it.run("p/0002", "a::1", FAILED)
    it.over("p/0002", 1)  # slot 1 is free, a::2 takes it
    assert it.running == {"p/0001": ["a::0"], "p/0003": ["a::2"]}
    it.now = 20.0
    it.run("p/0001", "a::0")
    it.over("p/0001")  # slot 0 is free: not for the retry
    assert it.running == {"p/0003": ["a::2"], "p/0004": ["a::3"]}
    it.run("p/0003", "a::2")
    it.over("p/0003")
    again = it.jobs["p/0005"]
    assert ([test.id for test in again.tests], again.slot, again.attempt) == (["a::1"], 1, 2)


def test_a_retry_does_not_start_before_its_delay() -> None:
    it = replay("a::1", isolation=Isolation.TEST, retries=Retries(count=1, delay=10.0))
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    it.at(9.9)
    assert it.running == {}
    assert not it.supervisor.done
    it.at(10.0)
    assert it.running == {"p/0002": ["a::1"]}


def test_a_retry_that_passes_makes_a_flaky_test_and_a_green_run() -> None:
    it = replay("a::1", retries=Retries(count=1))
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    it.run("p/0002", "a::1")
    it.over("p/0002")
    result = it.result()
    assert next(result.tests()).flaky
    assert exit_code(result) is ExitCode.PASSED


def test_only_the_outcomes_that_are_named_are_retried() -> None:
    it = replay("a::1", retries=Retries(count=1, on=("crashed",)))
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    assert it.outcomes() == "failed"


def test_failures_that_are_retried_do_not_count_for_max_failures() -> None:
    it = replay("a::1", "a::2", isolation=Isolation.TEST, max_failures=1, retries=Retries(count=1))
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    it.run("p/0002", "a::2")
    it.over("p/0002")
    it.run("p/0003", "a::1", FAILED)
    it.over("p/0003", 1)
    assert it.outcomes() == "failed passed"


def test_a_test_repeated_inside_pytest_has_an_attempt_for_each() -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1", (Stage("call", "rerun", "no", "no"),))
    it.over("p/0001")
    assert [attempt.outcome.value for attempt in next(it.result().tests()).attempts] == ["failed", "passed"]


# -------------------------------------------------------------------------------------------------------- deadlines


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
    assert "with a dump" in detail.text
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


# ----------------------------------------------------------------------------------------------------------- deaths


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
    it.at(20.0)
    it.at(25.0)
    it.exited("p/0001", -signal.SIGTERM)
    result = it.result()
    assert "collection deadline" in result.problems[0].message
    assert exit_code(result) is ExitCode.FAILED


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


def test_a_process_that_ends_twice_without_any_test_is_given_up() -> None:
    it = replay("a::1", "a::2")
    it.exited("p/0001", 3)
    it.exited("p/0002", 3)
    result = it.result()
    assert [test.outcome.value for test in result.tests()] == ["error", "error"]
    detail = next(result.tests()).attempts[0].details[0]
    assert (
        detail.message == "its process ended before its first test, twice: its process exited with 3 before finishing"
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


# -------------------------------------------------------------------------------------------------------------- ends


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


def test_results_of_unknown_tests_and_second_results_are_not_taken() -> None:
    it = replay("a::1")
    it.run("p/0001", "a::1")
    it.run("p/0001", "a::1", FAILED)
    it.run("p/0001", "b::1", FAILED)
    it.over("p/0001", 0)
    assert it.outcomes() == "passed"


# ----------------------------------------------------------------------------------------------------- interruptions


def test_the_first_signal_is_passed_on_and_followed_by_a_kill_after_the_grace() -> None:
    it = replay("a::1", "a::2", "a::3", isolation=Isolation.TEST, workers=2)
    it.begin("p/0001", "a::1")
    assert it.supervisor.interrupt("SIGINT", signal.SIGINT, at_once=False) == [
        Signal("p/0001", signal.SIGINT),
        Signal("p/0002", signal.SIGINT),
    ]
    assert it.at(4.9) == []
    it.exited("p/0001", 2)
    assert it.at(5.0) == [Signal("p/0002", signal.SIGKILL)]
    it.exited("p/0002", -9)
    result = it.result()
    assert {test.reason for test in result.tests()} == {"interrupted by SIGINT"}
    assert result.phases[0].reason == "interrupted by SIGINT"


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
    assert it.outcomes() == "failed"


def test_every_attempt_says_where_it_ran() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2)
    it.run("p/0001", "a::1", worker="gw1")
    (event,) = it.said(TestFinished)
    assert (event.process, event.worker, event.slot, event.attempt) == ("p/0001", "gw1", 1, 1)


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
