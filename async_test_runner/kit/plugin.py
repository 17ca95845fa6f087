"""PYTEST_DONT_REWRITE: what makes the kit a plugin of pytest. Loaded along with ``async_test_runner.kit``."""

from __future__ import annotations

import inspect
import os
from typing import Any

import pytest

from .database import state
from .errors import KitError
from .fixtures import *  # noqa: F403 - pytest finds fixtures as attributes of a plugin
from .fixtures import _kit_databases, session_dependency  # noqa: F401
from .loops import (  # noqa: F401
    _kit_anyio_loop,
    _kit_class_loop,
    _kit_function_loop,
    _kit_module_loop,
    _kit_package_loop,
    _kit_session_loop,
)
from .shared import run_of

_MARKERS = (
    "async_db: a coroutine test that needs the database (the kit marks those that use its fixtures)",
    "isolated: a test with a database of its own, which shares nothing with any other test (marked by the kit)",
)
_OF_DATABASE = frozenset({"_kit_databases"})
_CLIENTS = frozenset({"async_client", "sync_client"})
_ISOLATED = frozenset({"isolated_database_url"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("async_db_url", "the kit: the server of the test databases; default: DATABASE_URL, then SQLite")
    parser.addini("async_db_alembic_ini", "the kit: alembic's configuration file, whose migrations make the schema")
    parser.addini("async_db_metadata", "the kit: the models, as module:attribute")


def pytest_configure(config: pytest.Config) -> None:
    for line in _MARKERS:
        config.addinivalue_line("markers", line)


@pytest.hookimpl(tryfirst=True)  # before markers select
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if _ISOLATED & names:
            item.add_marker("isolated")
        if inspect.iscoroutinefunction(getattr(item, "obj", None)) and _uses_database(item, names):
            item.add_marker("async_db")


def _uses_database(item: pytest.Item, fixtures: set[str]) -> bool:
    return bool(_OF_DATABASE & fixtures) or (bool(_CLIENTS & fixtures) and _has_sessions(item))


def _has_sessions(item: pytest.Item) -> bool:
    """Whether clients of this test ask for sessions of the database: its project has declared ``session_dependency``.

    Clients take them when they are made, so no fixture of a database is among those of the test. Where pytest does not
    say whose the definition is, the mark comes too often rather than too seldom.
    """
    known = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {}).get("session_dependency")
    return not known or known[-1].func.__module__ != session_dependency.__module__


@pytest.hookimpl(trylast=True)  # after pytest-xdist has ended its workers
def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that owns the run drops what the run has made. The runner, which owns nothing here, does so later."""
    run = run_of(config)
    if run.pid != os.getpid() or not state.of_run(run).exists():
        return
    from .database import dropping

    try:
        dropping.drop(run)
    except KitError as error:
        # The next run finds what is left; a suite that passed is not red for it.
        print(f"\nasync-test-kit: {error}")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Any:
    """A trouble of the kit is told without the kit's own frames."""
    try:
        return (yield)
    except KitError as error:
        told = str(error)
    pytest.fail(told, pytrace=False)  # not in the except block: the report would tell both
