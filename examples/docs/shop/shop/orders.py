import asyncio


async def drain(queue: asyncio.Queue[str], orders: int) -> list[str]:
    """Take so many orders out of the queue, in turn."""
    taken = []
    for _ in range(orders):
        taken.append(await queue.get())
    return taken
