"""Doubles, and checks of what was awaited."""

from __future__ import annotations

from typing import Any
from unittest.mock import AsyncMock, MagicMock, create_autospec

import pytest
from sqlalchemy.exc import MultipleResultsFound, NoResultFound

from async_test_runner.kit import (
    assert_awaited,
    assert_awaited_once,
    assert_not_awaited,
    async_context,
    async_items,
    async_session_double,
    result_double,
)

pytestmark = pytest.mark.asyncio


async def test_a_session_s_parts_are_as_in_sqlalchemy() -> None:
    session = async_session_double()
    session.add(object())
    session.add_all([])
    session.expunge(object())
    for name in ("commit", "rollback", "flush", "refresh", "execute", "scalar", "get", "delete", "close"):
        await getattr(session, name)(object())
    assert session.in_transaction() is False
    with pytest.raises(AttributeError):
        session.comit()


async def test_a_session_is_a_block_that_hands_on_errors() -> None:
    session = async_session_double()
    with pytest.raises(ValueError, match="inside"):
        async with session as entered:
            assert entered is session
            raise ValueError("inside")


async def test_a_transaction_is_a_block_that_commits_or_rolls_back() -> None:
    session = async_session_double()
    async with session.begin() as transaction:
        assert transaction.is_active
    assert_awaited_once(transaction.commit)
    with pytest.raises(ValueError, match="inside"):
        async with session.begin_nested() as nested:
            raise ValueError("inside")
    assert_awaited_once(nested.rollback)
    assert (await session.begin()).is_active


async def test_an_untold_session_finds_nothing() -> None:
    session = async_session_double()
    assert (await session.execute("SELECT")).scalars().all() == []
    assert (await session.execute("SELECT")).scalar_one_or_none() is None
    assert (await session.scalars("SELECT")).first() is None
    assert await session.get(object, 1) is None


async def test_attributes_can_be_told() -> None:
    session = async_session_double(**{"scalar.return_value": 3})
    assert await session.scalar("SELECT") == 3


async def test_a_result_has_its_rows() -> None:
    result = result_double([(1, "ada"), (2, "zoe")])
    assert result.all() == result.fetchall() == [(1, "ada"), (2, "zoe")]
    assert list(result) == [(1, "ada"), (2, "zoe")]
    assert result.first() == (1, "ada")
    assert result.scalars().all() == result.scalars().unique().all() == [1, 2]
    assert result.rowcount == 2
    with pytest.raises(MultipleResultsFound):
        result.scalar_one()


async def test_a_result_of_one_and_of_none() -> None:
    assert result_double(["ada"]).scalar_one() == "ada"
    assert result_double([]).one_or_none() is None
    with pytest.raises(NoResultFound):
        result_double([]).one()


async def test_a_context_counts_and_may_refuse() -> None:
    context = async_context("value")
    async with context as value:
        assert (value, context.entered, context.left) == ("value", 1, 0)
    assert context.left == 1
    with pytest.raises(ConnectionError):
        async with async_context(error=ConnectionError("no")):
            pass


async def test_items_end_or_fail() -> None:
    assert [item async for item in async_items(1, 2)] == [1, 2]
    seen = []
    with pytest.raises(ConnectionError):
        async for item in async_items(1, 2, error=ConnectionError("lost")):
            seen.append(item)  # noqa: PERF401 - what was seen before the error is the point
    assert seen == [1, 2]


def forgotten(double: Any) -> None:
    double(1).close()  # a caller without `await`, whose coroutine is dropped


async def test_a_forgotten_await_is_told_from_a_call_that_never_came() -> None:
    double = AsyncMock(name="notify")
    with pytest.raises(AssertionError, match="notify was neither called nor awaited"):
        assert_awaited(double)
    forgotten(double)
    with pytest.raises(AssertionError, match=r"notify was called once and never awaited.*forgot an `await`.*call\(1\)"):
        assert_awaited(double)
    with pytest.raises(AssertionError, match="1 of its coroutines never ran"):
        assert_not_awaited(double)


async def test_the_arguments_of_an_await_are_compared() -> None:
    double = AsyncMock(name="notify")
    await double(1, to="ada")
    assert_awaited(double, 1, to="ada")
    assert_awaited_once(double, 1, to="ada")
    with pytest.raises(AssertionError, match=r"was not awaited with \(2\); its awaits were: \[call\(1, to='ada'\)\]"):
        assert_awaited(double, 2)


async def test_once_means_once_and_no_call_beside() -> None:
    double = AsyncMock(name="notify")
    await double()
    forgotten(double)
    with pytest.raises(AssertionError, match="called 2 times and awaited once"):
        assert_awaited_once(double)
    await double()
    with pytest.raises(AssertionError, match="awaited 2 times, not once"):
        assert_awaited_once(double)
    with pytest.raises(AssertionError, match="awaited 2 times"):
        assert_not_awaited(double)


async def test_what_cannot_be_awaited_is_said_so() -> None:
    with pytest.raises(AssertionError, match="is a MagicMock: awaiting its result raises a TypeError"):
        assert_awaited(MagicMock(name="notify"))


async def test_an_autospecced_coroutine_function_is_a_double_too() -> None:
    async def notify(who: str) -> None: ...

    double = create_autospec(notify)
    assert_not_awaited(double)
    await double("ada")
    assert_awaited_once(double, "ada")
