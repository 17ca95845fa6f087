"""Real transactions: what is committed, what is rolled back, and what happens at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import AsyncMock

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col, select

from artists.errors import ArtistExistsError
from artists.events import Events
from artists.models import Artist
from artists.repository import ArtistRepository
from artists.service import ArtistService


@pytest.fixture
def real_service(isolated_engine: AsyncEngine, catalogue: AsyncMock, events: Events) -> ArtistService:
    @asynccontextmanager
    async def transaction() -> AsyncIterator[ArtistRepository]:
        async with AsyncSession(isolated_engine, expire_on_commit=False) as session, session.begin():
            yield ArtistRepository(session)

    return ArtistService(transaction, catalogue, events)


async def names(engine: AsyncEngine) -> list[str]:
    """What somebody else sees."""
    async with engine.connect() as connection:
        return list(await connection.scalars(select(Artist.name).order_by(col(Artist.name))))


async def test_what_the_service_adds_is_committed(real_service: ArtistService, isolated_engine: AsyncEngine) -> None:
    await real_service.add("Nina", "US")
    assert await names(isolated_engine) == ["Nina"]


async def test_of_many_with_one_that_exists_none_is_added(
    real_service: ArtistService, isolated_engine: AsyncEngine
) -> None:
    await real_service.add("Nina", "US")
    with pytest.raises(ArtistExistsError):
        await real_service.add_all([("Miriam", "ZA"), ("Nina", "FR")])
    assert await names(isolated_engine) == ["Nina"]


async def test_of_five_who_add_one_name_at_the_same_time_one_does(
    real_service: ArtistService, isolated_engine: AsyncEngine
) -> None:
    answers = await asyncio.gather(*(real_service.add("Nina", "US") for _ in range(5)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Artist", *["ArtistExistsError"] * 4]
    assert await names(isolated_engine) == ["Nina"]


async def test_an_export_reads_what_is_committed(real_service: ArtistService) -> None:
    await real_service.add_all([("Odetta", "US"), ("Miriam", "ZA")])
    assert [line async for line in real_service.export()] == ["name,country\n", "Miriam,ZA\n", "Odetta,US\n"]
