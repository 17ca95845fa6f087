"""What the kit says when it cannot help: what is wrong, and what to do about it."""

from __future__ import annotations

import importlib
from types import ModuleType


class KitError(Exception):
    """An expected trouble. Its text says what is wrong and, in a second part, what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}\n{hint}" if hint else message)
        self.message = message
        self.hint = hint


class MissingPackageError(KitError, ImportError):
    """A piece of the kit needs a package that is not installed."""


# package -> the extra that brings it
_EXTRAS = {
    "aiosqlite": "sqlalchemy",
    "alembic": "sqlalchemy",
    "asyncpg": "postgres",
    "fastapi": "fastapi",
    "greenlet": "sqlalchemy",
    "httpx": "fastapi",
    "psycopg": "postgres",
    "pytest_asyncio": "asyncio",
    "sqlalchemy": "sqlalchemy",
    "starlette": "fastapi",
}


def missing(package: str, purpose: str) -> MissingPackageError:
    """The error for a package that is not there."""
    extra = _EXTRAS.get(package, "kit")
    return MissingPackageError(
        f"{purpose} needs the package {package}, which is not installed",
        f"install it with: pip install 'async-test-runner[{extra}]'",
    )


def need(module: str, purpose: str) -> ModuleType:
    """Import a module now, at the first use of what needs it; a missing package is answered with its extra.

    A module that is there and fails to import says so itself.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRAS:
            raise
        raise missing(package, purpose) from error
