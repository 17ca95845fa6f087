"""The clocks of the system, and the clock of a run, which stands still while the run is stopped."""

from __future__ import annotations

import asyncio
import time

import pytest

from async_test_runner.system.clocks import RunClock, real_clock


class Hands:
    """A clock of the system that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.clock = RunClock(lambda: 5000.0 + self.now, lambda: self.now)

    def pause(self, seconds: float) -> None:
        self.clock.pause()
        self.now += seconds
        assert self.clock.go_on() == seconds


def test_without_pauses_it_is_the_systems() -> None:
    hands = Hands()
    assert hands.clock() == (5100.0, 100.0)
    hands.now += 7
    assert hands.clock() == (5107.0, 107.0)


def test_a_pause_counts_for_the_wall_only() -> None:
    hands = Hands()
    hands.pause(600.0)
    hands.now += 5
    hands.pause(60.0)
    assert hands.clock() == (5765.0, 105.0)


def test_in_the_middle_of_a_pause_time_stands_still() -> None:
    hands = Hands()
    hands.clock.pause()
    hands.now += 30
    assert hands.clock()[1] == 100.0


@pytest.mark.parametrize(
    ("system", "shown"), [(90.0, 90.0), (100.0, 100.0), (105.0, 100.0), (110.0, 100.0), (125.0, 115.0), (135.0, 120.0)]
)
def test_a_stamp_of_the_system_is_told_in_the_time_of_the_run(system: float, shown: float) -> None:
    hands = Hands()
    hands.pause(10.0)  # 100 to 110
    hands.now = 130.0
    hands.pause(10.0)  # 130 to 140
    assert hands.clock.of(system) == shown


@pytest.mark.parametrize(("begin", "end", "paused"), [(0, 99, 0), (95, 105, 5), (102, 104, 2), (90, 200, 10)])
def test_how_much_of_a_span_was_paused(begin: float, end: float, paused: float) -> None:
    hands = Hands()
    hands.pause(10.0)
    assert hands.clock.paused(begin, end) == paused


def test_timeouts_of_the_event_loop_follow_it() -> None:
    hands = Hands()

    async def run() -> bool:
        try:
            async with asyncio.timeout(50.0):
                hands.pause(600.0)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                return True
        except TimeoutError:
            return False

    with asyncio.Runner(loop_factory=hands.clock.loop) as runner:
        assert runner.run(run())


def test_timeouts_of_the_event_loop_still_pass() -> None:
    hands = Hands()

    async def run() -> None:
        async with asyncio.timeout(50.0):
            hands.now += 51.0
            await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=hands.clock.loop) as runner, pytest.raises(TimeoutError):
        runner.run(run())


def test_the_real_one_is_two_clocks() -> None:
    at, mono = real_clock()
    assert at > mono


def test_the_clock_is_two_clocks() -> None:
    at, mono = real_clock()
    assert abs(at - time.time()) < 60
    assert abs(mono - time.monotonic()) < 60
