"""The end of a run: what it has made is dropped, and what earlier ones left is swept away.

The runner calls this when the tests are over. SQLAlchemy, which takes half a second to import, is for servers only.
"""

from __future__ import annotations

import json
import os
from typing import Any

from . import state
from .runs import Run


def drop(run: Run) -> int:
    """Drop all that a run has made; returns how many databases of servers there were."""
    count = 0
    directory = state.of_run(run)
    for declaration in sorted(directory.glob("*/server")):
        said = json.loads(declaration.read_text(encoding="utf-8"))
        if said["url"].startswith("postgresql"):  # told without SQLAlchemy
            count += _drop_on_server(said, run)
    state.forget(run)
    return count


def _drop_on_server(said: dict[str, Any], run: Run) -> int:
    from sqlalchemy import make_url

    from .postgres import Server, drop_run

    for name, value in said["environment"].items():
        os.environ.setdefault(name, value)
    server = Server(make_url(said["url"]), said["maintenance"], said["connect_args"])
    try:
        return drop_run(server, said["prefix"], run)
    except Exception as error:
        raise server.explained(error, "dropping test databases") from error


def sweep(run: Run) -> None:
    """Remove the files of runs that are over. Their databases on a server are found there, by name."""
    for other in state.others(run):
        if not other.is_alive:
            state.forget(other)


def sweep_server(url: str, prefix: str = "atr", maintenance: str = "postgres") -> int:
    """Drop what runs of this machine that are over have left on a server; returns how many databases that were."""
    from sqlalchemy import make_url

    from .postgres import Server, drop_where
    from .settings import with_driver

    parsed = with_driver(make_url(url or "sqlite://"))
    if parsed.get_backend_name() != "postgresql":
        return 0
    server = Server(parsed, maintenance, {})
    try:
        return drop_where(server, prefix, lambda name: name.is_left_behind)
    except Exception as error:
        raise server.explained(error, "dropping test databases") from error
