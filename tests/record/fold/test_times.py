"""The time of a phase, over all parts of a run."""

from __future__ import annotations

from async_test_runner.record.events import PhaseFinished, PhaseStarted
from async_test_runner.record.fold.times import TimeFold


def started(mono: float) -> PhaseStarted:
    return PhaseStarted(at=0.0, mono=mono, phase="p")


def finished(wall: float, reason: str = "") -> PhaseFinished:
    return PhaseFinished(at=0.0, mono=0.0, phase="p", wall=wall, reason=reason)


def test_a_phase_takes_time_from_its_start_to_its_end() -> None:
    time = TimeFold()
    assert (time.has_started, time.has_ended, time.wall(50.0)) == (False, False, 0.0)
    time.start(started(10.0))
    assert (time.has_started, time.has_ended, time.wall(14.0)) == (True, False, 4.0)
    time.end(finished(5.0, "why"))
    assert (time.has_ended, time.reason, time.wall(99.0)) == (True, "why", 5.0)


def test_the_parts_of_a_resumed_run_add_up_whatever_the_clock_shows_then() -> None:
    time = TimeFold()
    time.start(started(1000.0))
    time.close(1007.0)
    assert (time.has_started, time.has_ended, time.wall(1.0)) == (True, False, 7.0)
    time.start(started(1.0))
    assert time.wall(3.0) == 9.0
    time.end(finished(4.0))
    assert time.wall(50.0) == 11.0


def test_a_phase_that_starts_again_after_its_end_takes_its_time_on_top() -> None:
    time = TimeFold()
    time.start(started(10.0))
    time.end(finished(5.0))
    time.start(started(20.0))
    assert (time.has_ended, time.wall(22.0)) == (False, 7.0)
