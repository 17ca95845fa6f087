"""The virtual clock of an event loop."""

from __future__ import annotations

import asyncio
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from async_test_runner.kit import KitError, virtual_time

pytestmark = pytest.mark.asyncio


async def test_hours_pass_at_once_and_in_order() -> None:
    seen: list[str] = []

    async def after(hours: float, name: str) -> None:
        await asyncio.sleep(hours * 3600)
        seen.append(name)

    began = time.monotonic()
    with virtual_time(asyncio.get_running_loop()) as clock:
        await asyncio.gather(after(3, "c"), after(1, "a"), after(2, "b"))
        assert clock.elapsed == pytest.approx(3 * 3600)
    assert seen == ["a", "b", "c"]
    assert time.monotonic() - began < 60


async def test_a_timeout_is_exact() -> None:
    with virtual_time(asyncio.get_running_loop()) as clock:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 86400 * 3)
        assert clock.elapsed == pytest.approx(86400 * 3)


async def test_time_stands_still_while_something_runs() -> None:
    with virtual_time(asyncio.get_running_loop()) as clock:
        for _ in range(50):
            await asyncio.sleep(0)
        assert clock.elapsed == 0


async def test_advance_lets_things_fall_due() -> None:
    due: list[int] = []
    with virtual_time(asyncio.get_running_loop()) as clock:
        asyncio.get_running_loop().call_later(10, due.append, 1)
        await clock.advance(9)
        assert due == []
        await clock.advance(2)
        assert due == [1]


async def test_a_thread_that_answers_soon_is_waited_for() -> None:
    with virtual_time(asyncio.get_running_loop(), settle=60):
        assert await asyncio.wait_for(asyncio.to_thread(lambda: time.sleep(0.01) or "answer"), 5) == "answer"


async def test_a_socket_that_answers_soon_is_waited_for() -> None:
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    with ours, theirs, virtual_time(loop, settle=60) as clock:
        ours.setblocking(False)
        receiving = asyncio.create_task(loop.sock_recv(ours, 10))
        await asyncio.sleep(0)
        loop.call_later(1, theirs.send, b"answer")
        clock.settle = 0.01
        assert await asyncio.wait_for(receiving, 5) == b"answer"


async def test_the_real_clock_is_back_afterwards() -> None:
    loop: Any = asyncio.get_running_loop()
    with virtual_time(loop):
        await asyncio.sleep(1000)
    assert abs(loop.time() - time.monotonic()) < 60
    assert "time" not in vars(loop)


async def test_a_loop_of_somebody_else_is_refused_with_a_reason() -> None:
    loop: Any = SimpleNamespace()
    with pytest.raises(KitError, match="asyncio's own event loops"), virtual_time(loop):
        pass
