"""PYTEST_DONT_REWRITE: the fixtures. A project's own fixture of the same name wins.

What they do is written where it can be used without pytest: ``database/sessions.py``, ``client.py``, ``tasks.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from . import loops, tasks
from .errors import KitError, need
from .loops import driven
from .shared import databases_of

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker
    from sqlalchemy.orm import Session, sessionmaker

    from .client import AsyncTestClient
    from .clock import VirtualClock
    from .database.databases import Databases
    from .database.settings import DatabaseSettings


# ------------------------------------------------------------------------------------------------- what a project says


@pytest.fixture(scope="session")
def database_settings(request: pytest.FixtureRequest) -> DatabaseSettings:
    """The declaration of the test database. Override it, or write the ini options ``async_db_…``."""
    from .database import declared

    return declared.from_ini(request.config)


@pytest.fixture
def app() -> Any:
    """The ASGI application that ``async_client`` calls. Override it."""
    raise KitError("async_client does not know the application", "define a fixture `app` that returns it")


@pytest.fixture
def session_dependency() -> object:
    """The dependency by which endpoints get their session. Overridden, clients hand them sessions of the test."""
    return None


# ----------------------------------------------------------------------------------------------------------- databases


@pytest.fixture
def _kit_databases(database_settings: DatabaseSettings, request: pytest.FixtureRequest) -> Databases:
    return databases_of(request.config, database_settings)


@pytest.fixture
def database_url(_kit_databases: Databases) -> str:
    """The database that the tests of this process share."""
    return _kit_databases.shared().render_as_string(hide_password=False)


@pytest.fixture
def async_engine(_kit_databases: Databases, request: pytest.FixtureRequest) -> Iterator[AsyncEngine]:
    """An engine with an ordinary pool. After a test that commits through it, the next one finds a new database."""
    from .database import sessions

    engine = sessions.async_engine(_kit_databases.settings, _kit_databases.shared())
    yield from _spoiling(request, engine, _kit_databases)


@pytest.fixture
def one_connection_engine(_kit_databases: Databases, request: pytest.FixtureRequest) -> Iterator[AsyncEngine]:
    """An engine with a pool of one: a second connection, which could not see the test's rows, fails at once."""
    from .database import sessions

    engine = sessions.one_connection_engine(_kit_databases.settings, _kit_databases.shared())
    yield from _spoiling(request, engine, _kit_databases)


def _spoiling(
    request: pytest.FixtureRequest, engine: contextlib.AbstractAsyncContextManager[AsyncEngine], databases: Databases
) -> Iterator[AsyncEngine]:
    """An engine; what is committed through it, the next test does not find."""
    from .database import sessions

    for opened in driven(request, engine):
        sessions.on_commit(opened.sync_engine, databases.spoil)
        yield opened


@pytest.fixture
def async_connection(one_connection_engine: AsyncEngine, request: pytest.FixtureRequest) -> Iterator[AsyncConnection]:
    """The connection of ``async_session``, in the transaction that is rolled back."""
    from .database import sessions

    yield from driven(request, sessions.async_connection(one_connection_engine))


@pytest.fixture
def async_sessions(async_connection: AsyncConnection) -> async_sessionmaker[AsyncSession]:
    """Makes further sessions in the transaction of ``async_session``."""
    from .database import sessions

    return sessions.async_sessions(async_connection)


@pytest.fixture
def async_session(
    async_sessions: async_sessionmaker[AsyncSession], request: pytest.FixtureRequest
) -> Iterator[AsyncSession]:
    """A session whose work is rolled back after the test. What it commits ends a savepoint."""
    from .database import sessions

    yield from driven(request, sessions.async_session(async_sessions))


@pytest.fixture
def isolated_database_url(_kit_databases: Databases) -> Iterator[str]:
    """A database of the test's own, with the schema in it."""
    with _kit_databases.own() as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def isolated_engine(
    isolated_database_url: str, database_settings: DatabaseSettings, request: pytest.FixtureRequest
) -> Iterator[AsyncEngine]:
    """An engine, with a pool of its own, on the test's own database."""
    from sqlalchemy import make_url

    from .database import sessions

    yield from driven(request, sessions.async_engine(database_settings, make_url(isolated_database_url)))


@pytest.fixture
def isolated_db_session(isolated_engine: AsyncEngine, request: pytest.FixtureRequest) -> Iterator[AsyncSession]:
    """A session on the test's own database: its commits are real."""
    from .database import sessions

    yield from driven(request, sessions.async_session(sessions.own_sessions(isolated_engine)))


@pytest.fixture
def sync_engine(_kit_databases: Databases) -> Iterator[Engine]:
    """The database of ``async_engine`` through a synchronous driver."""
    from .database import sessions

    with sessions.sync_engine(_kit_databases.settings, _kit_databases.shared()) as engine:
        sessions.on_commit(engine, _kit_databases.spoil)
        yield engine


