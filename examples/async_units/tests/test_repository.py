"""The same repository on a real database, rolled back after each test."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from artists.errors import ArtistExistsError, ArtistNotFoundError
from artists.models import Artist
from artists.repository import ArtistRepository


@pytest.fixture
def artists(async_session: AsyncSession) -> ArtistRepository:
    return ArtistRepository(async_session)


async def test_an_artist_has_an_id_once_added(artists: ArtistRepository) -> None:
    nina = await artists.add(Artist(name="Nina", country="US"))
    assert nina.id is not None
    assert await artists.get(nina.id) is nina


async def test_a_name_is_taken_once(artists: ArtistRepository) -> None:
    await artists.add(Artist(name="Nina", country="US"))
    with pytest.raises(ArtistExistsError, match="'Nina'"):
        await artists.add(Artist(name="Nina", country="FR"))


async def test_after_a_conflict_the_transaction_goes_on(artists: ArtistRepository) -> None:
    await artists.add(Artist(name="Nina", country="US"))
    with pytest.raises(ArtistExistsError):
        await artists.add(Artist(name="Nina", country="FR"))
    await artists.add(Artist(name="Odetta", country="US"))
    assert [artist.name for artist in await artists.of_country("US")] == ["Nina", "Odetta"]


async def test_who_is_not_there(artists: ArtistRepository) -> None:
    with pytest.raises(ArtistNotFoundError, match="no artist 42"):
        await artists.get(42)


async def test_artists_of_a_country_by_name(artists: ArtistRepository) -> None:
    for name, country in [("Odetta", "US"), ("Miriam", "ZA"), ("Nina", "US")]:
        await artists.add(Artist(name=name, country=country))
    assert [artist.name for artist in await artists.of_country("US")] == ["Nina", "Odetta"]
    assert await artists.of_country("XX") == []


async def test_all_artists_one_by_one(artists: ArtistRepository) -> None:
    for name in ("Odetta", "Miriam", "Nina"):
        await artists.add(Artist(name=name, country="US"))
    assert [artist.name async for artist in artists.stream()] == ["Miriam", "Nina", "Odetta"]


async def test_plays_are_counted(artists: ArtistRepository, async_session: AsyncSession) -> None:
    nina = await artists.add(Artist(name="Nina", country="US"))
    assert nina.id is not None
    for _ in range(3):
        await artists.count_play(nina.id)
    await async_session.refresh(nina)
    assert nina.plays == 3


@pytest.mark.parametrize("time", ["first", "second"])
async def test_what_a_test_commits_is_gone_afterwards(
    artists: ArtistRepository, async_session: AsyncSession, time: str
) -> None:
    await artists.add(Artist(name="Nina", country="US"))
    await async_session.commit()
    assert len(await artists.of_country("US")) == 1
