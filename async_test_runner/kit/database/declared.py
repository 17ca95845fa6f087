"""The declaration of a test database in pytest's configuration file."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from ..errors import KitError
from .settings import DatabaseSettings

_HOW = (
    "define a session fixture `database_settings` that returns DatabaseSettings(alembic_ini=…) or "
    "DatabaseSettings(metadata=…), or set async_db_alembic_ini or async_db_metadata in pytest's configuration"
)


def from_ini(config: pytest.Config) -> DatabaseSettings:
    """The declaration by ``async_db_url``, ``async_db_alembic_ini`` and ``async_db_metadata``."""
    ini, metadata = config.getini("async_db_alembic_ini"), config.getini("async_db_metadata")
    if not ini and not metadata:
        raise KitError("nobody has declared the test database", _HOW)
    base = config.inipath.parent if config.inipath is not None else Path(config.rootpath)
    return DatabaseSettings(
        url=config.getini("async_db_url"),
        alembic_ini=base / ini if ini else None,
        metadata=_imported(metadata) if metadata else None,
    )


def _imported(text: str) -> Any:
    module, _, path = text.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError, ValueError) as error:
        hint = "it looks like app.models:Base.metadata"
        raise KitError(f"async_db_metadata = {text} leads nowhere: {error}", hint) from error
    return found
