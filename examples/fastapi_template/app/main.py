"""The application factory: ``uvicorn --factory app.main:create_app``."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import errors
from app.api.v1 import router
from app.db import make_engine, make_sessions
from app.hasher import PasswordHasher
from app.middleware import RequestId
from app.rate_limit import RateLimiter
from app.security import Cost
from app.settings import Settings

MINUTE = 60.0


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The engine lives exactly as long as the event loop that serves requests."""
    engine = make_engine(app.state.settings.database_url)
    app.state.sessions = make_sessions(engine)
    try:
        yield
    finally:
        await engine.dispose()


def create_app(settings: Settings | None = None, *, clock: Callable[[], float] = time.monotonic) -> FastAPI:
    """`clock` is what the rate limits are measured with."""
    # What is missing here comes from the environment, or is an error that names it.
    settings = settings or Settings()  # type: ignore[call-arg]
    app = FastAPI(title="Notes", version="1.0.0", lifespan=lifespan)
    app.state.settings = settings
    app.state.request_limiter = RateLimiter(settings.requests, MINUTE, clock)
    app.state.login_limiter = RateLimiter(settings.login_attempts, MINUTE, clock)
    app.state.hasher = PasswordHasher(Cost.of(settings), at_once=settings.hashes_at_once)
    app.add_middleware(RequestId)
    errors.install(app)
    app.include_router(router)
    return app
