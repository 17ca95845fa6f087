"""The questions that the values of a plan answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from async_test_runner.model.plan import Command, Leaks, Phase, Plan, Retries
from async_test_runner.model.vocabulary import LeakKind, Outcome


def test_an_error_is_tried_again_where_failures_are() -> None:
    assert Retries(on=("failed",)).covers(Outcome.ERROR)
    assert not Retries(on=("crashed",)).covers(Outcome.ERROR)
    assert [outcome for outcome in Outcome if Retries().covers(outcome)] == [
        Outcome.FAILED,
        Outcome.ERROR,
        Outcome.TIMED_OUT,
        Outcome.CRASHED,
    ]


def test_a_kind_of_leak_without_a_policy_of_its_own_has_the_default() -> None:
    policies = Leaks("ignore", {LeakKind.TASKS: "fail"}).by_kind()
    assert set(policies) == set(LeakKind)
    assert [kind for kind, policy in policies.items() if policy != "ignore"] == [LeakKind.TASKS]
    assert policies[LeakKind.TASKS] == "fail"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (Command(("touch", "a file")), "touch 'a file'"),
        (Command(("touch a > b",), shell=True), "touch a > b"),
    ],
)
def test_a_command_is_shown_as_it_could_be_typed(command: Command, shown: str) -> None:
    assert command.shown == shown


def test_a_phase_is_found_by_its_name_the_one_for_the_rest_too() -> None:
    one, rest = Phase(name="one"), Phase(name="rest")
    plan = Plan(path=Path("/p/runner.yaml"), root=Path("/p"), name="p", phases=(one,), rest=rest)
    assert (plan.phase("one"), plan.phase("rest")) == (one, rest)
    with pytest.raises(KeyError):
        plan.phase("two")
