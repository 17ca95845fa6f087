"""The service alone: everything that it awaits is a double."""

from unittest.mock import AsyncMock, call

import pytest
from async_test_runner.kit import assert_awaited_once, assert_not_awaited, async_items

from artists.errors import ArtistExistsError, ArtistNotFoundError
from artists.events import ArtistAdded, Events
from artists.models import Artist
from artists.service import ArtistService
from doubles import Transactions


async def test_a_new_artist_is_told_of(service: ArtistService, events: Events) -> None:
    listener = AsyncMock()
    events.listen(listener)
    artist = await service.add("Nina", "US")
    assert artist.id == 1
    assert_awaited_once(listener, ArtistAdded(1, "Nina"))


async def test_what_is_not_committed_is_not_told_of(
    service: ArtistService, repository: AsyncMock, events: Events
) -> None:
    repository.add.side_effect = ArtistExistsError("Nina")
    listener = AsyncMock()
    events.listen(listener)
    with pytest.raises(ArtistExistsError):
        await service.add("Nina", "US")
    assert_not_awaited(listener)


async def test_of_many_all_or_none(service: ArtistService, repository: AsyncMock, transactions: Transactions) -> None:
    """Side effects, one per call: the first works, the second does not, there is no third."""
    repository.add.side_effect = [Artist(id=1, name="Nina", country="US"), ArtistExistsError("Nina")]
    with pytest.raises(ArtistExistsError):
        await service.add_all([("Nina", "US"), ("Nina", "FR"), ("Miriam", "ZA")])
    assert repository.add.await_count == 2
    assert transactions.ended == ["rolled back"]


async def test_many_are_told_of_in_their_order(service: ArtistService, events: Events) -> None:
    listener = AsyncMock()
    events.listen(listener)
    await service.add_all([("Nina", "US"), ("Miriam", "ZA")])
    assert listener.await_args_list == [call(ArtistAdded(1, "Nina")), call(ArtistAdded(2, "Miriam"))]


async def test_the_catalogue_is_not_asked_for_an_artist_who_is_not_there(
    service: ArtistService, repository: AsyncMock, catalogue: AsyncMock
) -> None:
    repository.get.side_effect = ArtistNotFoundError(7)
    with pytest.raises(ArtistNotFoundError, match="no artist 7"):
        await service.profile(7)
    assert_not_awaited(catalogue.profile)


async def test_an_export_is_lines_of_csv(service: ArtistService, repository: AsyncMock) -> None:
    """``stream`` is an asynchronous generator: a function that returns one, not a coroutine."""
    repository.stream.side_effect = lambda: async_items(
        Artist(name="Miriam", country="ZA"), Artist(name="Nina", country="US")
    )
    assert [line async for line in service.export()] == ["name,country\n", "Miriam,ZA\n", "Nina,US\n"]


async def test_an_export_that_breaks_off_rolls_back(
    service: ArtistService, repository: AsyncMock, transactions: Transactions
) -> None:
    repository.stream.side_effect = lambda: async_items(
        Artist(name="Miriam", country="ZA"), error=ConnectionError("the database went away")
    )
    lines = service.export()
    assert [await anext(lines), await anext(lines)] == ["name,country\n", "Miriam,ZA\n"]
    with pytest.raises(ConnectionError, match="went away"):
        await anext(lines)
    assert transactions.ended == ["rolled back"]


async def test_an_export_that_nobody_reads_to_its_end_lets_go_of_the_transaction(
    service: ArtistService, repository: AsyncMock, transactions: Transactions
) -> None:
    repository.stream.side_effect = lambda: async_items(Artist(name="Miriam", country="ZA"))
    lines = service.export()
    assert await anext(lines) == "name,country\n"
    assert await anext(lines) == "Miriam,ZA\n"
    await lines.aclose()  # type: ignore[attr-defined]
    assert transactions.ended == ["rolled back"]
