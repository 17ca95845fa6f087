"""Clients and engines of well-known libraries, and sockets, that a test made and did not close.

And the other side of it: connections and threads that belong to what was there before the test, such as the pool of an
engine of the whole session, are no test's.
"""

from __future__ import annotations

import functools
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from .births import Birth, Births, instances_in_modules
from .found import Leak

_AIOSQLITE = "aiosqlite"
# Pools of other libraries: what is connected while one of them is there belongs to it.
_POOLS = (
    ("redis.connection", "ConnectionPool"),
    ("redis.asyncio.connection", "ConnectionPool"),
    ("asyncpg.pool", "Pool"),
    ("psycopg_pool", "ConnectionPool"),
    ("psycopg_pool", "AsyncConnectionPool"),
    ("pymongo", "MongoClient"),
    ("requests", "Session"),
)


class Clients:
    """What of these classes was made, and when."""

    def __init__(self, fresh: list[Birth]) -> None:
        self.httpx = [Births("httpx", name, ("httpx",), fresh=fresh, hold=True) for name in ("Client", "AsyncClient")]
        self.aiohttp = Births("aiohttp", "ClientSession", ("aiohttp",), fresh=fresh)
        self.engines = Births("sqlalchemy.engine", "Engine", ("sqlalchemy", "sqlmodel"), fresh=fresh)
        self.executors = Births("concurrent.futures.thread", "ThreadPoolExecutor", ("concurrent",), fresh=fresh)
        self.sockets = Births("socket", "socket", ("socket", "asyncio", "ssl"), fresh=fresh)
        self.pools = [Births(module, name, (module.partition(".")[0],), fresh=fresh) for module, name in _POOLS]
        self._out: dict[int, int] = {}  # connections that were checked out of an engine's pool

    def all(self) -> list[Births]:
        """Everything that is watched."""
        return [*self.httpx, self.aiohttp, self.engines, self.executors, self.sockets, *self.pools]

    def installed(self, births: Births) -> None:
        """What comes with the wrapping of one class."""
        if births is self.sockets:
            _mark_closing(births)

    def adopt_from_modules(self, births: list[Births]) -> None:
        """Take in the instances that modules hold, of classes that have just begun to be watched."""
        by_class = {each.cls: each for each in births if each.cls is not None}
        asynchronous = getattr(sys.modules.get("sqlalchemy.ext.asyncio"), "AsyncEngine", None)
        wanted = (*by_class, asynchronous) if isinstance(asynchronous, type) else tuple(by_class)
        for instance in instances_in_modules(wanted):
            instance = getattr(instance, "sync_engine", instance)  # noqa: PLW2901 - the engine that it is made around
            for cls in type(instance).__mro__:
                if cls in by_class:
                    by_class[cls].adopt(instance)

    # -------------------------------------------------------------------------------------------------------- looks

    def differs(self) -> bool:
        """Whether an engine has given out another number of connections."""
        return bool(self.engines.old) and self._given() != self._out

    def news(self) -> list[Leak]:
        """What is not closed."""
        leaks = []
        for births in self.httpx:
            leaks += [_client_leak("httpx", birth) for birth in births.take() if _is_open_httpx(birth)]
        leaks += [_client_leak("aiohttp", birth) for birth in self.aiohttp.take() if _is_open_aiohttp(birth)]
        leaks += [_socket_leak(birth) for birth in self.sockets.new if birth.ref() is None and not birth.ended]
        for births in (self.engines, self.executors, self.sockets, *self.pools):
            births.take()
        self.sockets.old.clear()
        return leaks + list(self._given_out())

    def _given(self) -> dict[int, int]:
        counts = ((id(engine), _checked_out(engine)) for engine in self.engines.living())
        return {engine: count for engine, count in counts if count}

    def _given_out(self) -> Iterator[Leak]:
        before, self._out = self._out, self._given()
        for birth in self.engines.old:
            engine = birth.ref()
            count = self._out.get(id(engine), 0) - before.get(id(engine), 0)
            if count > 0:
                plural = "s" if count > 1 else ""
                what = f"{count} connection{plural} of an engine ({_backend(engine)}) not returned to its pool"
                yield Leak("clients", what, birth.where, _returned(birth, before.get(id(engine), 0)))

    # ------------------------------------------------------------------------------------------------------ excuses

    def place_of(self, client: object) -> str:
        """Where an aiohttp session was made, also while it is being destroyed."""
        birth = self.aiohttp.of(client)
        return birth.where if birth is not None else ""

    def socket_places(self) -> dict[int, str]:
        """Where the sockets that are open were made, by descriptor."""
        found = {}
        for birth in self.sockets.new:
            end = birth.ref()
            if isinstance(end, socket.socket):
                found[socket.socket.fileno(end)] = birth.where
        return found

    def excuses_descriptor(self, fd: int, target: str) -> bool:
        """Whether it belongs to something that was there before the test: a connection of its, or its database."""
        if target.startswith("socket:"):
            return _is_connected(fd) and any(True for births in self._holders() for _ in births.living())
        return any(target.startswith(path) for path in self._databases())

    def excuses_thread(self, thread: threading.Thread) -> bool:
        """Whether it works for something that was there before the test."""
        prefixes = [f"{getattr(executor, '_thread_name_prefix', None)}_" for executor in self.executors.living()]
        if any(thread.name.startswith(prefix) for prefix in prefixes):
            return True
        target = getattr(thread, "_target", None)
        modules = (getattr(target, "__module__", None), type(thread).__module__)
        works_for_sqlite = any(str(module).partition(".")[0] == _AIOSQLITE for module in modules)
        return works_for_sqlite and any(_driver(engine) == _AIOSQLITE for engine in self.engines.living())

    def _holders(self) -> list[Births]:
        return [*self.httpx, self.aiohttp, self.engines, *self.pools]

    def _databases(self) -> list[str]:
        files = (getattr(getattr(engine, "url", None), "database", None) for engine in self.engines.living())
        return [os.path.realpath(file) for file in files if isinstance(file, str) and file not in ("", ":memory:")]


