"""What has changed between two runs, test by test. Pure: two results in, the differences out."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import msgspec

from ..model.result import RunResult, TestResult
from ..model.vocabulary import GREEN, Outcome

_RATIO = 1.5  # a test that is slower takes so many times as long, and
_DIFFERENCE = 0.2  # so many seconds longer
_ENOUGH = 20  # tests of which a pace can be told
_LEAST = 0.01  # seconds: below, a duration is noise


class Pair(NamedTuple):
    """One test in both runs."""

    old: TestResult
    new: TestResult


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Every test of the two runs is in `same`, or in at least one of the others.

    ``ran_no_more`` have run before, and were skipped or not run now: they are no good news. ``pace`` is how many times
    as long a test took in the newer run, in the middle of all tests: a slow machine makes no test slower.
    """

    red: tuple[Pair, ...] = ()
    still_red: tuple[Pair, ...] = ()
    green: tuple[Pair, ...] = ()
    ran_no_more: tuple[Pair, ...] = ()
    flaky: tuple[Pair, ...] = ()
    slower: tuple[Pair, ...] = ()
    added: tuple[TestResult, ...] = ()
    gone: tuple[TestResult, ...] = ()
    same: int = 0
    pace: float = 1.0


def compare(old: RunResult, new: RunResult) -> Comparison:
    """The differences, each in the order of its run; the slowest first."""
    before = {test.id: test for test in old.tests()}
    after = {test.id: test for test in new.tests()}
    pairs = [Pair(before[id], test) for id, test in after.items() if id in before]
    pace = _pace(pairs)
    kinds: dict[str, list[Pair]] = {}
    same = 0
    for pair in pairs:
        found = list(_kinds(pair, pace))
        same += not found
        for kind in found:
            kinds.setdefault(kind, []).append(pair)
    kinds.get("slower", []).sort(key=lambda pair: pair.old.duration * pace - pair.new.duration)
    return Comparison(
        added=tuple(test for id, test in after.items() if id not in before),
        gone=tuple(test for id, test in before.items() if id not in after),
        same=same,
        pace=pace,
        **{kind: tuple(found) for kind, found in kinds.items()},
    )


def _kinds(pair: Pair, pace: float) -> Iterator[str]:
    """The fields of `Comparison` that it belongs to."""
    was, now = pair.old.outcome, pair.new.outcome
    if now.is_red:
        yield "still_red" if was.is_red else "red"
    elif was.is_red and now in GREEN:
        yield "green"
    if _has_run(pair.old) and not _has_run(pair.new):
        yield "ran_no_more"
    if _is_unsteady(pair.new) and not _is_unsteady(pair.old):
        yield "flaky"
    if _is_slower(pair, pace):
        yield "slower"


def _has_run(test: TestResult) -> bool:
    return test.outcome not in (Outcome.SKIPPED, Outcome.NOT_RUN)


def _is_unsteady(test: TestResult) -> bool:
    return test.flaky or test.order_dependent


def _is_comparable(pair: Pair) -> bool:
    """A test that came to its end in both: how long a red one took says little."""
    return pair.old.outcome in GREEN and pair.new.outcome in GREEN


def _is_slower(pair: Pair, pace: float) -> bool:
    was, took = pair.old.duration * pace, pair.new.duration
    return _is_comparable(pair) and took >= was * _RATIO and took - was >= _DIFFERENCE


def _pace(pairs: list[Pair]) -> float:
    ratios = [
        pair.new.duration / pair.old.duration
        for pair in pairs
        if _is_comparable(pair) and min(pair.old.duration, pair.new.duration) >= _LEAST
    ]
    return median(ratios) if len(ratios) >= _ENOUGH else 1.0
