"""The application:  USERS_DATABASE_URL=postgresql+asyncpg://… python -m uvicorn --factory app.main:create_app"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import create_async_engine

from app.users import router


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.engine.dispose()


def create_app(database_url: str | None = None) -> FastAPI:
    """An application with an engine of its own, which connects when the first request needs it."""
    app = FastAPI(title="Users", lifespan=lifespan)
    app.state.engine = create_async_engine(database_url or os.environ["USERS_DATABASE_URL"])
    app.include_router(router)
    return app
