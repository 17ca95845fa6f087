"""Doubles at the service's edges. Where the test database is declared: pytest.ini."""

from unittest.mock import AsyncMock, create_autospec

import pytest

from artists.catalogue import Catalogue
from artists.events import Events
from artists.models import Artist, Profile
from artists.repository import ArtistRepository
from artists.service import ArtistService
from doubles import Transactions

pytest_plugins = ["async_test_runner.kit"]


@pytest.fixture
def repository() -> AsyncMock:
    """Speaks like ``ArtistRepository``: what is a coroutine there is awaited here, and misspelt names are errors."""
    repository: AsyncMock = create_autospec(ArtistRepository, instance=True)

    async def add(artist: Artist) -> Artist:
        artist.id = repository.add.await_count
        return artist

    repository.add.side_effect = add
    repository.get.side_effect = lambda number: Artist(id=number, name=f"artist {number}", country="DE")
    return repository


@pytest.fixture
def transactions(repository: AsyncMock) -> Transactions:
    return Transactions(repository)


@pytest.fixture
def catalogue() -> AsyncMock:
    catalogue: AsyncMock = create_autospec(Catalogue, instance=True)
    catalogue.profile.return_value = Profile(biography="born, played", albums=3)
    return catalogue


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def service(transactions: Transactions, catalogue: AsyncMock, events: Events) -> ArtistService:
    return ArtistService(transactions, catalogue, events)
