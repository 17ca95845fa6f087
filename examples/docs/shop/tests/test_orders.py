import asyncio

import pytest
from shop.orders import drain


@pytest.mark.asyncio
async def test_orders_come_in_their_turn() -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    for order in ("tea", "milk"):
        queue.put_nowait(order)
    assert await drain(queue, 2) == ["tea", "milk"]


@pytest.mark.asyncio
async def test_two_orders_are_drained() -> None:
    queue: asyncio.Queue[str] = asyncio.Queue()
    queue.put_nowait("tea")
    assert len(await drain(queue, 2)) == 2


@pytest.mark.asyncio
async def test_no_orders_are_no_work() -> None:
    assert await drain(asyncio.Queue(), 0) == []
