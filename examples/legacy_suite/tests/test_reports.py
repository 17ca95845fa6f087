"""Copied from a guide, with the guide's names of fixtures. BAD: this project's conftest.py has no `async_session`."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from orders.models import Order
from orders.reports import by_state


async def test_without_orders_there_is_nothing_to_report(async_session: AsyncSession) -> None:
    assert await by_state(async_session) == {}


@pytest.mark.parametrize("count", [1, 3])
async def test_orders_by_state(async_session: AsyncSession, count: int) -> None:
    async_session.add_all([Order(item="pen", state="paid") for _ in range(count)])
    await async_session.commit()
    assert await by_state(async_session) == {"paid": count}
