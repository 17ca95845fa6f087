"""Runs migrations with the synchronous driver: no event loop, so a running one is never in the way.

The database is, in this order: ``config.attributes["url"]`` (the tests), ``DATABASE_URL``, the service's default.
"""

import os
from logging.config import fileConfig

from alembic import context
from sqlalchemy import Table, create_engine, pool
from sqlalchemy.schema import SchemaItem

from app.db import prepare_sqlite, sync_url
from app.models import Base
from app.settings import Settings

config = context.config

# Only for the command line: inside a test process fileConfig would take over, and disable, everybody's loggers.
if config.cmd_opts is not None and config.config_file_name is not None:
    fileConfig(config.config_file_name, disable_existing_loggers=False)

# Tables that no model describes, so that --autogenerate does not propose to drop them.
ONLY_IN_MIGRATIONS = {"audit_logs"}


def database() -> str:
    default = Settings.model_fields["database_url"].default
    return sync_url(config.attributes.get("url") or os.environ.get("DATABASE_URL") or default)


def is_ours(item: SchemaItem, name: str | None, kind: str, reflected: bool, compare_to: SchemaItem | None) -> bool:
    table = item if isinstance(item, Table) else getattr(item, "table", None)
    return table is None or table.name not in ONLY_IN_MIGRATIONS


def run_offline() -> None:
    context.configure(url=database(), target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    engine = create_engine(database(), poolclass=pool.NullPool)
    if engine.dialect.name == "sqlite":
        prepare_sqlite(engine)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=is_ours,
            render_as_batch=engine.dialect.name == "sqlite",
            transaction_per_migration=True,
            transactional_ddl=True,  # true for SQLite as well, with the transactions of prepare_sqlite
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