@pytest.fixture
def sync_connection(sync_engine: Engine) -> Iterator[Connection]:
    """The connection of ``sync_session``, in the transaction that is rolled back."""
    from .database import sessions

    with sessions.sync_connection(sync_engine) as connection:
        yield connection


@pytest.fixture
def sync_sessions(sync_connection: Connection) -> sessionmaker[Session]:
    """Makes further sessions in the transaction of ``sync_session``."""
    from .database import sessions

    return sessions.sync_sessions(sync_connection)


@pytest.fixture
def sync_session(sync_sessions: sessionmaker[Session]) -> Iterator[Session]:
    """``async_session`` for tests that are no coroutines."""
    with sync_sessions() as session:
        yield session


# ------------------------------------------------------------------------------------------------------------- clients


@pytest.fixture
def async_client(request: pytest.FixtureRequest, app: Any, session_dependency: Any) -> Iterator[AsyncTestClient]:
    """An HTTP client of ``app``. Where ``session_dependency`` is declared, requests see what ``async_session`` sees."""
    client = need("async_test_runner.kit.client", "async_client")
    with contextlib.ExitStack() as stack:
        if session_dependency is not None:
            stack.enter_context(_sessions_of_test(request, app, session_dependency))
        yield from driven(request, client.AsyncTestClient(app))


@contextlib.contextmanager
def _sessions_of_test(request: pytest.FixtureRequest, app: Any, dependency: Any) -> Iterator[None]:
    from .dependencies import overridden

    make: async_sessionmaker[AsyncSession] = request.getfixturevalue("async_sessions")

    async def session_of_test() -> AsyncIterator[AsyncSession]:
        async with make() as session:
            yield session

    with overridden(app, dependency, session_of_test):
        yield


@pytest.fixture
def sync_client(request: pytest.FixtureRequest, app: Any, session_dependency: Any) -> Iterator[Any]:
    """Starlette's ``TestClient``. Where ``session_dependency`` is declared, requests see what ``sync_session`` sees."""
    with warnings.catch_warnings():
        # Starlette >= 1.1 prefers httpx2, and says so at the import. That httpx is used is the kit's choice.
        warnings.filterwarnings("ignore", "Using `httpx` with `starlette.testclient`")
        testclient = need("starlette.testclient", "sync_client")
    with contextlib.ExitStack() as stack:
        if session_dependency is not None:
            stack.enter_context(_awaitable_sessions_of_test(request, app, session_dependency))
        yield stack.enter_context(testclient.TestClient(app))


@contextlib.contextmanager
def _awaitable_sessions_of_test(request: pytest.FixtureRequest, app: Any, dependency: Any) -> Iterator[None]:
    from .database.awaitable import AwaitableSession
    from .dependencies import overridden

    make: sessionmaker[Session] = request.getfixturevalue("sync_sessions")

    async def session_of_test() -> AsyncIterator[AwaitableSession]:
        with make() as session:
            yield AwaitableSession(session)

    with overridden(app, dependency, session_of_test):
        yield


# ----------------------------------------------------------------------------------------------------- loops and tasks


@pytest.fixture
def cleanup_tasks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Cancels and awaits every task that the test has left; one that does not end, or failed unseen, is an error."""
    loop = loops.loop_of_test(request)
    before = asyncio.all_tasks(loop)
    yield
    _told(loop, tasks.end_tasks(asyncio.all_tasks(loop) - before))


@pytest.fixture
def spawned(request: pytest.FixtureRequest) -> Iterator[tasks.Spawner]:
    """Starts background tasks that end with the test: ``task = spawned(worker())``."""
    loop = loops.loop_of_test(request)
    spawner = tasks.Spawner(loop)
    yield spawner
    _told(loop, spawner.end())


def _told(loop: asyncio.AbstractEventLoop, ending: Coroutine[Any, Any, None]) -> None:
    """End tasks; what has to be said about them is said without the kit's own frames."""
    try:
        loops.run(loop, ending)
    except tasks.TasksLeftError as error:
        told = str(error)
    else:
        return
    pytest.fail(told, pytrace=False)


@pytest.fixture
def virtual_clock(request: pytest.FixtureRequest) -> Iterator[VirtualClock]:
    """The test's loop on a clock that jumps over waiting: ``asyncio.sleep(3600)`` takes no time."""
    from .clock import virtual_time

    with virtual_time(loops.loop_of_test(request)) as clock:
        yield clock


# ------------------------------------------------------------------------------------------------------------- doubles


@pytest.fixture
def async_session_double() -> Any:
    """A stand-in for an ``AsyncSession``: what is awaited there is awaited here, and nothing else."""
    from .doubles import async_session_double

    return async_session_double()
