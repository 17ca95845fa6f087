"""Migrations up and down, for the tests of the migrations themselves. No event loop needed."""

from pathlib import Path

from alembic import command
from alembic.config import Config

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
