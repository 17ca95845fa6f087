"""PYTEST_DONT_REWRITE: the testing kit, a pytest plugin: ``pytest_plugins = ["async_test_runner.kit"]``.

README.md beside this file shows every piece. Importing the kit loads none of the packages that its pieces need (httpx,
SQLAlchemy, Alembic, FastAPI): each is loaded when the first test uses it, and a missing one is named with its extra.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import KitError, MissingPackageError, need

if TYPE_CHECKING:
    from .awaited import assert_awaited, assert_awaited_once, assert_not_awaited
    from .chains import await_chain
    from .client import AsyncTestClient
    from .clock import VirtualClock, virtual_time
    from .database.awaitable import AwaitableSession
    from .database.settings import DatabaseSettings
    from .dependencies import override_dependency
    from .doubles import async_context, async_items, async_session_double, result_double
    from .tasks import DeadlineExceededError, Spawner, TasksLeftError, deadline, eventually, tasks_ended
    from .websocket import AsyncWebSocket, WebSocketClosedError

# pytest loads what is named here along with the kit.
pytest_plugins = ("async_test_runner.kit.plugin",)

# public name -> the module that it comes from, loaded when somebody asks for it
_HOMES = {
    "AsyncTestClient": "client",
    "AsyncWebSocket": "websocket",
    "AwaitableSession": "database.awaitable",
    "DatabaseSettings": "database.settings",
    "DeadlineExceededError": "tasks",
    "Spawner": "tasks",
    "TasksLeftError": "tasks",
    "VirtualClock": "clock",
    "WebSocketClosedError": "websocket",
    "assert_awaited": "awaited",
    "assert_awaited_once": "awaited",
    "assert_not_awaited": "awaited",
    "async_context": "doubles",
    "async_items": "doubles",
    "async_session_double": "doubles",
    "await_chain": "chains",
    "deadline": "tasks",
    "eventually": "tasks",
    "override_dependency": "dependencies",
    "result_double": "doubles",
    "tasks_ended": "tasks",
    "virtual_time": "clock",
}

__all__ = [
    "AsyncTestClient",
    "AsyncWebSocket",
    "AwaitableSession",
    "DatabaseSettings",
    "DeadlineExceededError",
    "KitError",
    "MissingPackageError",
    "Spawner",
    "TasksLeftError",
    "VirtualClock",
    "WebSocketClosedError",
    "assert_awaited",
    "assert_awaited_once",
    "assert_not_awaited",
    "async_context",
    "async_items",
    "async_session_double",
    "await_chain",
    "deadline",
    "eventually",
    "override_dependency",
    "result_double",
    "tasks_ended",
    "virtual_time",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(need(f"{__name__}.{home}", f"async_test_runner.kit.{name}"), name)
    globals()[name] = value
    return value
