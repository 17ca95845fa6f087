"""The codec round trip, what readers pass over, and the fold as tables."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.model.inventory import CollectError, LeftOut, PytestFacts
from async_test_runner.model.result import CommandResult, Detail, Leak, Problem, Section
from async_test_runner.model.vocabulary import Isolation, Outcome
from async_test_runner.record import events
from async_test_runner.record.events import (
    Collected,
    CommandFinished,
    DeadlineReached,
    Event,
    HangReported,
    Interrupted,
    LeakFound,
    Paused,
    PhaseFinished,
    PhasePlanned,
    PhaseStarted,
    ProblemFound,
    ProcessExited,
    ProcessStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    TestFinished,
    TestNotRun,
    TestRechecked,
    TestRef,
    TestSlow,
    TestStarted,
    Warned,
    decode,
    encode,
)
from async_test_runner.record.fold import Fold, fold

AT = {"at": 1_800_000_000.25, "mono": 5000.5}
DETAIL = Detail("call", Outcome.FAILED, "assert 0", "the whole")
RUN = RunStarted(**AT, version=1, run_id="r", plan="p", plan_path="/p", root="/", argv=("-q",), runner="0")
COLLECTED = Collected(
    **AT,
    tests=3,
    facts=PytestFacts(version="9.2.0", plugins=("a", "b")),
    errors=(CollectError("x.py", "no"),),
    left_out=(LeftOut("-m", 2, "tests", ("a",)),),
)
PLANNED = PhasePlanned(
    **AT,
    phase="p",
    isolation=Isolation.TEST,
    workers=2,
    tests=(TestRef("a", "a.py", 1), TestRef("b", "a.py", 2), TestRef("c", "a.py", 3)),
)
ONE_OF_EACH: tuple[Event, ...] = (
    RUN,
    COLLECTED,
    PLANNED,
    RunResumed(**AT, run_id="r", argv=("-q",), runner="0.1.0"),
    PhaseStarted(**AT, phase="p"),
    CommandFinished(
        **AT, result=CommandResult(phase="p", stage="setup", command="x", status=-9, duration=1.5, output="o")
    ),
    ProcessStarted(**AT, phase="p", process="p/0001", pid=7, slot=1, attempt=1, tests=3, log="l"),
    TestStarted(**AT, phase="p", id="a", process="p/0001", attempt=1, worker="gw0"),
    TestFinished(
        **AT,
        phase="p",
        id="a",
        attempt=1,
        outcome=Outcome.FAILED,
        duration=0.5,
        call=0.25,
        details=(DETAIL,),
        sections=(Section("Captured stdout call", "out"),),
        properties=(("k", "v"),),
    ),
    TestRechecked(**AT, phase="p", id="a", outcome=Outcome.PASSED, process="p/0002", duration=0.5, details=(DETAIL,)),
    LeakFound(**AT, phase="p", id="a", attempt=1, process="p/0001", leak=Leak("tasks", "task x", "a.py:1 in f")),
    DeadlineReached(**AT, budget="test", limit=60.0, id="a"),
    TestSlow(**AT, phase="p", process="p/0001", id="a", attempt=1, age=9.0, line="a.py:1 in f"),
    HangReported(
        **AT, phase="p", process="p/0001", id="a", attempt=1, why="asked", age=9.0, likely="a.py:1 in f", text="t"
    ),
    TestNotRun(**AT, phase="p", ids=("b",), reason="why"),
    ProcessExited(**AT, phase="p", process="p/0001", status=-11, finished=False),
    PhaseFinished(**AT, phase="p", wall=2.0, reason="r"),
    Warned(**AT, message="m"),
    ProblemFound(**AT, problem=Problem("failure", "m", "h", "p")),
    Interrupted(**AT, signal=2, count=2),
    Paused(**AT, seconds=7.0),
    RunFinished(**AT, exit_code=1, wall=3.0),
)


# -------------------------------------------------------------------------------------------------------------- codec


def test_the_table_has_one_event_of_each_kind() -> None:
    assert {type(event) for event in ONE_OF_EACH} == set(get_args(Event))


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_every_kind_comes_back_as_it_went(event: Event) -> None:
    line = encode(event)
    assert b"\n" not in line
    assert decode(line) == event
    assert json.loads(line)["kind"] == event.__struct_config__.tag


@given(st.text())
def test_any_text_fits_on_one_line_and_without_surrogates_comes_back(text: str) -> None:
    line = encode(Warned(**AT, message=text))
    assert b"\n" not in line
    event = decode(line)
    assert isinstance(event, Warned)
    assert event.message == text.encode("utf-8", "backslashreplace").decode()


def test_lone_surrogates_are_written_visibly_wherever_they_are() -> None:
    event = msgspec.structs.replace(ONE_OF_EACH[8], id="\udcff", sections=(Section("s", "\ud800"),))  # type: ignore[type-var]
    read = decode(encode(event))
    assert isinstance(read, TestFinished)
    assert (read.id, read.sections[0].content) == ("\\udcff", "\\ud800")
    assert read.details == (DETAIL,)


def test_unknown_kinds_and_unknown_keys_are_passed_over() -> None:
    assert decode(b'{"kind":"from_the_future","at":1,"mono":2}') is None
    assert decode(b'{"kind":"warned","at":1,"mono":2,"message":"m","new":{"deep":[1]}}') == Warned(
        at=1.0, mono=2.0, message="m"
    )


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b'{"kind":"warned","at":1,"mono":2,"mess', b"[]", b"1", b"null", b'{"kind":"warned"}', b"\x00\x01"],
)
def test_a_damaged_line_is_a_decode_error(line: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(line)


def test_a_line_that_is_no_utf_8_is_a_decode_error() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(b'{"kind":"warned","at":1,"mono":2,"message":"\xff"}')


@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for line in (data, b'{"kind":"warned","at":1,"mono":2,"message":"' + data):
        try:
            decode(line)
        except msgspec.DecodeError:
            pass


# --------------------------------------------------------------------------------------------------------------- fold


def finished(id: str, outcome: Outcome = Outcome.PASSED, **facts: Any) -> TestFinished:
    return TestFinished(**{**AT, "phase": "p", "id": id, "attempt": 1, "outcome": outcome, **facts})


def began(id: str, attempt: int = 1) -> TestStarted:
    return TestStarted(**AT, phase="p", id=id, process="p/0001", attempt=attempt)


@pytest.mark.parametrize(
    ("history", "outcome", "reason"),
    [
        ((), Outcome.NOT_RUN, "the run ended before it"),
        ((began("a"),), Outcome.NOT_RUN, "in flight when the run ended"),
        ((began("a"), finished("a")), Outcome.PASSED, ""),
        ((finished("a", Outcome.CRASHED),), Outcome.CRASHED, ""),
        ((TestNotRun(**AT, phase="p", ids=("a",), reason="why"),), Outcome.NOT_RUN, "why"),
        ((finished("a"), TestNotRun(**AT, phase="p", ids=("a",), reason="late")), Outcome.PASSED, ""),
        ((PhaseFinished(**AT, phase="p", wall=1.0),), Outcome.NOT_RUN, ""),  # a hole in the books: see the verdict
        ((finished("a", Outcome.FAILED), finished("a", attempt=2)), Outcome.PASSED, ""),
        ((finished("a"), finished("a", Outcome.FAILED, attempt=2)), Outcome.FAILED, ""),
        ((finished("a"), finished("a", Outcome.FAILED)), Outcome.PASSED, ""),  # the first word of an attempt counts
        ((finished("a", Outcome.FAILED), began("a", 2)), Outcome.FAILED, ""),
    ],
)
def test_what_events_make_of_a_test(history: tuple[Event, ...], outcome: Outcome, reason: str) -> None:
    test = next(fold([RUN, PLANNED, *history]).tests())
    assert (test.outcome, test.reason) == (outcome, reason)


def test_the_fold_of_a_whole_run_has_everything() -> None:
    result = fold(ONE_OF_EACH)
    assert (result.run_id, result.argv, result.wall, result.finished, result.signal) == ("r", ("-q",), 3.0, True, 2)
    assert result.collect_errors == COLLECTED.errors
    assert result.left_out == COLLECTED.left_out
    assert [problem.message for problem in result.problems] == ["m"]
    assert result.warnings == ("m",)
    (phase,) = result.phases
    assert (phase.wall, phase.reason, phase.started, phase.finished, len(phase.commands)) == (2.0, "r", True, True, 1)
    assert [test.outcome.value for test in phase.tests] == ["failed", "not_run", "not_run"]
    attempt = phase.tests[0].attempts[0]
    assert (attempt.details, attempt.properties, attempt.call) == ((DETAIL,), (("k", "v"),), 0.25)


def test_results_twice_and_results_of_nobody_are_remembered() -> None:
    result = fold([RUN, PLANNED, finished("a"), finished("a"), finished("z")])
    assert (result.duplicates, result.unplanned) == (("a",), ("z",))


def test_no_events_are_no_run_and_a_run_without_an_end_is_not_finished() -> None:
    assert fold([]).run_id == ""
    cut = fold([RUN, msgspec.structs.replace(PLANNED, mono=5010.5)])
    assert (cut.finished, cut.wall) == (False, 10.0)


def test_the_wall_time_of_a_phase_grows_until_it_is_over() -> None:
    state = Fold()
    for event in (RUN, PLANNED, PhaseStarted(at=0, mono=5000.0, phase="p"), Warned(at=0, mono=5004.0, message="")):
        state.add(event)
    assert state.phase("p").wall == 4.0
    state.add(PhaseFinished(**AT, phase="p", wall=9.0))
    assert state.phase("p").wall == 9.0


def test_the_first_signal_is_the_one_that_counts() -> None:
    assert fold([RUN, Interrupted(**AT, signal=15), Interrupted(**AT, signal=2, count=2)]).signal == 15


@given(st.lists(st.sampled_from(ONE_OF_EACH[3:]), max_size=30))
def test_any_order_of_events_folds_to_one_outcome_per_planned_test(history: list[Event]) -> None:
    result = fold([RUN, COLLECTED, PLANNED, *history])
    assert [test.id for test in result.tests()] == ["a", "b", "c"]


def test_a_prefix_of_a_journal_never_shows_an_outcome_that_the_whole_does_not() -> None:
    history = [RUN, PLANNED, began("a"), finished("a"), began("b"), finished("b", Outcome.FAILED)]
    whole = {test.id: test.outcome for test in fold(history).tests()}
    for length in range(2, len(history)):
        for test in fold(history[:length]).tests():
            assert test.outcome in (Outcome.NOT_RUN, whole[test.id])


def test_the_version_is_written_down() -> None:
    assert events.VERSION == 1


# -------------------------------------------------------------------------------------------------------------- leaks


def leak(what: str, attempt: int = 1, id: str = "a") -> LeakFound:
    return LeakFound(**AT, phase="p", id=id, attempt=attempt, process="p/0001", leak=Leak("tasks", what))


def test_a_leak_belongs_to_its_attempt_whenever_it_is_found() -> None:
    first, second = (
        TestFinished(**AT, phase="p", id="a", attempt=number, outcome=Outcome.PASSED, retry=number == 1)
        for number in (1, 2)
    )
    result = fold((RUN, PLANNED, leak("early", 2), first, second, leak("late", 1), leak("early", 1)))
    test = next(result.tests())
    assert [[leak.what for leak in attempt.leaks] for attempt in test.attempts] == [["late", "early"], ["early"]]
    assert [leak.what for leak in test.leaks] == ["late", "early"]


def test_a_leak_of_a_test_without_an_attempt_is_no_outcome() -> None:
    result = fold((RUN, PLANNED, leak("early", 1)))
    assert next(result.tests()).outcome is Outcome.NOT_RUN
