"""Databases for tests: made when missing, migrated with Alembic, dropped. No event loop needed."""

from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, make_url

if TYPE_CHECKING:
    from psycopg import Connection

ROOT = Path(__file__).resolve().parent.parent


def _alembic(url: str) -> Config:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    command.upgrade(_alembic(url), revision)


def downgrade(url: str, revision: str) -> None:
    command.downgrade(_alembic(url), revision)


def check(url: str) -> None:
    """Raises if the models say something else than the migrations."""
    command.check(_alembic(url))


def _server(url: URL) -> "Connection":
    """A connection to the server's maintenance database: nobody can create the database that it is in."""
    import psycopg  # who tests on SQLite does not pay for it, in every process

    return psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname="postgres", autocommit=True
    )


def _run(server: "Connection", statement: LiteralString, database: str | None) -> None:
    from psycopg import sql

    server.execute(sql.SQL(statement).format(sql.Identifier(database or "")))


def ensure(url: str) -> None:
    """Makes the database if it is missing; finding one, with whatever is in it, is fine."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        return
    with _server(parsed) as server:
        from psycopg import errors

        known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [parsed.database])
        if not known.fetchone():
            # template0, because template1 may be in use by somebody else who is making a database.
            try:
                _run(server, "CREATE DATABASE {} TEMPLATE template0", parsed.database)
            except (errors.DuplicateDatabase, errors.UniqueViolation):
                pass  # another worker was faster


def drop(url: str) -> None:
    """Drops the database if it is there, with the connections that a killed run may have left."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        for suffix in ("", "-journal", "-wal", "-shm"):
            Path(f"{parsed.database}{suffix}").unlink(missing_ok=True)
        return
    with _server(parsed) as server:
        _run(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", parsed.database)


def beside(url: str, purpose: str) -> str:
    """The URL of a second database next to `url`'s.

    Its name is always the same one: what a killed run left behind is found, and dropped, by the next.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(parsed.database or "app.db")
        name = str(path.with_name(f"{path.stem}-{purpose}{path.suffix}"))
    else:
        name = f"{parsed.database}_{purpose}"
    return parsed.set(database=name).render_as_string(hide_password=False)
