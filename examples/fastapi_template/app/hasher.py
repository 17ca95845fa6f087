"""Password hashing for an event loop: in threads, and never too much of it at once."""

import asyncio

from app import security


class PasswordHasher:
    """scrypt is slow and large on purpose (16 MiB a call in production).

    It runs in threads, so that it does not hold up other requests, and in few of them, so that a burst of logins
    costs time and not the machine's memory.
    """

    def __init__(self, cost: security.Cost, *, at_once: int) -> None:
        self.cost = cost
        self._slots = asyncio.Semaphore(at_once)

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(security.hash_password, password, self.cost)

    async def verify(self, password: str, stored: str) -> bool:
        async with self._slots:
            return await asyncio.to_thread(security.verify_password, password, stored)

    def is_current(self, stored: str) -> bool:
        """False for a hash that was made at another cost."""
        return security.cost_of(stored) == self.cost
