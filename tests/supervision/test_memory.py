"""What happens when memory is used up."""

from __future__ import annotations

import signal

import pytest

from async_test_runner.contract.messages import SessionFinished, Stage, WorkerDied, WorkerLost
from async_test_runner.model.errors import ExitCode
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record.verdict import exit_code
from async_test_runner.supervision.actions import Signal
from tests.support.replay import FAILED, Replay, replay

MB = 1_000_000
KILL = signal.SIGKILL


def message(it: Replay, number: int = 0) -> str:
    return list(it.result().tests())[number].attempts[0].details[0].message


def test_a_process_beyond_the_limit_is_killed_at_once_and_its_test_is_out_of_memory() -> None:
    resident = {11: 512 * MB}
    it = replay("a::1", "a::2", memory=512 * MB, resident=resident)
    it.hello("p/0001", 11)
    it.begin("p/0001", "a::1")
    assert it.at(1.0) == []
    resident[11] += 1
    assert it.at(2.0) == [Signal("p/0001", KILL)]
    assert it.at(3.0) == []
    it.exited("p/0001", -KILL)
    it.run("p/0002", "a::2")
    it.over("p/0002")
    assert it.outcomes() == "crashed passed"
    assert message(it) == "out of memory: limit 512 MB (its process had 512.1 MB)"
    assert it.result().problems == ()


def test_a_worker_beyond_the_limit_costs_its_own_test_only() -> None:
    resident = {11: MB, 12: 600 * MB, 10: 900 * MB}  # 10 is the session, which runs no test
    it = replay("a::1", "a::2", workers=2, memory=512 * MB, resident=resident)
    it.hello("p/0001", 10)
    for worker, pid, id in (("gw0", 11, "a::1"), ("gw1", 12, "a::2")):
        it.hello("p/0001", pid, worker)
        it.begin("p/0001", id, worker)
    assert it.at(1.0) == [Signal("p/0001", KILL, 12)]
    it.say("p/0001", WorkerDied, id="a::2", worker="gw1", status=-9)
    it.end("p/0001", "a::1", worker="gw0")
    it.over("p/0001", 1)
    assert it.outcomes() == "passed crashed"
    assert message(it, 1) == "out of memory: limit 512 MB (its process had 600.0 MB)"


def test_a_worker_of_xdist_beyond_the_limit_is_out_of_memory_too() -> None:
    it = replay("a::1", "a::2", workers=2, memory=512 * MB, resident={12: 600 * MB})
    it.hello("p/0001", 12, "gw1")
    it.begin("p/0001", "a::2", "gw1")
    assert it.at(1.0) == [Signal("p/0001", KILL, 12)]
    it.say("p/0001", WorkerLost, worker="gw1", text="Not properly terminated")
    it.say("p/0001", WorkerDied, id="a::2", worker="gw1")
    it.run("p/0001", "a::1", worker="gw0")
    it.over("p/0001", 2, "a worker crashed")
    assert it.outcomes() == "passed crashed"
    assert message(it, 1).startswith("out of memory: limit 512 MB")


def test_the_worker_that_takes_its_place_is_watched_as_well() -> None:
    it = replay("a::1", "a::2", isolation=Isolation.TEST, whole=True, memory=512 * MB, resident={1: 600 * MB})
    for id in ("a::1", "a::2"):
        it.hello("p/0001", 1, "gw0")
        it.begin("p/0001", id, "gw0")
        assert it.tick() == [Signal("p/0001", KILL, 1)]
        it.say("p/0001", WorkerDied, id=id, worker="gw0", status=-9)
    it.over("p/0001", 1)
    assert it.outcomes() == "crashed crashed"


def test_nobody_is_killed_without_a_test_to_blame() -> None:
    it = replay("a::1", memory=512 * MB, resident={1: 600 * MB})
    it.hello("p/0001")
    assert it.at(1.0) == []
    it.run("p/0001", "a::1")
    assert it.at(2.0) == []
    it.say("p/0001", SessionFinished, status=0)
    assert it.at(3.0) == []
    it.exited("p/0001", 0)
    assert it.outcomes() == "passed"


def test_a_phase_without_a_limit_asks_nobody() -> None:
    it = replay("a::1", resident={1: 600 * MB})
    it.hello("p/0001")
    it.begin("p/0001", "a::1")
    assert it.at(1.0) == []
    it.end("p/0001", "a::1")
    it.over("p/0001")
    assert it.outcomes() == "passed"


@pytest.mark.parametrize("worker", ["", "gw0"])
def test_a_kill_while_the_kernels_oom_killer_is_at_work_says_so(worker: str) -> None:
    it = replay("a::1", "a::2", workers=2 if worker else 1)
    it.begin("p/0001", "a::1", worker)
    it.oom_kills += 1
    if worker:
        it.say("p/0001", WorkerDied, id="a::1", worker=worker, status=-9)
        it.run("p/0001", "a::2", worker=worker)
        it.over("p/0001", 1)
    else:
        it.exited("p/0001", -KILL)
        it.run("p/0002", "a::2")
        it.over("p/0002")
    assert it.outcomes() == "crashed passed"
    assert message(it) == (
        "out of memory: its process was killed by SIGKILL, and the kernel's OOM killer was at work meanwhile"
    )


def test_the_kernels_oom_killer_explains_a_death_between_tests() -> None:
    it = replay("a::1", "a::2")
    it.run("p/0001", "a::1")
    it.oom_kills += 1
    it.exited("p/0001", -KILL)
    it.run("p/0002", "a::2")
    it.over("p/0002")
    result = it.result()
    assert "p/0001: out of memory: its process was killed by SIGKILL" in result.problems[0].message
    assert exit_code(result) is ExitCode.FAILED


@pytest.mark.parametrize("status", [-signal.SIGSEGV, 1])
def test_other_deaths_are_not_the_oom_killers(status: int) -> None:
    it = replay("a::1")
    it.begin("p/0001", "a::1")
    it.oom_kills += 1
    it.exited("p/0001", status)
    assert "memory" not in message(it)


@pytest.mark.parametrize(
    ("said", "memory", "expected"),
    [
        ("MemoryError", 512 * MB, "out of memory: limit 512 MB (MemoryError)"),
        ("numpy._core._exceptions._ArrayMemoryError: Unable", 512 * MB, "out of memory: limit 512 MB (MemoryError)"),
        ("MemoryError", None, "MemoryError"),
        ("AssertionError: MemoryError", 512 * MB, "AssertionError: MemoryError"),
    ],
)
def test_a_memory_error_in_a_test_is_reported_as_what_it_is(said: str, memory: int | None, expected: str) -> None:
    it = replay("a::1", memory=memory)
    it.run("p/0001", "a::1", (Stage("call", "failed", said, "text"),))
    it.over("p/0001", 1)
    assert it.outcomes() == "failed"
    assert message(it) == expected


def test_a_test_that_was_late_stays_late_whatever_its_memory() -> None:
    it = replay("a::1", memory=512 * MB, resident={1: 600 * MB})
    it.begin("p/0001", "a::1")
    it.at(60.0)
    it.hello("p/0001")
    it.tick()
    it.exited("p/0001", -KILL)
    (test,) = it.result().tests()
    assert test.outcome is Outcome.TIMED_OUT


def test_a_failure_is_none_of_memory() -> None:
    it = replay("a::1", memory=512 * MB)
    it.run("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    assert message(it) == "assert 0"
