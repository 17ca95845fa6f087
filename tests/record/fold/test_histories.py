"""Which tests ran before a test that is red after them and not alone."""

from __future__ import annotations

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.record.events import Event, TestFinished, TestRechecked
from async_test_runner.record.fold import fold
from async_test_runner.record.fold.histories import HistoryFold
from tests.support.events import AT, PLANNED, RUN, finished


def ran(id: str, nth: int, *, red: bool = False, process: str = "p/0001", **facts: object) -> TestFinished:
    outcome = Outcome.FAILED if red else Outcome.PASSED
    return finished(id, outcome, process=process, nth=nth, recheck=red, **facts)


def histories(*events: TestFinished) -> HistoryFold:
    state = HistoryFold()
    for event in events:
        state.add(event, event.process)
    return state


def test_a_test_knows_its_process_and_its_place_in_it() -> None:
    state = histories(ran("a", 0), ran("x", 0, process="p/0002"), ran("b", 1, red=True), ran("c", 2))
    assert state.of("b") == (("a", "b", "c"), 1)
    assert state.of("c") == ((), 0)


def test_workers_of_one_process_are_processes_of_their_own() -> None:
    state = histories(ran("a", 0, worker="gw0"), ran("b", 0, worker="gw1"), ran("c", 1, red=True, worker="gw0"))
    assert state.of("c") == (("a", "c"), 1)


def test_a_worker_that_is_replaced_begins_anew_and_what_was_said_of_the_first_stays() -> None:
    state = histories(ran("a", 0), ran("b", 1, red=True), ran("c", 0), ran("d", 1, red=True))
    assert [state.of(id) for id in "bd"] == [(("a", "b"), 1), (("c", "d"), 1)]


def test_another_attempt_in_the_same_process_is_no_other_test() -> None:
    state = histories(ran("a", 0), ran("a", 0), ran("b", 1), ran("b", 1, red=True))
    assert state.of("b") == (("a", "b"), 1)


def test_where_the_beginning_is_not_known_a_test_stands_alone() -> None:
    assert histories(ran("b", 3, red=True), ran("c", 4, red=True)).of("c") == (("c",), 4)


def test_a_history_stands_once_however_many_tests_it_tells_of() -> None:
    rechecks: list[Event] = [TestRechecked(**AT, phase="p", id=id, outcome=Outcome.PASSED) for id in "bc"]
    result = fold([RUN, PLANNED, ran("a", 0), ran("b", 1, red=True), ran("c", 2, red=True), *rechecks])
    _, first, second = (test.recheck for test in result.tests())
    assert first is not None and second is not None
    assert first.history is second.history
    assert (first.before, second.before) == (("a",), ("a", "b"))


def test_what_is_asked_early_does_not_hide_what_runs_later() -> None:
    state = histories(ran("a", 0), ran("b", 1, red=True))
    assert state.of("b")[0] == ("a", "b")
    state.add(ran("c", 2), "p/0001")
    assert state.of("b")[0] == ("a", "b", "c")
