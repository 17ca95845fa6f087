"""Sessions of requests."""

from collections.abc import AsyncIterator

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One session per request, on the database of the application. Tests override this."""
    async with AsyncSession(request.app.state.engine, expire_on_commit=False) as session:
        yield session
