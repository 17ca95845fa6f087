"""SQLite: a database is a file in the run's directory, and a clone is a copy of it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import KitError

if TYPE_CHECKING:
    from sqlalchemy import URL

_BESIDE = ("-journal", "-wal", "-shm")


class SqliteFiles:
    """The databases of a declaration, by purpose."""

    def __init__(self, url: URL, directory: Path) -> None:
        self._url = url
        self._directory = directory

    def url(self, purpose: str) -> URL:
        return self._url.set(database=str(self._path(purpose)))

    def create(self, purpose: str) -> None:
        """An empty one, in the place of whatever was there."""
        self.drop(purpose)
        self._path(purpose).touch()

    def seal(self, purpose: str) -> None:
        """From now on it is copied, so all of it must be in its one file."""
        with closing(sqlite3.connect(self._path(purpose))) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")

    def clone(self, template: str, purpose: str) -> None:
        self.drop(purpose)
        try:
            shutil.copyfile(self._path(template), self._path(purpose))
        except FileNotFoundError:
            raise KitError(
                f"the template {self._path(template)} is gone",
                "something empties the directory for temporary files while tests run: set TMPDIR to another one",
            ) from None

    def drop(self, purpose: str) -> None:
        path = self._path(purpose)
        for suffix in ("", *_BESIDE):
            path.with_name(path.name + suffix).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Files of runs that are over went with the directories of those runs."""

    def _path(self, purpose: str) -> Path:
        return self._directory / f"{purpose}.db"
