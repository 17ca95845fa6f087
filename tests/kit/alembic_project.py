"""Small projects with migrations, good ones and bad ones."""

from __future__ import annotations

import textwrap
from pathlib import Path

ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, pool

url = context.config.attributes["url"]
for name in ("aiosqlite", "asyncpg"):
    url = url.replace("+" + name, {"aiosqlite": "", "asyncpg": "+psycopg"}[name])
engine = create_engine(url, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

CREATE = "op.create_table({name!r}, sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.Text))"


class AlembicProject:
    """``alembic.ini``, an ``env.py`` that finds its database in the configuration, and revisions."""

    def __init__(self, root: Path, env: str = ENV) -> None:
        self.root = root
        self.ini = root / "alembic.ini"
        self.ini.write_text(f"[alembic]\nscript_location = {root}/alembic\n", encoding="utf-8")
        (root / "alembic" / "versions").mkdir(parents=True)
        (root / "alembic" / "env.py").write_text(textwrap.dedent(env), encoding="utf-8")

    def revision(self, id: str, after: str | None, *upgrade: str) -> AlembicProject:
        lines = [
            "import sqlalchemy as sa",
            "from alembic import op",
            f"revision = {id!r}",
            f"down_revision = {after!r}",
            "def upgrade():",
            *(f"    {line}" for line in upgrade or ("pass",)),
        ]
        path = self.root / "alembic" / "versions" / f"{id}.py"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self

    def table(self, id: str, after: str | None, name: str) -> AlembicProject:
        return self.revision(id, after, CREATE.format(name=name))
