import asyncio

from orders import store


async def test_a_reader_reads() -> None:
    seen: list[str] = []
    asyncio.create_task(store.read_mail(seen))  # BAD: it goes on reading when the test is over  # noqa: RUF006
    store.mailbox.put_nowait("hello")
    await asyncio.sleep(0.01)
    assert seen == ["hello"]


async def test_mail_arrives() -> None:
    asyncio.get_running_loop().call_later(0.01, store.mailbox.put_nowait, "for me")
    assert await asyncio.wait_for(store.mailbox.get(), 0.5) == "for me"
