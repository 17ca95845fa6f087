"""BAD: each test goes on where the one before it stopped."""

from orders import store
from orders.models import Order

order: Order


async def test_an_order_is_taken() -> None:
    global order
    order = await store.take_order("pen")
    assert order.state == "new"


async def test_it_is_paid() -> None:
    assert (await store.set_state(order.id, "paid")).state == "paid"


async def test_it_is_shipped() -> None:
    assert (await store.set_state(order.id, "shipped")).state == "shipped"
