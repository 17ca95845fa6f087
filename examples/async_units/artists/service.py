"""What one can do with artists."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from artists.errors import CatalogueError
from artists.events import ArtistAdded, Events
from artists.models import Artist, Profile
from artists.patience import Cache, retrying


class Repository(Protocol):
    async def get(self, artist_id: int) -> Artist: ...
    async def add(self, artist: Artist) -> Artist: ...
    async def of_country(self, country: str) -> list[Artist]: ...
    def stream(self) -> AsyncIterator[Artist]: ...


class ProfileSource(Protocol):
    async def profile(self, name: str) -> Profile: ...


# Opens a transaction, which is committed at the end of the block, and rolled back by an error.
Transaction = Callable[[], AbstractAsyncContextManager[Repository]]


class ArtistService:
    def __init__(
        self, transaction: Transaction, catalogue: ProfileSource, events: Events, *, patience: float = 10.0
    ) -> None:
        self._transaction = transaction
        self._events = events
        self._patience = patience
        self._profiles: Cache[Profile] = Cache(
            lambda name: retrying(lambda: catalogue.profile(name), on=CatalogueError), seconds=3600
        )

    async def add(self, name: str, country: str) -> Artist:
        """Tells of it when it is committed, and not before."""
        async with self._transaction() as repository:
            artist = await repository.add(Artist(name=name, country=country))
        assert artist.id is not None
        await self._events.publish(ArtistAdded(artist.id, artist.name))
        return artist

    async def add_all(self, artists: Sequence[tuple[str, str]]) -> list[Artist]:
        """All or none."""
        async with self._transaction() as repository:
            added = [await repository.add(Artist(name=name, country=country)) for name, country in artists]
        for artist in added:
            assert artist.id is not None
            await self._events.publish(ArtistAdded(artist.id, artist.name))
        return added

    async def profile(self, artist_id: int) -> Profile:
        """From the catalogue, which has so much time and no more."""
        async with self._transaction() as repository:
            artist = await repository.get(artist_id)
        async with asyncio.timeout(self._patience):
            return await self._profiles.get(artist.name)

    async def profiles(self, artist_ids: Sequence[int]) -> dict[int, Profile | None]:
        """Of many, at the same time. An artist whose profile cannot be had has none."""
        found = await asyncio.gather(*(self.profile(id) for id in artist_ids), return_exceptions=True)
        for answer in found:
            if isinstance(answer, BaseException) and not isinstance(answer, (CatalogueError, TimeoutError)):
                raise answer
        return {
            id: answer if isinstance(answer, Profile) else None for id, answer in zip(artist_ids, found, strict=True)
        }

    async def export(self) -> AsyncIterator[str]:
        """Lines of CSV, as they come out of the database."""
        yield "name,country\n"
        async with self._transaction() as repository:
            async for artist in repository.stream():
                yield f"{artist.name},{artist.country}\n"
