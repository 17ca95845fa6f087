"""What processes are asked, and what becomes of their answers."""

from __future__ import annotations

from async_test_runner.record.events import HangReported, TestSlow
from async_test_runner.supervision.actions import Ask, AskInC
from tests.support.replay import DUMP, FAILED, Replay, replay

STACKS = 'Current thread 0x01 (most recent call first):\n  File "tests/test_a.py", line 7 in test_a\n'


def late(c_signal: int | None = 42) -> Replay:
    """A test that has just been asked because its time is up."""
    it = replay("a::1")
    it.hello("p/0001", 77, c_signal=c_signal)
    it.begin("p/0001", "a::1")
    it.at(60.0)
    return it


def test_the_answer_of_a_test_that_is_too_late_is_told_and_stays_with_its_outcome() -> None:
    it = late()
    it.answer("p/0001", "a::1", likely="a.py:3 in f", pid=77)
    (event,) = it.said(HangReported)
    assert (event.id, event.why, event.age, event.likely) == ("a::1", "overdue", 60.0, "a.py:3 in f")
    it.end("p/0001", "a::1", FAILED)
    it.over("p/0001", 1)
    detail = next(it.result().tests()).attempts[0].details[0]
    assert detail.message == "exceeded its test deadline of 1m (test_timeout); most likely: a.py:3 in f"
    assert "and all the rest\n(end of the hang report)" in detail.text


def test_an_answer_stays_with_a_test_that_had_to_be_killed() -> None:
    it = late()
    it.answer("p/0001", "a::1", likely="a.py:3 in f", pid=77)
    it.at(65.0)
    it.exited("p/0001", -15)
    (detail,) = next(it.result().tests()).attempts[0].details
    assert "most likely: a.py:3 in f" in detail.message
    assert "and all the rest" in detail.text
    assert detail.text.endswith("log of p/0001")


def test_where_python_does_not_answer_bare_stacks_are_asked_for() -> None:
    it = late()
    assert it.at(60.3) == []
    assert it.at(60.4) == [AskInC("p/0001", 77, 42)]
    assert it.at(60.45) == []
    it.dump = STACKS
    assert it.at(60.6) == []
    (event,) = it.said(HangReported)
    assert event.likely.startswith("tests/test_a.py:7 in test_a")
    assert it.at(61.0) == []
    assert len(it.said(HangReported)) == 1


def test_an_answer_that_comes_after_the_stacks_takes_their_place() -> None:
    it = late()
    it.at(60.4)
    it.dump = STACKS
    it.at(60.6)
    it.answer("p/0001", "a::1", likely="a.py:3 in f", pid=77)
    it.at(65.0)
    it.exited("p/0001", -15)
    assert "most likely: a.py:3 in f" in next(it.result().tests()).attempts[0].details[0].message
    assert len(it.said(HangReported)) == 1


def test_a_process_that_answers_in_no_way_is_told_within_a_second() -> None:
    it = late()
    it.at(60.4)
    it.at(60.9)
    (event,) = it.said(HangReported)
    assert event.likely == ""
    assert "does not answer" in event.text


def test_where_there_is_no_second_signal_the_first_is_waited_for() -> None:
    it = late(c_signal=None)
    assert it.at(60.4) == []
    it.at(60.9)
    assert "does not answer" in it.said(HangReported)[0].text


def test_of_one_session_one_process_at_a_time_is_asked_for_stacks() -> None:
    it = replay("a::1", "a::2", workers=2)
    for worker, pid, id in (("gw0", 11, "a::1"), ("gw1", 12, "a::2")):
        it.hello("p/0001", pid, worker, c_signal=42)
        it.begin("p/0001", id, worker)
    it.at(60.0)
    assert it.at(60.4) == [AskInC("p/0001", 11, 42)]
    it.dump = STACKS
    assert it.at(60.5) == [AskInC("p/0001", 12, 42)]
    it.at(60.7)
    assert [event.id for event in it.said(HangReported)] == ["a::1", "a::2"]


