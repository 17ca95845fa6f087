"""Rows for tests. Every name is new, so a database that holds an earlier run's rows is as good as an empty one."""

import uuid
from typing import Any

from app.models import Note, User
from app.security import Cost, hash_password
from app.settings import Settings

PASSWORD = "correct-horse-1"
CHEAP = Cost(n=2**4, r=8, p=1)


def settings(**overrides: Any) -> Settings:
    """Production's limits and a password hash that costs next to nothing."""
    values: dict[str, Any] = {
        # Nobody connects here: tests with a database hand their own session to the application.
        "database_url": "sqlite+aiosqlite://",
        "jwt_secret": "a-secret-for-tests-of-at-least-32-bytes",
        "token_seconds": 900,
        "scrypt_n": CHEAP.n,
        "scrypt_r": CHEAP.r,
        "scrypt_p": CHEAP.p,
        "hashes_at_once": 2,
        "login_attempts": 5,
        "requests": 600,
    }
    return Settings(**(values | overrides))


def word() -> str:
    return uuid.uuid4().hex[:12]


def email(name: str = "user") -> str:
    return f"{name}-{word()}@example.com"


def user(**overrides: Any) -> User:
    values: dict[str, Any] = {
        "email": email(),
        "full_name": "Test User",
        "password_hash": hash_password(PASSWORD, CHEAP),
    }
    return User(**(values | overrides))


def note(owner: User, **overrides: Any) -> Note:
    values: dict[str, Any] = {"owner_id": owner.id, "title": f"Note {word()}", "body": "Nothing much."}
    return Note(**(values | overrides))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def login_form(user: User, password: str = PASSWORD) -> dict[str, str]:
    return {"username": user.email, "password": password}
