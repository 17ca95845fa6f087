"""What has changed between two runs."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from async_test_runner.model.result import Attempt, PhaseResult, Recheck, RunResult, TestResult
from async_test_runner.model.vocabulary import GREEN, Isolation, Outcome
from async_test_runner.record.comparison import Comparison, compare


def case(id: str, *outcomes: Outcome, took: float = 0.1, **facts: Any) -> TestResult:
    attempts = tuple(Attempt(number=n, outcome=o, duration=took) for n, o in enumerate(outcomes, 1))
    return TestResult(id=id, file="a.py", line=1, phase="p", attempts=attempts, **facts)


def run(*tests: TestResult) -> RunResult:
    phase = PhaseResult(name="p", isolation=Isolation.TEST, workers=1, tests=tests, started=True, finished=True)
    return RunResult(run_id="r", plan="p", plan_path="", root="", at=0.0, wall=1.0, phases=(phase,), finished=True)


def kinds(old: TestResult, new: TestResult) -> set[str]:
    """Those that have something in them."""
    found = compare(run(old), run(new))
    return {
        name for name in found.__struct_fields__ if isinstance(getattr(found, name), tuple) and getattr(found, name)
    }


@pytest.mark.parametrize(
    ("was", "now", "kind"),
    [
        (Outcome.PASSED, Outcome.FAILED, {"red"}),
        (Outcome.SKIPPED, Outcome.CRASHED, {"red"}),
        (Outcome.NOT_RUN, Outcome.TIMED_OUT, {"red"}),
        (Outcome.FAILED, Outcome.CRASHED, {"still_red"}),
        (Outcome.ERROR, Outcome.PASSED, {"green"}),
        (Outcome.FAILED, Outcome.XFAILED, {"green"}),
        (Outcome.FAILED, Outcome.SKIPPED, {"ran_no_more"}),
        (Outcome.FAILED, Outcome.NOT_RUN, {"ran_no_more"}),
        (Outcome.PASSED, Outcome.SKIPPED, {"ran_no_more"}),
        (Outcome.PASSED, Outcome.PASSED, set()),
        (Outcome.SKIPPED, Outcome.PASSED, set()),
        (Outcome.SKIPPED, Outcome.NOT_RUN, set()),
    ],
)
def test_what_became_of_a_test(was: Outcome, now: Outcome, kind: set[str]) -> None:
    def made(outcome: Outcome) -> TestResult:
        return case("a") if outcome is Outcome.NOT_RUN else case("a", outcome)

    assert kinds(made(was), made(now)) == kind


def test_a_test_is_flaky_that_was_not_before() -> None:
    flaky = case("a", Outcome.FAILED, Outcome.PASSED)
    assert kinds(case("a", Outcome.PASSED), flaky) == {"flaky"}
    assert kinds(flaky, flaky) == set()
    assert kinds(flaky, case("a", Outcome.PASSED)) == set()
    order = case("a", Outcome.FAILED, recheck=Recheck(outcome=Outcome.PASSED, position=1, history=("x", "a")))
    assert kinds(case("a", Outcome.PASSED), order) == {"red", "flaky"}


def test_tests_of_one_run_only_are_new_or_gone() -> None:
    found = compare(run(case("a", Outcome.PASSED), case("b", Outcome.PASSED)), run(case("c", Outcome.FAILED)))
    assert ([t.id for t in found.added], [t.id for t in found.gone], found.same) == (["c"], ["a", "b"], 0)


def slower(was: float, now: float, *others: float, outcome: Outcome = Outcome.PASSED) -> Comparison:
    """A test that took so long, among others that took 0.1 s before."""
    around = [case(f"o{n}", Outcome.PASSED) for n in range(len(others))]
    after = [case(f"o{n}", Outcome.PASSED, took=took) for n, took in enumerate(others)]
    return compare(run(case("a", Outcome.PASSED, took=was), *around), run(case("a", outcome, took=now), *after))


def test_a_test_is_slower_by_half_and_by_a_fifth_of_a_second() -> None:
    assert [pair.new.id for pair in slower(1.0, 1.5).slower] == ["a"]
    assert not slower(1.0, 1.49).slower
    assert slower(0.1, 0.31).slower
    assert not slower(0.1, 0.29).slower


def test_a_slow_machine_makes_no_test_slower() -> None:
    doubled = slower(1.0, 2.0, *[0.2] * 25)
    assert (doubled.pace, doubled.slower) == (2.0, ())
    assert slower(1.0, 3.1, *[0.2] * 25).slower
    assert slower(1.0, 2.0, *[0.2] * 10).pace == 1.0, "so few tests have no pace"
    assert slower(1.0, 2.0, *[0.001] * 25).pace == 1.0, "nor have tests that take no time"


def test_how_long_a_red_test_took_says_nothing() -> None:
    assert not slower(1.0, 9.0, outcome=Outcome.TIMED_OUT).slower


def test_the_slowest_stand_first() -> None:
    old = run(*(case(id, Outcome.PASSED, took=1.0) for id in "abc"))
    new = run(*(case(id, Outcome.PASSED, took=took) for id, took in zip("abc", (2.0, 4.0, 3.0), strict=True)))
    assert [pair.new.id for pair in compare(old, new).slower] == ["b", "c", "a"]


TESTS = st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from(list(Outcome)[:-1]), max_size=2))


@given(TESTS, TESTS)
def test_no_test_of_either_run_is_lost(old: dict[str, list[Outcome]], new: dict[str, list[Outcome]]) -> None:
    def made(tests: dict[str, list[Outcome]]) -> RunResult:
        return run(*(case(id, *outcomes) for id, outcomes in tests.items()))

    found = compare(made(old), made(new))
    named = {pair.new.id for kind in (found.red, found.still_red, found.green, found.ran_no_more) for pair in kind}
    named |= {pair.new.id for kind in (found.flaky, found.slower) for pair in kind}
    assert len(named) + found.same == len(set(old) & set(new))
    assert {test.id for test in found.added} == set(new) - set(old)
    assert {test.id for test in found.gone} == set(old) - set(new)
    red = {test.id for test in made(new).tests() if test.outcome.is_red}
    assert red == {p.new.id for p in (*found.red, *found.still_red)} | {t.id for t in found.added if t.outcome.is_red}
    assert all(pair.new.outcome in GREEN for pair in found.green)


def test_a_run_has_changed_nothing_against_itself() -> None:
    result = run(case("a", Outcome.PASSED), case("b", Outcome.SKIPPED), case("c"))
    assert compare(result, result) == msgspec.structs.replace(Comparison(), same=3)
