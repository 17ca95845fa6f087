"""A synchronous session with the methods of an ``AsyncSession``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class AwaitableSession:
    """Endpoints' code on the session of a synchronous test: ``TestClient`` runs them in a thread and a loop of its own,
    where no connection of the test's loop can be used. What is awaited of an ``AsyncSession`` is awaited here.
    """

    def __init__(self, session: Session) -> None:
        self.sync_session = session

    def __getattr__(self, name: str) -> Any:
        return _as_in_asyncio(name, getattr(self.sync_session, name))

    async def run_sync(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return work(self.sync_session, *args, **kwargs)

    async def stream(self, *_args: Any, **_kwargs: Any) -> Any:
        raise NotImplementedError("a synchronous session does not stream: use AsyncTestClient for this test")

    stream_scalars = stream

    async def aclose(self) -> None:
        self.sync_session.close()

    def begin(self) -> Any:
        return _Block(self.sync_session.begin)

    def begin_nested(self) -> Any:
        return _Block(self.sync_session.begin_nested)

    async def __aenter__(self) -> AwaitableSession:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.sync_session.close()


class _Block:
    """``async with session.begin():``, and ``await session.begin()``."""

    def __init__(self, begin: Callable[[], Any]) -> None:
        self._begin = begin
        self._transaction: Any = None

    async def __aenter__(self) -> Any:
        self._transaction = self._begin()
        self._transaction.__enter__()
        return _Transaction(self._transaction)

    async def __aexit__(self, *error: Any) -> Any:
        return self._transaction.__exit__(*error)

    def __await__(self) -> Any:
        return self._started().__await__()

    async def _started(self) -> _Transaction:
        return _Transaction(self._begin())


class _Transaction:
    def __init__(self, transaction: Any) -> None:
        self.sync_transaction = transaction

    async def commit(self) -> None:
        self.sync_transaction.commit()

    async def rollback(self) -> None:
        self.sync_transaction.rollback()


def _as_in_asyncio(name: str, attribute: Any) -> Any:
    if not inspect.iscoroutinefunction(getattr(AsyncSession, name, None)):
        return attribute

    @functools.wraps(attribute)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        return attribute(*args, **kwargs)

    return awaited
