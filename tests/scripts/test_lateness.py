"""What the soak calls too late: tests, silences and ends, by the journal of a run."""

from __future__ import annotations

import sys

import pytest

from async_test_runner.record.events import Event, Interrupted, RunResumed, Warned
from tests.reports.event_script import RUN_ID, Script, planned
from tests.support.projects import SOURCE

sys.path.insert(0, str(SOURCE / "scripts"))

from lateness import Deadlines, late  # type: ignore[import-not-found]

DEADLINES = Deadlines(test_timeout=6.0, grace=1.0, leak_timeout=3.0, collect_timeout=30.0)


def found(events: list[Event], paused: float = 0.0) -> list[str]:
    return list(late(events, DEADLINES, paused))


@pytest.mark.parametrize(("ended", "paused", "is_late"), [(15.0, 0.0, False), (15.1, 0.0, True), (17.0, 3.0, False)])
def test_a_test_has_its_deadline_two_graces_and_some_slack(ended: float, paused: float, is_late: bool) -> None:
    script = planned("a")
    script.start("async", "a", 2.0)
    script.end("async", "a", ended)
    assert bool(found(script.events, paused)) is is_late


def test_a_silence_while_no_test_runs_is_as_long_as_an_end_of_a_session_at_most() -> None:
    script = planned("a")
    script.start("async", "a", 2.0)
    script.end("async", "a", 3.0)
    script.over("async", 13.0)
    assert found(script.events) == []
    script.finish(24.0)
    assert found(script.events) == ["silence before RunFinished took 11.0 s, 6.0 s more than 5 s"]


@pytest.mark.parametrize(("at", "is_late"), [(37.0, False), (37.1, True)])
def test_a_collection_has_its_own_time(at: float, is_late: bool) -> None:
    script = Script()
    script.run()
    script.collected(at=at)
    assert bool(found(script.events)) is is_late


def test_a_run_that_was_told_to_end_ends_soon() -> None:
    script = planned("a")
    script.start("async", "a", 2.0)
    script.add(Interrupted, 3.0, signal=15)
    script.finish(14.1)
    assert found(script.events) == ["the end after a signal took 11.1 s, 5.1 s more than 6 s"]


def test_the_time_between_two_processes_of_a_run_is_nobodys() -> None:
    script = planned("a")
    script.start("async", "a", 2.0)
    script.add(RunResumed, 500.0, run_id=RUN_ID, argv=(), runner="0")
    script.add(Warned, 501.0, message="it goes on")
    script.end("async", "a", 502.0)
    assert found(script.events) == []
