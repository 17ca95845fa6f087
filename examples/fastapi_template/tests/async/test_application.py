"""The application around its endpoints: lifespan, dependencies, middleware."""

import pytest
from fastapi import FastAPI, HTTPException
from starlette.requests import Request
from starlette.types import Message, Scope

import factories
from app import deps
from app.main import create_app
from app.middleware import RequestId
from app.settings import Settings


async def test_the_lifespan_opens_sessions_for_the_configured_database(settings: Settings) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app), app.state.sessions() as session:
        assert str(session.bind.url) == settings.database_url


async def test_there_are_no_sessions_before_the_start(settings: Settings) -> None:
    assert not hasattr(create_app(settings).state, "sessions")


async def test_an_administrator_passes() -> None:
    admin = factories.user(is_admin=True)
    assert await deps.current_admin(admin) is admin


async def test_an_ordinary_user_does_not_pass_as_administrator() -> None:
    with pytest.raises(HTTPException) as refused:
        await deps.current_admin(factories.user(is_admin=False))
    assert refused.value.status_code == 403


async def test_a_request_without_an_address_still_has_a_rate_limit_key() -> None:
    assert deps.client_address(Request({"type": "http", "client": None})) == "unknown"


async def test_what_is_not_http_passes_the_middleware_untouched() -> None:
    seen: list[Scope] = []

    async def inner(scope: Scope, _receive: object, _send: object) -> None:
        seen.append(scope)

    async def receive() -> Message:
        raise AssertionError("nothing to receive")

    async def send(_message: Message) -> None:
        raise AssertionError("nothing to send")

    await RequestId(inner)({"type": "lifespan"}, receive, send)
    assert seen == [{"type": "lifespan"}]


async def test_the_endpoint_knows_the_request_id(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/whoami")
    async def whoami(request: Request) -> dict[str, str]:
        return {"id": request.state.request_id}

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/whoami", "query_string": b"", "headers": []}
    await app({**scope, "http_version": "1.1", "scheme": "http", "server": ("test", 80)}, receive, send)
    headers = dict(sent[0]["headers"])
    assert headers[b"x-request-id"].decode() in sent[1]["body"].decode()


async def test_the_application_is_the_one_that_was_configured(app: FastAPI, settings: Settings) -> None:
    assert app.state.settings is settings
    assert app.state.login_limiter.limit == settings.login_attempts
