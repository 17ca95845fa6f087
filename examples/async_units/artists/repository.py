"""Artists in the database."""

from collections.abc import AsyncIterator

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select, update

from artists.errors import ArtistExistsError, ArtistNotFoundError
from artists.models import Artist


class ArtistRepository:
    """Flushes, and leaves the commit to who opened the transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, artist_id: int) -> Artist:
        artist = await self._session.get(Artist, artist_id)
        if artist is None:
            raise ArtistNotFoundError(artist_id)
        return artist

    async def add(self, artist: Artist) -> Artist:
        """In a savepoint: a name that is taken does not cost the caller his transaction."""
        try:
            async with self._session.begin_nested():
                self._session.add(artist)
        except IntegrityError as error:
            raise ArtistExistsError(artist.name) from error
        return artist

    async def of_country(self, country: str) -> list[Artist]:
        found = await self._session.execute(select(Artist).where(Artist.country == country).order_by(col(Artist.name)))
        return list(found.scalars().all())

    async def count_play(self, artist_id: int) -> None:
        """In one statement: reading, adding and writing back would lose plays that happen at the same time."""
        statement = update(Artist).where(col(Artist.id) == artist_id).values(plays=col(Artist.plays) + 1)
        await self._session.execute(statement)

    async def stream(self) -> AsyncIterator[Artist]:
        """All of them, without all of them in memory."""
        async for artist in await self._session.stream_scalars(select(Artist).order_by(col(Artist.name))):
            yield artist
