"""Deadlines, waiting for a condition, and tasks that surely end."""

from __future__ import annotations

import asyncio
import gc

import pytest

from async_test_runner.kit import (
    DeadlineExceededError,
    Spawner,
    TasksLeftError,
    await_chain,
    deadline,
    eventually,
    tasks_ended,
    virtual_time,
)
from async_test_runner.kit.tasks import end_tasks

pytestmark = pytest.mark.asyncio


async def for_ever() -> None:
    await asyncio.Event().wait()


async def outer() -> None:
    await for_ever()


async def stubborn(until: asyncio.Event) -> None:
    while not until.is_set():
        try:
            await until.wait()
        except asyncio.CancelledError:
            continue


async def failing() -> None:
    raise ValueError("lost")


async def test_a_deadline_gives_the_result_and_the_error_of_what_ends_in_time() -> None:
    assert await deadline(asyncio.sleep(0, "done"), 60) == "done"
    with pytest.raises(ValueError, match="lost"):
        await deadline(failing(), 60)


async def test_a_missed_deadline_shows_the_await_chain_and_ends_the_task() -> None:
    task = asyncio.create_task(outer())
    with pytest.raises(DeadlineExceededError) as caught:
        await deadline(task, 0.05)
    lines = str(caught.value).splitlines()
    assert lines[0] == "outer did not end within 0.05 s; it was waiting here:"
    assert [line.split(" in ")[-1] for line in lines if " in " in line][:2] == ["outer", "for_ever"]
    assert "await for_ever()" in str(caught.value)
    assert task.cancelled()


async def test_a_deadline_looks_into_a_gather() -> None:
    with pytest.raises(DeadlineExceededError, match="gathering 2, of which 1 have not ended") as caught:
        await deadline(asyncio.gather(outer(), asyncio.sleep(0)), 0.05)
    assert "in for_ever" in str(caught.value)


async def test_a_missed_deadline_leaves_no_lost_exception() -> None:
    lost: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context))
    with pytest.raises(DeadlineExceededError):
        await deadline(asyncio.gather(outer(), outer()), 0.01)
    gc.collect()
    assert lost == []


async def test_a_deadline_says_so_when_the_task_ignores_its_cancellation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("async_test_runner.kit.tasks.ENDING", 0.05)
    until = asyncio.Event()
    task = asyncio.create_task(stubborn(until))
    with pytest.raises(DeadlineExceededError, match=r"it was cancelled and did not end within 0\.05 s"):
        await deadline(task, 0.05, "the worker")
    until.set()
    await task


async def test_who_waits_under_a_deadline_can_be_cancelled() -> None:
    inner = asyncio.create_task(for_ever())
    waiting = asyncio.create_task(deadline(inner, 60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert inner.cancelled()


async def test_the_chain_of_what_has_not_started_and_of_what_has_ended() -> None:
    coroutine = outer()
    assert "in outer (not started, or ended)" in await_chain(coroutine) or "in outer" in await_chain(coroutine)
    coroutine.close()
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    assert "which has ended" in await_chain(task)


async def test_eventually_gives_what_the_condition_gives() -> None:
    found: list[int] = []
    asyncio.get_running_loop().call_later(0.02, found.append, 1)
    assert await eventually(lambda: found) == [1]


async def test_eventually_awaits_and_forgives_assertions() -> None:
    tries = 0

    async def third() -> bool:
        nonlocal tries
        tries += 1
        assert tries >= 3
        return True

    assert await eventually(third)


async def test_eventually_tells_the_condition_and_its_last_answer() -> None:
    found = [1]
    with pytest.raises(AssertionError, match=r"len\(found\) == 2.* did not come true within 0.05 s") as caught:
        await eventually(lambda: len(found) == 2, timeout=0.05)
    assert "the last answer was False" in str(caught.value)


async def test_eventually_tells_the_last_failed_assertion() -> None:
    def condition() -> bool:
        raise AssertionError("still 3")

    with pytest.raises(AssertionError, match="the last try raised AssertionError: still 3"):
        await eventually(condition, timeout=0.02)


async def test_eventually_raises_an_error_of_the_condition_at_once() -> None:
    with pytest.raises(ZeroDivisionError):
        await eventually(lambda: 1 / 0)


async def test_eventually_does_not_wait_for_ever_for_a_condition_that_hangs() -> None:
    with pytest.raises(AssertionError, match="DeadlineExceededError"):
        await eventually(for_ever, timeout=0.05)


async def test_a_virtual_clock_shortens_eventually() -> None:
    loop = asyncio.get_running_loop()
    found: list[int] = []
    with virtual_time(loop) as clock:
        loop.call_later(1800, found.append, 1)
        await eventually(lambda: found, timeout=3600, interval=60)
        assert clock.elapsed == pytest.approx(1800, abs=61)


async def test_what_was_spawned_ends() -> None:
    spawned = Spawner(asyncio.get_running_loop())
    task = spawned(for_ever(), name="worker")
    await asyncio.sleep(0)
    await spawned.end()
    assert task.cancelled()


async def test_what_was_spawned_and_failed_is_an_error() -> None:
    spawned = Spawner(asyncio.get_running_loop())
    spawned(failing(), name="worker")
    await asyncio.sleep(0)
    with pytest.raises(TasksLeftError, match=r"worker \(failing\) failed: ValueError: lost"):
        await spawned.end()


async def test_tasks_of_a_block_end_with_it_and_earlier_ones_do_not() -> None:
    earlier = asyncio.create_task(for_ever())
    async with tasks_ended():
        inside = asyncio.create_task(for_ever())
    assert inside.cancelled()
    assert not earlier.done()
    earlier.cancel()


async def test_a_task_that_does_not_end_is_named_with_its_chain() -> None:
    until = asyncio.Event()
    task = asyncio.create_task(stubborn(until), name="stubborn-1")
    await asyncio.sleep(0)
    with pytest.raises(TasksLeftError, match=r"stubborn-1 \(stubborn\) was cancelled and did not end") as caught:
        await end_tasks({task}, 0.05)
    assert "await until.wait()" in str(caught.value)
    until.set()
    await task
