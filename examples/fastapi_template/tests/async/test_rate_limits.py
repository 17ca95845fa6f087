"""Rate limits over HTTP, on a clock that the test moves."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, HTTPException
from httpx import ASGITransport, AsyncClient

import factories
from app.db import get_session
from app.main import create_app
from app.models import User

LOGIN = "/api/v1/auth/login"
FORM = {"username": "ada@example.com", "password": "wrong-password-1"}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class NoUsers:
    """A session of a database without users, which forgets what it is told."""

    async def scalar(self, _statement: object) -> User | None:
        return None

    async def execute(self, _statement: object) -> None: ...

    async def commit(self) -> None: ...


@pytest.fixture
def limited_app(clock: Clock) -> FastAPI:
    app = create_app(factories.settings(login_attempts=2, requests=5), clock=clock)
    app.dependency_overrides[get_session] = NoUsers
    return app


def client_at(app: FastAPI, address: str = "192.0.2.1") -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app, client=(address, 1234)), base_url="http://test")


@pytest.fixture
async def caller(limited_app: FastAPI) -> AsyncIterator[AsyncClient]:
    async with client_at(limited_app) as client:
        yield client


async def test_logins_are_refused_beyond_the_limit(caller: AsyncClient) -> None:
    assert [(await caller.post(LOGIN, data=FORM)).status_code for _ in range(3)] == [401, 401, 429]


async def test_a_refusal_says_when_to_come_back(caller: AsyncClient, clock: Clock) -> None:
    await caller.post(LOGIN, data=FORM)
    clock.now += 10
    await caller.post(LOGIN, data=FORM)
    assert (await caller.post(LOGIN, data=FORM)).headers["Retry-After"] == "50"


async def test_after_that_time_a_login_is_heard_again(caller: AsyncClient, clock: Clock) -> None:
    for _ in range(2):
        await caller.post(LOGIN, data=FORM)
    clock.now += 60
    assert (await caller.post(LOGIN, data=FORM)).status_code == 401


async def test_another_address_is_not_affected(limited_app: FastAPI, caller: AsyncClient) -> None:
    for _ in range(3):
        await caller.post(LOGIN, data=FORM)
    async with client_at(limited_app, "192.0.2.2") as other:
        assert (await other.post(LOGIN, data=FORM)).status_code == 401


async def test_a_malformed_login_counts_as_well(caller: AsyncClient) -> None:
    for _ in range(2):
        assert (await caller.post(LOGIN, data={"username": "ada@example.com"})).status_code == 422
    assert (await caller.post(LOGIN, data=FORM)).status_code == 429


async def test_every_other_request_has_a_limit_of_its_own(caller: AsyncClient) -> None:
    codes = [(await caller.get("/api/v1/users/me")).status_code for _ in range(6)]
    assert codes == [401] * 5 + [429]


async def test_probes_are_never_refused(caller: AsyncClient) -> None:
    assert {(await caller.get("/api/v1/health")).status_code for _ in range(20)} == {200}


async def test_an_allowed_answer_counts_down(caller: AsyncClient) -> None:
    body = {"email": "nobody", "password": "x"}
    first = await caller.get("/api/v1/health")
    assert "X-RateLimit-Remaining" not in first.headers
    refused = [await caller.post("/api/v1/auth/register", json=body) for _ in range(6)]
    assert [answer.status_code for answer in refused] == [422] * 5 + [429]
    assert refused[-1].headers["X-RateLimit-Limit"] == "5"


async def test_two_applications_count_apart(caller: AsyncClient, clock: Clock) -> None:
    for _ in range(3):
        await caller.post(LOGIN, data=FORM)
    other = create_app(factories.settings(login_attempts=2), clock=clock)
    other.dependency_overrides[get_session] = NoUsers
    async with client_at(other) as client:
        assert (await client.post(LOGIN, data=FORM)).status_code == 401


async def test_a_refusal_is_an_ordinary_error_document(caller: AsyncClient) -> None:
    for _ in range(2):
        await caller.post(LOGIN, data=FORM)
    refused = await caller.post(LOGIN, data=FORM)
    assert refused.json() == {"detail": "too many requests"}
    assert refused.headers["X-Request-ID"]


async def test_the_fake_database_is_really_asked(limited_app: FastAPI) -> None:
    class Broken(NoUsers):
        async def scalar(self, _statement: object) -> User | None:
            raise HTTPException(418)

    limited_app.dependency_overrides[get_session] = Broken
    async with client_at(limited_app) as client:
        assert (await client.post(LOGIN, data=FORM)).status_code == 418
