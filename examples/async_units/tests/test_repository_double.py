"""The repository on a session double: for errors that a real database does not make on demand."""

from typing import Any

import pytest
from async_test_runner.kit import assert_awaited_once, result_double
from sqlalchemy.exc import IntegrityError, OperationalError

from artists.errors import ArtistExistsError, ArtistNotFoundError
from artists.models import Artist
from artists.repository import ArtistRepository


async def test_what_the_database_calls_a_conflict_is_an_artist_who_exists(async_session_double: Any) -> None:
    async_session_double.add.side_effect = IntegrityError("INSERT", {}, Exception("unique"))
    with pytest.raises(ArtistExistsError, match="'Nina'"):
        await ArtistRepository(async_session_double).add(Artist(name="Nina", country="US"))


async def test_a_database_that_goes_away_is_not_taken_for_a_conflict(async_session_double: Any) -> None:
    async_session_double.execute.side_effect = OperationalError("SELECT", {}, Exception("server closed"))
    with pytest.raises(OperationalError):
        await ArtistRepository(async_session_double).of_country("US")


async def test_rows_are_artists(async_session_double: Any) -> None:
    nina = Artist(name="Nina", country="US")
    async_session_double.execute.return_value = result_double([nina])
    assert await ArtistRepository(async_session_double).of_country("US") == [nina]
    assert_awaited_once(async_session_double.execute)


async def test_none_is_not_an_artist(async_session_double: Any) -> None:
    with pytest.raises(ArtistNotFoundError):
        await ArtistRepository(async_session_double).get(1)
