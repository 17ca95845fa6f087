"""What a process leaves to do, as tables."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.model.vocabulary import Outcome
from async_test_runner.supervision.aftermath import Ending, Overdue, aftermath

LATE = Overdue("test", 60.0)


def after(**facts: Any) -> str:
    """``id=outcome`` for the blamed, ``again:``, ``alone:``, ``not_run:`` with ids, in one line."""
    end = Ending(**{"tests": ("a", "b", "c"), **facts})
    result = aftermath(end)
    parts = [f"{blame.id}={blame.outcome.value}" for blame in result.blamed]
    lists = {"again": result.again, "alone": result.alone, "later": result.later, "not_run": result.not_run}
    return " ".join([*parts, *(f"{name}:{','.join(ids)}" for name, ids in lists.items() if ids)])


DONE = frozenset("a")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"done": frozenset("abc"), "finished": True}, ""),
        # deaths
        ({"status": -11, "done": DONE, "in_flight": ("b",)}, "b=crashed again:c"),
        ({"status": 0, "done": DONE, "in_flight": ("b",)}, "b=crashed again:c"),
        ({"status": 0, "done": DONE}, "again:b,c"),
        ({"status": -9, "in_flight": ("a", "b")}, "again:c alone:a,b"),
        ({"status": -9, "in_flight": ("a", "b"), "dead": frozenset("a")}, "a=crashed again:b,c"),
        ({"dead": frozenset("a"), "in_flight": ("a",), "finished": True, "reason": "lost"}, "a=crashed again:b,c"),
        # deadlines
        ({"status": -15, "in_flight": ("a",), "overdue": {"a": LATE}}, "a=timed_out again:b,c"),
        ({"in_flight": ("a", "b"), "overdue": {"a": LATE}}, "a=timed_out again:b,c"),
        ({"in_flight": ("a",), "overdue": {"a": LATE}, "dead": frozenset("a")}, "a=timed_out again:b,c"),
        ({"done": DONE, "in_flight": ("b",), "doom": Overdue("phase", 9.0)}, "b=timed_out not_run:c"),
        ({"in_flight": ("a", "b"), "doom": Overdue("run", 9.0)}, "a=timed_out b=timed_out not_run:c"),
        ({"doom": Overdue("collection", 9.0)}, "not_run:a,b,c"),
        ({"doom": Overdue("collection", 9.0), "done": DONE}, "again:b,c"),
        ({"doom": Overdue("collection", 9.0), "done": DONE, "interrupted": "by SIGINT"}, "not_run:b,c"),
        # ends from inside
        ({"finished": True, "reason": "Exit", "in_flight": ("a",), "status": 2}, "a=crashed again:b,c"),
        ({"finished": True, "reason": "a plugin", "done": DONE, "status": 2}, "not_run:b,c"),
        ({"finished": True, "done": DONE, "maxfail": 1, "red": 1}, "later:b,c"),
        ({"finished": True, "done": DONE, "maxfail": 2, "red": 1}, "again:b,c"),
        ({"finished": True, "in_flight": ("b",), "done": DONE, "maxfail": 1, "red": 1}, "later:b,c"),
        ({"finished": True, "maxfail": 1, "red": 1, "reason": "stopping after 1 failures"}, "not_run:a,b,c"),
        # not clean any more
        ({"finished": True, "reason": "not clean", "done": DONE, "retired": True, "status": 2}, "again:b,c"),
        ({"finished": True, "done": DONE, "retired": True, "maxfail": 1, "red": 1}, "later:b,c"),
        # interruptions
        ({"interrupted": "by SIGINT", "done": DONE, "in_flight": ("b",), "status": -2}, "not_run:b,c"),
        ({"interrupted": "by SIGINT", "in_flight": ("a",), "overdue": {"a": LATE}}, "a=timed_out not_run:b,c"),
        # nothing happened
        ({"status": 3}, "again:a,b,c"),
        ({"status": 3, "barren": 1}, "again:b,c alone:a"),
        ({"status": 3, "barren": 2}, "a=error b=error c=error"),
        ({"status": 0, "finished": True, "barren": 2}, "a=error b=error c=error"),
        ({"status": 3, "barren": 1, "done": DONE}, "again:b,c"),
        # gone
        ({"finished": True, "missing": dict.fromkeys("b", ""), "done": frozenset("ac")}, "b=error"),
        ({"finished": True, "missing": dict.fromkeys("abc", "")}, "a=error b=error c=error"),
        ({"status": -9, "missing": dict.fromkeys("b", ""), "in_flight": ("a",)}, "b=error a=crashed again:c"),
    ],
)
def test_what_an_ended_process_leaves_to_do(facts: dict[str, Any], expected: str) -> None:
    assert after(**facts) == expected


@given(
    done=st.sets(st.sampled_from("abc")),
    flight=st.lists(st.sampled_from("abc"), unique=True),
    missing=st.sets(st.sampled_from("abc")),
    late=st.sets(st.sampled_from("abc")),
    dead=st.sets(st.sampled_from("abc")),
    status=st.sampled_from([0, 1, 2, -9]),
    finished=st.booleans(),
    reason=st.sampled_from(["", "why"]),
    doom=st.sampled_from([None, Overdue("phase", 1.0)]),
    interrupted=st.sampled_from(["", "by SIGINT"]),
    barren=st.integers(0, 2),
    maxfail=st.integers(0, 1),
)
def test_every_test_without_an_outcome_is_accounted_for_exactly_once(
    done: set[str], flight: list[str], missing: set[str], late: set[str], dead: set[str], **facts: Any
) -> None:
    result = aftermath(
        Ending(
            tests=("a", "b", "c"),
            done=frozenset(done),
            in_flight=tuple(id for id in flight if id not in done),
            missing=dict.fromkeys(missing, ""),
            overdue=dict.fromkeys(late, LATE),
            dead=frozenset(dead),
            red=1,
            **facts,
        )
    )
    told = [*(blame.id for blame in result.blamed), *result.again, *result.alone, *result.later, *result.not_run]
    assert sorted(told) == sorted({"a", "b", "c"} - done)
    assert bool(result.not_run) <= bool(result.reason)


def test_a_session_that_brings_nothing_twice_gives_up_instead_of_running_for_ever() -> None:
    first = aftermath(Ending(tests=("a",), status=0, finished=True))
    assert first.again == ("a",)
    second = aftermath(Ending(tests=("a",), status=0, finished=True, barren=1))
    assert second.blamed[0].outcome is Outcome.ERROR
    assert "pytest finished without running it" in second.blamed[0].message


def test_the_evidence_goes_with_the_blame() -> None:
    (blame,) = aftermath(Ending(tests=("a",), in_flight=("a",), status=-11, log="Fatal Python error")).blamed
    assert blame.message == "its process was killed by SIGSEGV"
    assert blame.text == "its process was killed by SIGSEGV\n\nFatal Python error"


@pytest.mark.parametrize(
    ("budget", "key"),
    [("test", "test_timeout"), ("phase", "timeout"), ("run", "run_timeout"), ("collection", "collect_timeout")],
)
def test_a_deadline_names_its_budget_and_its_key(budget: Any, key: str) -> None:
    assert str(Overdue(budget, 90.0)) == f"exceeded its {budget} deadline of 1m30s ({key})"