def test_an_empty_answer_is_none() -> None:
    it = late()
    it.answer("p/0001", "a::1", likely="", pid=77)
    assert it.said(HangReported) == []
    assert it.at(60.4) == [AskInC("p/0001", 77, 42)]


# ------------------------------------------------------------------------------------------------------------- slow


def slow(**options: float | None) -> Replay:
    it = replay("a::1", **{"slow_after": 10.0, **options})
    it.hello("p/0001", 77, c_signal=42)
    it.begin("p/0001", "a::1")
    return it


def test_a_slow_test_is_asked_each_time_the_period_has_passed() -> None:
    it = slow()
    assert it.at(9.9) == []
    assert it.at(10.0) == [Ask("p/0001", "a::1", "", 77, DUMP, "slow")]
    assert it.at(10.1) == []
    it.answer("p/0001", "a::1", "slow", "a.py:3 in f", 77)
    assert it.at(19.9) == []
    (again,) = it.at(20.0)
    assert isinstance(again, Ask)
    assert [(event.id, round(event.age, 1), event.line) for event in it.said(TestSlow)] == [
        ("a::1", 10.1, "a.py:3 in f")
    ]


def test_a_long_pause_is_one_notice() -> None:
    it = slow()
    assert len(it.at(35.0)) == 1
    assert it.at(36.0) == []


def test_a_slow_test_that_does_not_answer_is_not_asked_in_c() -> None:
    it = slow()
    it.at(10.0)
    assert it.at(13.1) == []
    assert it.at(13.6) == []
    assert [event.line for event in it.said(TestSlow)] == [""]


def test_no_period_no_notice() -> None:
    assert slow(slow_after=None).at(59.0) == []


def test_a_test_that_was_slow_says_so_in_the_end() -> None:
    it = slow()
    it.at(10.0)
    it.answer("p/0001", "a::1", "slow", "a.py:3 in f", 77)
    it.end("p/0001", "a::1")
    it.over("p/0001")
    (test,) = it.result().tests()
    assert test.slow == (10.0, "a.py:3 in f")
    assert test.outcome.value == "passed"


# -------------------------------------------------------------------------------------------------------- on demand


def test_a_person_who_asks_hears_of_every_running_test_and_the_run_goes_on() -> None:
    it = replay("a::1", "a::2", "a::3", workers=2)
    for worker, pid, id in (("gw0", 11, "a::1"), ("gw1", 12, "a::2")):
        it.hello("p/0001", pid, worker)
        it.begin("p/0001", id, worker)
    it.hello("p/0001", 10)
    assert [(ask.pid, ask.why) for ask in it.supervisor.ask() if isinstance(ask, Ask)] == [(11, "asked"), (12, "asked")]
    it.answer("p/0001", "a::2", "asked", pid=12)
    (event,) = it.said(HangReported)
    assert (event.id, event.why) == ("a::2", "asked")
    it.end("p/0001", "a::2", worker="gw1")
    assert it.said(HangReported)[-1].why == "asked"


def test_between_two_tests_the_session_answers() -> None:
    it = replay("a::1")
    it.hello("p/0001", 10)
    assert [ask.pid for ask in it.supervisor.ask() if isinstance(ask, Ask)] == [10]
    it.answer("p/0001", "", "asked", pid=10)
    assert [(event.id, event.process) for event in it.said(HangReported)] == [("", "p/0001")]


def test_a_process_that_has_not_said_how_is_not_asked() -> None:
    it = replay("a::1")
    it.begin("p/0001", "a::1")
    assert it.supervisor.ask() == []


# ------------------------------------------------------------------------------------------------- other deadlines


def test_what_hangs_when_a_phase_is_too_late_is_in_the_outcome() -> None:
    it = replay("a::1", timeout=30.0)
    it.hello("p/0001", 77)
    it.begin("p/0001", "a::1")
    it.at(30.0)
    it.answer("p/0001", "a::1", likely="a.py:3 in f", pid=77)
    it.at(35.0)
    it.exited("p/0001", -15)
    assert "most likely: a.py:3 in f" in next(it.result().tests()).attempts[0].details[0].message
