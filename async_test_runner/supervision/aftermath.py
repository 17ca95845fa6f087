"""What a process that has ended means for its tests: who is blamed, what runs again. Pure functions over values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from ..model.vocabulary import Outcome
from ..words.deaths import MOST_LIKELY, REPORT_END, describe_death, of_test
from ..words.durations import format_duration

Budget = Literal["collection", "test", "end", "phase", "run"]


_KEYS: dict[Budget, str] = {
    "collection": "collect_timeout",
    "test": "test_timeout",
    "end": "leak_timeout",
    "phase": "timeout",
    "run": "run_timeout",
}


class Overdue(msgspec.Struct, frozen=True):
    """A deadline that took effect: whose budget, and how long it was (seconds).

    ``likely`` and ``report`` are what the process has said of itself then: the line that most likely hangs, and all.
    """

    budget: Budget
    limit: float
    likely: str = ""
    report: str = ""

    def __str__(self) -> str:
        at = f"{MOST_LIKELY}{self.likely}" if self.likely else ""
        return f"exceeded its {self.budget} deadline of {format_duration(self.limit)} ({_KEYS[self.budget]}){at}"

    @property
    def text(self) -> str:
        """What there is to say about it, the report included."""
        return f"{self}\n\n{self.report}\n{REPORT_END}" if self.report else str(self)


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known about a process that has ended, for the decision what that means for its tests.

    ``status`` is the exit status (negative: a signal); ``finished`` whether pytest said that its session was over, with
    ``reason`` for stopping early or ``error``, an exception of its own; ``doom`` why we ended it, if we did.
    """

    tests: tuple[str, ...]
    done: frozenset[str] = frozenset()
    in_flight: tuple[str, ...] = ()
    missing: Mapping[str, str] = msgspec.field(default_factory=dict)  # and what was found in a test's place
    overdue: Mapping[str, Overdue] = msgspec.field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    deaths: Mapping[str, str] = msgspec.field(default_factory=dict)  # of tests in flight, where more is known
    collect_texts: tuple[str, ...] = ()
    status: int = 0
    finished: bool = False
    reason: str = ""
    error: str = ""
    red: int = 0  # failures as pytest counts them
    maxfail: int = 0
    retired: bool = False  # it was not clean any more, and others run the rest
    doom: Overdue | None = None
    interrupted: str = ""
    stopped: str = ""  # why it was told to end after a test
    barren: int = 0  # earlier processes for the same tests that ended without one outcome
    log: str = ""


class Blame(msgspec.Struct, frozen=True):
    """An outcome that the runner gives, because pytest could not."""

    id: str
    outcome: Outcome
    message: str
    text: str = ""


class Aftermath(msgspec.Struct, frozen=True, kw_only=True):
    """What a process leaves to do: blamed tests, tests to run in a fresh process (``alone``: each in its own, because
    one of them is the culprit and nobody knows which), tests that run ``later`` if not enough have failed for good by
    then, tests that will not run and why.
    """

    blamed: tuple[Blame, ...] = ()
    again: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    reason: str = ""


BARREN_LIMIT = 2  # processes in a row that may end without any outcome before tests are given up


def aftermath(end: Ending) -> Aftermath:
    """Every test of the ended process that has no outcome gets one, another process, or a reason for neither."""
    missing = [_missing(id, end) for id in end.tests if id in end.missing and id not in end.done]
    open_ids = tuple(id for id in end.tests if id not in end.done and id not in end.missing)
    culprits = [_culprit(id, end) for id in open_ids if _is_culprit(id, end)]
    blamed_ids = {blame.id for blame in culprits}
    rest = tuple(id for id in open_ids if id not in blamed_ids)
    blamed = (*missing, *culprits)
    if not rest:
        return Aftermath(blamed=blamed)
    if end.interrupted or (end.doom is not None and not _hung_after_tests(end)):
        reason = end.interrupted or f"the {end.doom.budget if end.doom else ''} deadline was reached before it"
        return Aftermath(blamed=blamed, not_run=rest, reason=reason)
    if _at_maxfail(end) and end.done:
        return Aftermath(blamed=blamed, later=rest)
    if end.finished and end.reason and not culprits and not end.dead and not end.retired:
        reason = end.stopped or f"pytest ended its session early: {end.reason}"
        return Aftermath(blamed=blamed, not_run=rest, reason=reason)
    barren = 0 if blamed or end.done else end.barren + 1
    if barren == BARREN_LIMIT and len(rest) > 1:  # the first one may be what no process comes past: the others may run
        return Aftermath(again=rest[1:], alone=rest[:1])
    if barren >= BARREN_LIMIT:
        return Aftermath(blamed=tuple(_given_up(id, end) for id in rest))
    suspects = tuple(id for id in rest if id in end.in_flight) if not culprits else ()
    return Aftermath(blamed=blamed, again=tuple(id for id in rest if id not in suspects), alone=suspects)


def max_failures_reason(limit: int) -> str:
    """Why tests are left after the limit of failures."""
    return f"max_failures: {limit} reached"


def _at_maxfail(end: Ending) -> bool:
    return end.finished and bool(end.maxfail) and end.red >= end.maxfail


def _hung_after_tests(end: Ending) -> bool:
    """It fell silent between two tests, or after the last: that says nothing against those that have not run."""
    return end.doom is not None and end.doom.budget in ("collection", "end") and bool(end.done)


def _is_culprit(id: str, end: Ending) -> bool:
    if id in end.overdue or id in end.dead:
        return True
    if id not in end.in_flight or end.interrupted or _at_maxfail(end):
        return False
    return len(end.in_flight) == 1 or end.doom is not None


def _culprit(id: str, end: Ending) -> Blame:
    late = end.overdue.get(id) or end.doom
    if id in end.dead:
        return blamed(id, late, end.deaths.get(id) or "its worker process died while it ran", end.log)
    if end.finished:
        why = end.reason or end.error or "no reason given"
        return blamed(id, late, f"it ended pytest's session before it was finished: {why}", end.log)
    return blamed(id, late, end.deaths.get(id) or describe_death(end.status), end.log)


def blamed(id: str, late: Overdue | None, death: str, evidence: str) -> Blame:
    """The outcome of a test whose process is gone: timed out if it was late, else crashed for the reason ``death``."""
    evidence = of_test(id, evidence)
    if late is not None:
        return Blame(id, Outcome.TIMED_OUT, str(late), f"{late.text}\n\n{evidence}" if evidence else late.text)
    return _blame(id, Outcome.CRASHED, death, evidence)


def _blame(id: str, outcome: Outcome, message: str, evidence: str) -> Blame:
    return Blame(id, outcome, message, f"{message}\n\n{evidence}" if evidence else message)


_HINT = (
    "Its parameters come from a clock, from random bytes, from an address or from the order of files: "
    "give them in a fixed order, with `ids`."
)


def _missing(id: str, end: Ending) -> Blame:
    if end.missing[id]:
        message = "its id means another test in the process that was to run it"
        return _blame(id, Outcome.ERROR, message, f"{end.missing[id]}\n\n{_HINT}")
    text = "\n\n".join(end.collect_texts)
    message = "collected before, but not there any more when its process collected again"
    return _blame(id, Outcome.ERROR, message, text or end.log)


def _given_up(id: str, end: Ending) -> Blame:
    what = end.error or "pytest finished without running it" if end.finished else describe_death(end.status)
    return _blame(id, Outcome.ERROR, f"its process ended before its first test, each time: {what}", end.log)