def _mark_closing(births: Births) -> None:
    """A socket that is closed or detached has ended well, unless a destructor had to do it."""
    cls: Any = births.cls
    for name in ("close", "detach"):
        setattr(cls, name, _marking(getattr(cls, name), births))


def _marking(original: Callable[..., Any], births: Births) -> Callable[..., Any]:
    @functools.wraps(original)
    def wrapped(self: Any) -> Any:
        birth = births.of(self)
        if birth is not None and sys._getframe(1).f_code.co_name != "__del__":
            birth.ended = True
        return original(self)

    return wrapped


def _is_open_httpx(birth: Birth) -> bool:
    client, birth.held = birth.held, None
    if client is None or type(client).__module__.partition(".")[0] in ("starlette", "fastapi"):
        return False  # their test clients need no end: nothing is open behind them
    return getattr(getattr(client, "_state", None), "name", "") == "OPENED"


def _is_open_aiohttp(birth: Birth) -> bool:
    session: Any = birth.ref()
    return session is not None and not session.closed


def _client_leak(library: str, birth: Birth) -> Leak:
    return Leak("clients", f"{library}: {birth.name} not closed", birth.where, _is_closed(birth))


def _is_closed(birth: Birth) -> Callable[[], bool]:
    def gone() -> bool:
        client = birth.ref()
        return client is None or bool(getattr(client, "is_closed", False) or getattr(client, "closed", False))

    return gone


def _socket_leak(birth: Birth) -> Leak:
    return Leak("descriptors", "socket not closed; the garbage collector did it", birth.where, lambda: True)


def _is_connected(fd: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(fd)) as end:
            end.getpeername()
    except OSError:
        return False
    return True


def _checked_out(engine: Any) -> int:
    count = getattr(getattr(engine, "pool", None), "checkedout", None)
    try:
        return int(count()) if callable(count) else 0
    except Exception:  # noqa: BLE001 - a pool of the project's own
        return 0


def _returned(birth: Birth, before: int) -> Callable[[], bool]:
    def gone() -> bool:
        engine = birth.ref()
        return engine is None or _checked_out(engine) <= before

    return gone


def _backend(engine: Any) -> str:
    return str(getattr(getattr(engine, "dialect", None), "name", "unknown"))


def _driver(engine: Any) -> str:
    return str(getattr(getattr(engine, "dialect", None), "driver", ""))
