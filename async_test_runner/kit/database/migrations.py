"""Runs a project's migrations on a test database, in a process that can be ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import KitError, missing
from .settings import DatabaseSettings

if TYPE_CHECKING:
    from sqlalchemy import URL

_CHILD = Path(__file__).with_name("migrating.py")
_ERROR = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Exit|Greenlet): ")
_LAST_WORDS = 3000  # characters of the child's output that a message quotes
_DUMPING = 5.0  # seconds that a hung child has to write its stack


def upgrade(settings: DatabaseSettings, url: URL) -> None:
    """``alembic upgrade`` to the declared revision."""
    assert settings.alembic_ini is not None
    ini = Path(settings.alembic_ini).absolute()
    if not ini.is_file():
        raise KitError(f"no migrations: there is no file {ini}", "alembic_ini= names alembic's configuration file")
    if settings.migration_driver:
        url = url.set(drivername=f"{url.get_backend_name()}+{settings.migration_driver}")
    text = url.render_as_string(hide_password=False)
    with tempfile.TemporaryDirectory(prefix="async-test-kit-") as directory:
        answer, output = Path(directory, "answer"), Path(directory, "output")
        asked = {"ini": str(ini), "revision": settings.revision, "url": text, "answer": str(answer), "path": sys.path}
        env = {**os.environ, **{name: value.format(url=text) for name, value in settings.env.items()}}
        _run(asked, env, output, settings.migration_timeout)
        _judge(answer, output, ini)


def _run(asked: Mapping[str, object], env: dict[str, str], output: Path, seconds: float) -> None:
    with output.open("wb") as file:
        child = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, str(_CHILD)], stdin=subprocess.PIPE, stdout=file, stderr=subprocess.STDOUT, env=env
        )
    assert child.stdin is not None
    try:
        with child.stdin:
            child.stdin.write(json.dumps(asked).encode())
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        _end(child)
        raise KitError(
            f"the migrations did not end within {seconds:g} s (migration_timeout); they were here:\n{_stack(output)}",
            "run `alembic upgrade head` on an empty database; on PostgreSQL look for locks in pg_stat_activity",
        ) from None
    except BaseException:
        child.kill()
        child.wait()
        raise


def _end(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGABRT)  # faulthandler writes where it is
    try:
        child.wait(_DUMPING)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _judge(answer: Path, output: Path, ini: Path) -> None:
    try:
        kind, detail = json.loads(answer.read_text(encoding="utf-8"))
    except FileNotFoundError:
        said = _read(output)
        raise KitError(f"a migration failed: {_last_error(said)}\n{said}", _hint(said, ini)) from None
    if kind == "no_alembic":
        raise missing("alembic", "a schema made by migrations")
    if kind == "no_migrations":
        raise KitError(f"no migrations found by {ini}: {detail}", "make the first one: alembic revision --autogenerate")
    if kind == "many_heads":
        raise KitError(
            f"the migrations have several heads: {detail}",
            "join them (alembic merge heads), or declare revision='heads' to run all of them",
        )


def _last_error(said: str) -> str:
    """The line of a traceback that names the error: some go on after it."""
    lines = [line for line in said.splitlines() if _ERROR.match(line)] or said.splitlines()
    return lines[-1] if lines else "alembic said nothing"


def _hint(said: str, ini: Path) -> str:
    if "greenlet_spawn has not been called" in said or "asyncio extension requires" in said:
        return "alembic/env.py makes a synchronous engine: declare migration_driver='psycopg' (SQLite: 'pysqlite')"
    return f"try it by hand on an empty database: python -m alembic -c {ini} upgrade head"


def _stack(output: Path) -> str:
    """What faulthandler wrote: the innermost call first."""
    text = output.read_text(encoding="utf-8", errors="replace").partition("\nExtension modules:")[0].strip()
    return text[:_LAST_WORDS]


def _read(output: Path) -> str:
    text = output.read_text(encoding="utf-8", errors="replace").strip()
    return text if len(text) <= _LAST_WORDS else f"…{text[-_LAST_WORDS:]}"
