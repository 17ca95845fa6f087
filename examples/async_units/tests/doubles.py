"""Doubles that are more than a mock."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from unittest.mock import AsyncMock


@dataclass
class Transactions:
    """Counts how transactions end, and hands out one repository."""

    repository: AsyncMock
    ended: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[AsyncMock]:
        try:
            yield self.repository
        except BaseException:
            self.ended.append("rolled back")
            raise
        self.ended.append("committed")
