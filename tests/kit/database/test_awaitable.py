"""A synchronous session whose methods are awaited."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from async_test_runner.kit import AwaitableSession

pytestmark = pytest.mark.asyncio


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


@pytest.fixture
def session() -> Iterator[AwaitableSession]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False) as session:
        yield AwaitableSession(session)
    engine.dispose()


async def test_what_an_endpoint_does_with_a_session(session: AwaitableSession) -> None:
    session.add(ada := User(name="ada"))
    await session.commit()
    await session.refresh(ada)
    assert await session.get(User, ada.id) is ada
    assert (await session.execute(select(User))).scalar_one() is ada
    assert (await session.scalars(select(User.name))).all() == ["ada"]
    await session.delete(ada)
    await session.flush()
    assert await session.scalar(select(User.name)) is None
    await session.rollback()
    assert await session.scalar(select(User.name)) == "ada"
    assert await session.run_sync(lambda sync: sync.scalar(select(User.name))) == "ada"


async def test_blocks_commit_and_roll_back(session: AwaitableSession) -> None:
    async with session.begin():
        session.add(User(name="ada"))
        with pytest.raises(ValueError, match="inside"):
            async with session.begin_nested():
                session.add(User(name="zoe"))
                raise ValueError("inside")
    assert (await session.scalars(select(User.name))).all() == ["ada"]


async def test_a_session_is_a_block(session: AwaitableSession) -> None:
    async with session as entered:
        transaction = await entered.begin()
        entered.add(User(name="ada"))
        await transaction.rollback()
    assert (await session.scalars(select(User.name))).all() == []


async def test_streaming_is_refused_with_a_way_out(session: AwaitableSession) -> None:
    with pytest.raises(NotImplementedError, match="AsyncTestClient"):
        await session.stream(select(User))


@pytest.mark.parametrize(
    "name",
    [name for name, member in vars(AsyncSession).items() if inspect.iscoroutinefunction(member) and name[0] != "_"],
)
async def test_every_coroutine_of_an_async_session_is_there(session: AwaitableSession, name: str) -> None:
    assert inspect.iscoroutinefunction(getattr(session, name))
