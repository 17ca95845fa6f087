"""Orders, and what is shared by all who take them: one pool, one lock, one mailbox. Right in production."""

import asyncio

from sqlalchemy import QueuePool, create_engine, func, select
from sqlalchemy.orm import Session

from orders.models import Base, Order

engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.5)
Base.metadata.create_all(engine)

maintenance = asyncio.Lock()
mailbox: asyncio.Queue[str] = asyncio.Queue()
tax = 19  # percent


def open_session() -> Session:
    return Session(engine, expire_on_commit=False)


async def take_order(item: str) -> Order:
    """Waits while there is maintenance."""
    async with maintenance:
        with open_session() as session:
            order = Order(item=item)
            session.add(order)
            session.commit()
            return order


async def set_state(order_id: int, state: str) -> Order:
    with open_session() as session:
        order = session.get_one(Order, order_id)
        order.state = state
        session.commit()
        return order


def count_orders() -> int:
    with open_session() as session:
        return session.scalar(select(func.count(Order.id))) or 0


async def read_mail(seen: list[str]) -> None:
    while True:
        seen.append(await mailbox.get())


def price(net: int) -> float:
    return net * (100 + tax) / 100
