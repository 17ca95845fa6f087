"""Time: deadlines, pauses that double, what is remembered for an hour. All of it at once, on a virtual clock."""

import asyncio
from unittest.mock import AsyncMock

import httpx
import pytest
from async_test_runner.kit import Spawner, VirtualClock, assert_awaited_once

from artists.catalogue import Catalogue
from artists.errors import CatalogueError
from artists.models import Profile
from artists.service import ArtistService

PROFILE = Profile(biography="born, played", albums=3)


async def test_after_an_error_it_is_tried_again(
    service: ArtistService, catalogue: AsyncMock, virtual_clock: VirtualClock
) -> None:
    catalogue.profile.side_effect = [CatalogueError("busy"), CatalogueError("busy"), PROFILE]
    assert await service.profile(1) == PROFILE
    assert virtual_clock.elapsed == pytest.approx(1 + 2)


async def test_after_three_errors_it_is_given_up(
    service: ArtistService, catalogue: AsyncMock, virtual_clock: VirtualClock
) -> None:
    catalogue.profile.side_effect = CatalogueError("busy")
    with pytest.raises(CatalogueError, match="busy"):
        await service.profile(1)
    assert catalogue.profile.await_count == 3


async def test_an_error_of_another_kind_is_not_tried_again(service: ArtistService, catalogue: AsyncMock) -> None:
    catalogue.profile.side_effect = TypeError("a mistake")
    with pytest.raises(TypeError):
        await service.profile(1)
    assert_awaited_once(catalogue.profile)


@pytest.mark.usefixtures("cleanup_tasks")
async def test_a_catalogue_that_never_answers_costs_ten_seconds(
    service: ArtistService, catalogue: AsyncMock, virtual_clock: VirtualClock
) -> None:

    async def never(name: str) -> None:
        await asyncio.Event().wait()

    catalogue.profile.side_effect = never
    with pytest.raises(TimeoutError):
        await service.profile(1)
    assert virtual_clock.elapsed == pytest.approx(10)


async def test_a_profile_is_remembered_for_an_hour(
    service: ArtistService, catalogue: AsyncMock, virtual_clock: VirtualClock
) -> None:
    await service.profile(1)
    await virtual_clock.advance(3599)
    await service.profile(1)
    assert_awaited_once(catalogue.profile)
    await virtual_clock.advance(2)
    await service.profile(1)
    assert catalogue.profile.await_count == 2


@pytest.mark.usefixtures("virtual_clock")
async def test_an_error_is_not_remembered(service: ArtistService, catalogue: AsyncMock) -> None:
    catalogue.profile.side_effect = [*[CatalogueError("busy")] * 3, PROFILE]
    with pytest.raises(CatalogueError):
        await service.profile(1)
    assert await service.profile(1) == PROFILE


async def test_many_who_want_the_same_profile_share_one_question(service: ArtistService, catalogue: AsyncMock) -> None:
    answers = await asyncio.gather(*(service.profile(1) for _ in range(10)))
    assert answers == [PROFILE] * 10
    assert_awaited_once(catalogue.profile)


async def test_one_who_stops_waiting_does_not_stop_the_others(
    service: ArtistService, catalogue: AsyncMock, spawned: Spawner
) -> None:
    go_on = asyncio.Event()

    async def answer(name: str) -> Profile:
        await go_on.wait()
        return PROFILE

    catalogue.profile.side_effect = answer
    impatient, patient = spawned(service.profile(1)), spawned(service.profile(1))
    await asyncio.sleep(0)
    impatient.cancel()
    go_on.set()
    assert await patient == PROFILE
    assert impatient.cancelled()


async def test_profiles_are_asked_for_at_the_same_time(
    service: ArtistService, catalogue: AsyncMock, virtual_clock: VirtualClock
) -> None:
    async def slow(name: str) -> Profile:
        await asyncio.sleep(9)
        return PROFILE

    catalogue.profile.side_effect = slow
    assert await service.profiles([1, 2, 3]) == dict.fromkeys([1, 2, 3], PROFILE)
    assert virtual_clock.elapsed == pytest.approx(9)


@pytest.mark.usefixtures("virtual_clock")
async def test_one_profile_that_cannot_be_had_does_not_cost_the_others(
    service: ArtistService, catalogue: AsyncMock
) -> None:
    async def answer(name: str) -> Profile:
        if name == "artist 2":
            raise CatalogueError("unknown")
        return PROFILE

    catalogue.profile.side_effect = answer
    assert await service.profiles([1, 2, 3]) == {1: PROFILE, 2: None, 3: PROFILE}


@pytest.mark.parametrize(
    "response",
    [httpx.Response(503), httpx.Response(200, text="<html>"), httpx.Response(200, json={"albums": "many"})],
    ids=["unavailable", "no JSON", "no profile"],
)
async def test_every_bad_answer_is_one_kind_of_error(response: httpx.Response) -> None:
    """The edge itself: httpx with a transport that answers, instead of a patch of httpx."""
    transport = httpx.MockTransport(lambda request: response)
    async with httpx.AsyncClient(transport=transport, base_url="http://catalogue") as client:
        with pytest.raises(CatalogueError, match="no profile of 'Nina'"):
            await Catalogue(client).profile("Nina")


async def test_a_profile_over_http() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://catalogue/profiles?name=Nina"
        return httpx.Response(200, json=PROFILE.model_dump())

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://catalogue") as client:
        assert await Catalogue(client).profile("Nina") == PROFILE
