import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(os.environ["DATABASE"])) as connection:
        yield connection


@pytest.mark.parametrize("name", ["ada", "zoe", "kim"])
def test_an_account_is_opened(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS accounts (name TEXT)")
    connection.execute("INSERT INTO accounts VALUES (?)", [name])
    connection.commit()
    assert name in [row[0] for row in connection.execute("SELECT name FROM accounts")]
