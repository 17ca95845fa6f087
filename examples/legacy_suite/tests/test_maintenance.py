from orders import store


async def test_maintenance_can_be_begun() -> None:
    await store.maintenance.acquire()  # BAD: and is never over
    assert store.maintenance.locked()


async def test_orders_are_taken() -> None:
    assert (await store.take_order("pen")).item == "pen"
