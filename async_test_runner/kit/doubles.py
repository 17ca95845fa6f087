"""Stand-ins for what code awaits: sessions, context managers, generators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, TypeVar
from unittest.mock import AsyncMock, MagicMock

T = TypeVar("T")


def async_session_double(**attributes: Any) -> Any:
    """An ``AsyncSession`` without a database: methods that are coroutines there are awaited here, the others called.

    ``execute``, ``scalars`` and ``stream_scalars`` give an empty result until told otherwise with ``result_double``;
    ``begin()`` and ``begin_nested()`` are blocks, and so is the session itself. An unknown name is an AttributeError.
    """
    from sqlalchemy.ext.asyncio import AsyncSession

    session: Any = AsyncMock(spec=AsyncSession)
    session.execute.return_value = result_double()
    session.scalars.return_value = result_double().scalars()
    for name in ("scalar", "get"):
        getattr(session, name).return_value = None
    for name in ("begin", "begin_nested"):
        getattr(session, name).side_effect = _Block
    session.__aenter__.return_value = session
    session.__aexit__.return_value = None  # a true value would swallow what the block raises
    session.in_transaction.return_value = False
    session.new, session.dirty, session.deleted, session.info = set(), set(), set(), {}
    session.configure_mock(**attributes)
    return session


class _Block:
    """A transaction: a block, and something to await."""

    def __init__(self) -> None:
        self.commit, self.rollback = AsyncMock(), AsyncMock()
        self.is_active = True

    async def __aenter__(self) -> _Block:
        return self

    async def __aexit__(self, error: object, *_rest: object) -> None:
        self.is_active = False
        await (self.commit() if error is None else self.rollback())

    def __await__(self) -> Any:
        return self.__aenter__().__await__()


def result_double(rows: Iterable[Any] = ()) -> Any:
    """What ``execute`` gives: a result with these rows. A row that is no tuple is a row of one column."""
    found = list(rows)
    result = MagicMock(name="Result")
    _fill(result, found)
    scalars = MagicMock(name="ScalarResult")
    _fill(scalars, [row[0] if isinstance(row, tuple) else row for row in found])
    result.scalars.side_effect = lambda *_: scalars
    for name in ("scalar", "scalar_one", "scalar_one_or_none"):
        plain = {"scalar": "first", "scalar_one": "one", "scalar_one_or_none": "one_or_none"}[name]
        getattr(result, name).side_effect = getattr(scalars, plain)
    result.rowcount = len(found)
    return result


def _fill(result: Any, rows: Sequence[Any]) -> None:
    from sqlalchemy.exc import MultipleResultsFound, NoResultFound

    def one() -> Any:
        if not rows:
            raise NoResultFound("No row was found when one was required")
        return one_or_none()

    def one_or_none() -> Any:
        if len(rows) > 1:
            raise MultipleResultsFound("Multiple rows were found when exactly one was required")
        return rows[0] if rows else None

    result.all.side_effect = lambda: list(rows)
    result.fetchall.side_effect = lambda: list(rows)
    result.first.side_effect = lambda: rows[0] if rows else None
    result.one.side_effect = one
    result.one_or_none.side_effect = one_or_none
    result.__iter__.side_effect = lambda: iter(rows)
    result.unique.return_value = result


class AsyncContextDouble:
    """Made by ``async_context``; ``entered`` and ``left`` count."""

    def __init__(self, value: Any, error: BaseException | None) -> None:
        self._value, self._error = value, error
        self.entered = 0
        self.left = 0

    async def __aenter__(self) -> Any:
        self.entered += 1
        if self._error is not None:
            raise self._error
        return self._value

    async def __aexit__(self, *_error: object) -> None:
        self.left += 1


def async_context(value: Any = None, *, error: BaseException | None = None) -> AsyncContextDouble:
    """An asynchronous context manager that gives ``value``, or whose entering raises ``error``."""
    return AsyncContextDouble(value, error)


async def async_items(*items: T, error: BaseException | None = None) -> AsyncIterator[T]:
    """An asynchronous generator of ``items``, which then ends, or raises ``error``."""
    for item in items:
        yield item
    if error is not None:
        raise error
