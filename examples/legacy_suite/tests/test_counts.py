from sqlalchemy import text
from sqlalchemy.orm import Session

from orders import store

kept: list[Session] = []


async def test_the_database_answers(db: Session) -> None:
    kept.append(db)  # BAD: a session that is never closed keeps its connection, here the only one of the pool
    assert db.scalar(text("SELECT 1")) == 1


async def test_orders_are_counted() -> None:
    before = store.count_orders()
    await store.take_order("ink")
    assert store.count_orders() == before + 1
