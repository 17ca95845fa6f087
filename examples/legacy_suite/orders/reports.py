"""What the management wants to know."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from orders.models import Order


async def by_state(session: AsyncSession) -> dict[str, int]:
    rows = await session.execute(select(Order.state, func.count(Order.id)).group_by(Order.state))
    return dict(rows.tuples().all())
