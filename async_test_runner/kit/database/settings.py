"""The one declaration of a test database."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import KitError, need

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine, MetaData

LONGEST_NAME = 63  # bytes: NAMEDATALEN - 1 of PostgreSQL
_PREFIX = re.compile(r"[a-z][a-z0-9]*")
_LONGEST_PREFIX = 12  # what the marks of run, declaration and test leave of a name


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """Where test databases are made, and what makes their schema.

    ``url``: a server of PostgreSQL, or SQLite. The database that it names is never touched: tests get databases of
    their own beside it. By default ``DATABASE_URL``, and without that SQLite in files of the kit.

    ``alembic_ini``: migrations make the schema (``alembic upgrade head``, once per run). ``metadata``: the models.
    Given alone they make the schema; beside migrations, a table that a model has and no migration makes is an error.

    ``env``: variables that tell ``alembic/env.py`` the database; ``{url}`` is filled in. ``migration_driver`` is put
    into that URL, for an ``env.py`` that wants a synchronous one. ``sqlalchemy.url`` is set as well.

    ``configure`` is called with every engine (of an asynchronous one, its ``sync_engine``), for event listeners as the
    application has them. ``prefix`` begins the names of all databases.
    """

    url: str = ""
    alembic_ini: str | Path | None = None
    metadata: MetaData | None = None
    revision: str = "head"
    env: Mapping[str, str] = field(default_factory=lambda: {"DATABASE_URL": "{url}"})
    migration_driver: str = ""
    migration_timeout: float = 120.0
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    configure: Callable[[Engine], None] | None = None
    sqlite_foreign_keys: bool = True
    maintenance_database: str = "postgres"
    prefix: str = "atr"

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise KitError(
                f"prefix={self.prefix!r} cannot begin the names of databases",
                "it is a small letter, then small letters and digits",
            )
        if len(self.prefix) > _LONGEST_PREFIX:
            raise KitError(
                f"prefix={self.prefix!r} makes names of databases longer than {LONGEST_NAME} characters",
                f"it has at most {_LONGEST_PREFIX}",
            )
        if self.alembic_ini is None and self.metadata is None:
            raise KitError(
                "DatabaseSettings names nothing that makes a schema",
                "give it alembic_ini=… (migrations), metadata=… (models), or both",
            )

    def parsed(self) -> URL:
        """The URL, with a driver that SQLAlchemy's asyncio knows."""
        make_url = need("sqlalchemy", "a test database").make_url
        text = self.url or os.environ.get("DATABASE_URL") or "sqlite+aiosqlite://"
        try:
            url: URL = make_url(text)
        except Exception as error:
            raise KitError("the URL of the test database cannot be read", _EXAMPLE) from error
        return with_driver(url)

    def fingerprint(self) -> str:
        """Six characters that differ between two declarations of one run."""
        how = (self.migration_driver, self.prefix, sorted(self.env.items()))
        schema = (str(self.alembic_ini), self.revision, *how, _tables(self.metadata))
        said = (str(self.parsed()), *schema)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:6]


_EXAMPLE = "it looks like postgresql+asyncpg://user@host/name"
_ASYNC_DRIVERS = {"sqlite": "aiosqlite", "postgresql": "asyncpg"}


def with_driver(url: URL) -> URL:
    """The URL with a driver for asyncio, where it names none."""
    backend = url.get_backend_name()
    if backend not in _ASYNC_DRIVERS:
        raise KitError(f"the kit has no databases for {backend!r}", f"it has {' and '.join(_ASYNC_DRIVERS)}")
    return url if "+" in url.drivername else url.set(drivername=f"{backend}+{_ASYNC_DRIVERS[backend]}")


def _tables(metadata: MetaData | None) -> list[str]:
    if metadata is None:
        return []
    return sorted(f"{name}({','.join(map(repr, table.columns))})" for name, table in metadata.tables.items())
