"""The databases that the tests of one process share: one object per declaration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from .database import runs

if TYPE_CHECKING:
    from .database.databases import Databases
    from .database.settings import DatabaseSettings

_DATABASES: pytest.StashKey[dict[str, Databases]] = pytest.StashKey()


def databases_of(config: pytest.Config, settings: DatabaseSettings) -> Databases:
    """The databases of a declaration, one object per process."""
    from .database.databases import Databases

    known = config.stash.setdefault(_DATABASES, {})
    key = f"{os.getpid()} {settings.fingerprint()}"  # a fork starts anew
    if key not in known:
        known[key] = Databases(settings, run_of(config))
    return known[key]


def run_of(config: pytest.Config) -> runs.Run:
    """The run that this process belongs to."""
    return runs.current(getattr(config, "workerinput", None))
