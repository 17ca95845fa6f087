"""What starts, when, and in which slot."""

from __future__ import annotations

from async_test_runner.contract.messages import Retired
from async_test_runner.model.plan import Retries
from async_test_runner.model.vocabulary import Isolation
from async_test_runner.supervision.running import Running
from async_test_runner.supervision.waiting import _slot as lowest_slot
from tests.support.replay import FAILED, replay


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


def test_several_slots_are_free_ones_side_by_side() -> None:
    it = replay("a::1", "a::2", workers=2, isolation=Isolation.TEST)
    it.run("p/0001", "a::1")
    it.over("p/0001")
    (running,) = it.running
    taken = Running(it.jobs[running], now=0.0)  # slot 1: two that lie together are free from 2 on
    assert (lowest_slot(None, 1, [taken]), lowest_slot(None, 2, [taken])) == (0, 2)


def test_a_resource_lets_only_so_many_run() -> None:
    wanted = {"a::1": ("db",), "a::2": ("db",)}
    it = replay("a::1", "a::2", "a::3", workers=3, isolation=Isolation.TEST, capacities={"db": 1}, resources=wanted)
    assert list(it.running.values()) == [["a::1"], ["a::3"]]
    it.run("p/0001", "a::1")
    it.over("p/0001")
    assert ["a::2"] in it.running.values()


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


def test_fresh_processes_share_a_clean_phase_in_slices() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2, isolation=Isolation.CLEAN)
    assert it.running == {"p/0001": ["a::1", "a::2"], "p/0002": ["a::3"]}
    jobs = it.jobs.values()
    assert [(job.clean, job.divided, job.workers) for job in jobs] == [(True, False, 1), (False, False, 1)]


def test_what_one_of_the_slices_has_left_is_not_sliced_again() -> None:
    it = replay(*(f"a::{n}" for n in range(6)), workers=2, isolation=Isolation.CLEAN)
    it.run("p/0001", "a::0")
    it.say("p/0001", Retired, id="a::0", why="app: LIST added")
    it.over("p/0001", 2, "not clean")
    assert it.running == {"p/0002": ["a::3", "a::4", "a::5"], "p/0003": ["a::1", "a::2"]}


def test_what_is_to_run_alone_is_in_no_slice() -> None:
    it = replay(*(f"a::{n}" for n in range(6)), workers=3, whole=True, isolation=Isolation.CLEAN)
    it.run("p/0001", "a::5", worker="gw0")
    it.begin("p/0001", "a::0", "gw0")
    it.begin("p/0001", "a::1", "gw1")
    it.whole = False  # its host has died with it
    it.exited("p/0001", -9)
    assert list(it.running.values()) == [["a::0"], ["a::1"], ["a::2"]]
    assert not any(job.clean for process, job in it.jobs.items() if process in it.running)
