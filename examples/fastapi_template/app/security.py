"""Passwords, tokens and API keys: pure functions, no database."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from app.db import utcnow
from app.settings import Settings

ALGORITHM = "HS256"
ISSUER = "notes"
KEY_MARK = "nk"


@dataclass(frozen=True, slots=True)
class Cost:
    """scrypt's parameters; they travel inside each hash, so that raising them does not lock anybody out."""

    n: int
    r: int
    p: int

    @classmethod
    def of(cls, settings: Settings) -> "Cost":
        return cls(settings.scrypt_n, settings.scrypt_r, settings.scrypt_p)


def _scrypt(password: str, salt: bytes, cost: Cost) -> bytes:
    # OpenSSL refuses more than 32 MiB by default; scrypt needs 128 * n * r bytes and a little more.
    memory = 128 * cost.r * (cost.n + cost.p + 2)
    return hashlib.scrypt(password.encode(), salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=2 * memory, dklen=32)


def hash_password(password: str, cost: Cost) -> str:
    salt = secrets.token_bytes(16)
    digest = _scrypt(password, salt, cost)
    return f"scrypt${cost.n}${cost.r}${cost.p}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def cost_of(stored: str) -> Cost:
    scheme, n, r, p, _salt, _digest = stored.split("$")
    if scheme != "scrypt":
        raise ValueError(f"unknown password scheme {scheme!r}")
    return Cost(int(n), int(r), int(p))


def verify_password(password: str, stored: str) -> bool:
    """False for a wrong password and for a stored value that is no hash of ours."""
    try:
        cost = cost_of(stored)
        salt, digest = (base64.b64decode(part, validate=True) for part in stored.split("$")[4:])
    except ValueError:
        return False
    return hmac.compare_digest(_scrypt(password, salt, cost), digest)


def issue_token(user_id: int, settings: Settings, *, now: datetime | None = None) -> str:
    issued = now or utcnow()
    claims = {
        "sub": str(user_id),
        "iss": ISSUER,
        "iat": issued,
        "exp": issued + timedelta(seconds=settings.token_seconds),
    }
    return jwt.encode(claims, settings.jwt_secret.get_secret_value(), algorithm=ALGORITHM)


class BadTokenError(Exception):
    """The token is not ours, was changed, or is over."""


def read_token(token: str, settings: Settings) -> int:
    """The user's id. Raises `BadTokenError` for everything else."""
    try:
        claims = jwt.decode(
            token,
            settings.jwt_secret.get_secret_value(),
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            options={"require": ["sub", "iss", "iat", "exp"]},
        )
        return int(claims["sub"])
    except (jwt.InvalidTokenError, ValueError) as error:
        raise BadTokenError(str(error)) from error


@dataclass(frozen=True, slots=True)
class NewKey:
    """An API key at birth, the only moment at which ``secret`` is known."""

    secret: str
    prefix: str
    digest: str


def digest_key(secret: str) -> str:
    # 256 random bits need no slow hash, and a lookup per request could not afford one.
    return hashlib.sha256(secret.encode()).hexdigest()


def make_key() -> NewKey:
    prefix = f"{KEY_MARK}_{secrets.token_hex(4)}"
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    return NewKey(secret, prefix, digest_key(secret))


def key_prefix(secret: str) -> str | None:
    """The part of a key that may be stored and shown, or None if it has not the shape of a key."""
    mark, _, rest = secret.partition("_")
    public, _, private = rest.partition("_")
    if mark != KEY_MARK or len(public) != 8 or not private:
        return None
    return f"{mark}_{public}"


def verify_key(secret: str, digest: str) -> bool:
    return hmac.compare_digest(digest_key(secret), digest)
