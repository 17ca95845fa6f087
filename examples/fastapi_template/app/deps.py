"""What endpoints ask for: a session, the settings, the caller, and the right to call this often."""

from datetime import timedelta
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Request, Response, Security, status
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import security
from app.db import get_session, utcnow
from app.hasher import PasswordHasher
from app.models import ApiKey, User
from app.rate_limit import RateLimiter
from app.settings import Settings

bearer = OAuth2PasswordBearer(tokenUrl="/api/v1/auth/login", auto_error=False)
api_key_header = APIKeyHeader(name="X-API-Key", auto_error=False)

# "Last used" is for people: one write per key and minute tells them enough.
LAST_USED_STEP = timedelta(minutes=1)


def get_settings(request: Request) -> Settings:
    return cast("Settings", request.app.state.settings)


def get_hasher(request: Request) -> PasswordHasher:
    return cast("PasswordHasher", request.app.state.hasher)


Session = Annotated[AsyncSession, Depends(get_session)]
AppSettings = Annotated[Settings, Depends(get_settings)]
Hasher = Annotated[PasswordHasher, Depends(get_hasher)]


def client_address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _enforce(limiter: RateLimiter, key: str, response: Response) -> None:
    verdict = limiter.hit(key)
    if not verdict.allowed:
        raise HTTPException(status.HTTP_429_TOO_MANY_REQUESTS, "too many requests", verdict.headers())
    response.headers.update(verdict.headers())


def limit_requests(request: Request, response: Response) -> None:
    _enforce(request.app.state.request_limiter, client_address(request), response)


def limit_logins(request: Request, response: Response) -> None:
    _enforce(request.app.state.login_limiter, client_address(request), response)


def unauthorized(reason: str) -> HTTPException:
    return HTTPException(status.HTTP_401_UNAUTHORIZED, reason, {"WWW-Authenticate": "Bearer"})


async def _user_of_key(session: AsyncSession, secret: str) -> User | None:
    prefix = security.key_prefix(secret)
    if prefix is None:
        return None
    found = await session.execute(select(ApiKey, User).join(User).where(ApiKey.prefix == prefix))
    row = found.one_or_none()
    if row is None or row.ApiKey.revoked_at is not None or not security.verify_key(secret, row.ApiKey.key_hash):
        return None
    now = utcnow()
    if row.ApiKey.last_used_at is None or now - row.ApiKey.last_used_at > LAST_USED_STEP:
        row.ApiKey.last_used_at = now
        await session.commit()
    return cast("User", row.User)


async def current_user(
    session: Session,
    settings: AppSettings,
    token: Annotated[str | None, Depends(bearer)],
    secret: Annotated[str | None, Security(api_key_header)],
) -> User:
    """The caller, by token or by API key. A request with both is judged by its token."""
    if token is not None:
        try:
            user = await session.get(User, security.read_token(token, settings))
        except security.BadTokenError:
            raise unauthorized("invalid token") from None
    elif secret is not None:
        user = await _user_of_key(session, secret)
    else:
        raise unauthorized("not authenticated")
    if user is None or not user.is_active:
        raise unauthorized("unknown or inactive user")
    return user


Caller = Annotated[User, Depends(current_user)]


async def current_admin(user: Caller) -> User:
    if not user.is_admin:
        raise HTTPException(status.HTTP_403_FORBIDDEN, "administrators only")
    return user


Admin = Annotated[User, Depends(current_admin)]
