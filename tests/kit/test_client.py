"""The ASGI client: lifespan, requests, users, WebSockets, overridden dependencies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Cookie, Depends, FastAPI, Header, Request, Response, WebSocket, WebSocketDisconnect

from async_test_runner.kit import (
    AsyncTestClient,
    DeadlineExceededError,
    KitError,
    WebSocketClosedError,
    override_dependency,
)

pytestmark = pytest.mark.asyncio

EVENTS: list[str] = []


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    EVENTS.append("start")
    yield {"answer": 42}
    EVENTS.append("stop")


async def greeting() -> str:
    return "hello"


async def echo(socket: WebSocket) -> None:
    await socket.accept(subprotocol=(socket.scope["subprotocols"] or [None])[0], headers=[(b"x-by", b"echo")])
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                EVENTS.append(f"disconnect {message['code']}")
                return
            await socket.send({**message, "type": "websocket.send"})
    except WebSocketDisconnect:
        EVENTS.append("disconnected")


@pytest.fixture
def app() -> FastAPI:
    EVENTS.clear()
    app = FastAPI(lifespan=lifespan)

    @app.api_route("/any", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
    async def any_verb(request: Request) -> str:
        return request.method

    @app.get("/state")
    async def state(request: Request) -> Any:
        return request.state.answer

    @app.get("/greet")
    async def greet(word: Annotated[str, Depends(greeting)]) -> str:
        return word

    @app.get("/who")
    async def who(
        authorization: Annotated[str | None, Header()] = None, flavour: Annotated[str | None, Cookie()] = None
    ) -> list[str | None]:
        return [authorization, flavour]

    @app.get("/login")
    async def login(response: Response) -> None:
        response.set_cookie("flavour", "oat")

    @app.get("/fails")
    async def fails() -> None:
        raise ZeroDivisionError("in the endpoint")

    app.websocket("/echo")(echo)

    @app.websocket("/whoami")
    async def whoami(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json([socket.headers.get("authorization"), socket.query_params.get("q"), str(socket.url)])
        await socket.close(4000, "that was all")

    @app.websocket("/mute")
    async def mute(socket: WebSocket) -> None:
        await socket.accept()
        await asyncio.Event().wait()

    @app.websocket("/refused")
    async def refused(socket: WebSocket) -> None:
        await socket.close(4401, "no token")

    @app.websocket("/broken")
    async def broken(socket: WebSocket) -> None:
        await socket.accept()
        raise ZeroDivisionError("in the socket")

    return app


@pytest.mark.parametrize("verb", ["get", "post", "put", "patch", "delete", "options"])
async def test_every_verb(app: FastAPI, verb: str) -> None:
    async with AsyncTestClient(app) as client:
        assert (await getattr(client, verb)("/any")).json() == verb.upper()


async def test_the_lifespan_surrounds_the_block_and_its_state_reaches_requests(app: FastAPI) -> None:
    async with AsyncTestClient(app) as client:
        assert EVENTS == ["start"]
        assert (await client.get("/state")).json() == 42
    assert EVENTS == ["start", "stop"]


async def test_without_a_lifespan(app: FastAPI) -> None:
    async with AsyncTestClient(app, lifespan=False):
        pass
    assert EVENTS == []


async def test_the_lifespan_stops_though_the_test_fails(app: FastAPI) -> None:
    with pytest.raises(ZeroDivisionError, match="in the endpoint"):
        async with AsyncTestClient(app) as client:
            await client.get("/fails")
    assert EVENTS == ["start", "stop"]


async def test_an_application_s_error_can_be_an_answer(app: FastAPI) -> None:
    async with AsyncTestClient(app, raise_app_exceptions=False) as client:
        assert (await client.get("/fails")).status_code == 500


@pytest.mark.parametrize("kind", [ConnectionError, KeyError, AssertionError, NotImplementedError])
async def test_a_start_that_fails_raises_its_error(kind: type[Exception]) -> None:
    @asynccontextmanager
    async def failing(app: FastAPI) -> AsyncIterator[None]:
        raise kind("no broker")
        yield

    with pytest.raises(kind, match="no broker"):
        async with AsyncTestClient(FastAPI(lifespan=failing)):
            pass


async def test_a_start_that_is_refused_without_an_exception_is_an_error_too() -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no broker"})

    with pytest.raises(KitError, match="did not start:\nno broker"):
        async with AsyncTestClient(refusing):
            pass


async def test_a_shutdown_that_fails_raises_its_error() -> None:
    @asynccontextmanager
    async def failing(app: FastAPI) -> AsyncIterator[None]:
        yield
        raise ConnectionError("still busy")

    with pytest.raises(ConnectionError, match="still busy"):
        async with AsyncTestClient(FastAPI(lifespan=failing)):
            pass


async def test_an_application_that_knows_no_lifespan_is_served() -> None:
    async def plain(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with AsyncTestClient(plain) as client:
        assert (await client.get("/")).status_code == 204


async def test_a_client_that_is_not_open_says_so(app: FastAPI) -> None:
    client = AsyncTestClient(app)
    with pytest.raises(KitError, match="the client is not open"):
        await client.get("/any")
    with pytest.raises(KitError, match="is no ASGI application"):
        AsyncTestClient("app")


async def test_cookies_stay_with_their_client(app: FastAPI) -> None:
    async with AsyncTestClient(app) as client:
        ada = client.as_user("a-token")
        await ada.get("/login")
        assert (await ada.get("/who")).json() == ["Bearer a-token", "oat"]
        assert (await client.get("/who")).json() == [None, None]
        assert (await client.as_user("k", scheme="ApiKey").get("/who")).json() == ["ApiKey k", None]
    with pytest.raises(KitError, match="not open"):
        client.as_user("late")


async def test_it_is_an_httpx_client(app: FastAPI) -> None:
    async with AsyncTestClient(app, base_url="https://shop.example/", headers={"X-A": "1"}) as client:
        assert isinstance(client, httpx.AsyncClient)
        response = await client.get("any")
        assert (str(response.url), response.request.headers["x-a"]) == ("https://shop.example/any", "1")


async def test_a_websocket_echoes_text_bytes_and_json(app: FastAPI) -> None:
    async with AsyncTestClient(app) as client, client.websocket("/echo", subprotocols=["chat"]) as socket:
        assert (socket.subprotocol, socket.headers) == ("chat", [(b"x-by", b"echo")])
        await socket.send_text("text")
        assert await socket.receive_text() == "text"
        await socket.send_bytes(b"bytes")
        assert await socket.receive_bytes() == b"bytes"
        await socket.send_json({"a": 1})
        assert await socket.receive_json() == {"a": 1}
        await socket.send_bytes(b"bytes")
        with pytest.raises(AssertionError, match="sent bytes, not text"):
            await socket.receive_text()
    assert "disconnect 1000" in EVENTS


async def test_a_websocket_has_the_client_s_headers_and_its_query(app: FastAPI) -> None:
    async with AsyncTestClient(app) as client:
        ada = client.as_user("a-token")
        async with ada.websocket("/whoami", params={"q": "x y"}) as socket:
            assert await socket.receive_json() == ["Bearer a-token", "x y", "ws://test/whoami?q=x+y"]
            with pytest.raises(WebSocketClosedError, match="4000: that was all"):
                await socket.receive_text()
            with pytest.raises(WebSocketClosedError):
                await socket.send_text("too late")


async def test_iterating_ends_with_the_connection(app: FastAPI) -> None:
    async with AsyncTestClient(app) as client, client.websocket("/whoami") as socket:
        assert len([text async for text in socket]) == 1


async def test_a_refusal_has_its_code_and_reason(app: FastAPI) -> None:
    async with AsyncTestClient(app) as client:
        with pytest.raises(WebSocketClosedError) as caught:
            async with client.websocket("/refused"):
                pass
    assert (caught.value.code, caught.value.reason) == (4401, "no token")


async def test_a_silent_application_is_not_waited_for_for_ever(app: FastAPI) -> None:
    async with AsyncTestClient(app) as client:
        with pytest.raises(DeadlineExceededError, match="in mute"):
            async with client.websocket("/mute", timeout=0.1) as socket:
                await socket.receive_text()


async def test_an_error_in_a_websocket_is_raised(app: FastAPI) -> None:
    async with AsyncTestClient(app) as client:
        with pytest.raises(ZeroDivisionError, match="in the socket"):
            async with client.websocket("/broken") as socket:
                await socket.receive_text()


@pytest.mark.parametrize("value", ["hi", lambda: "hi"], ids=["a value", "a function"])
async def test_an_override_holds_for_its_block(app: FastAPI, value: str | Callable[[], str]) -> None:
    async with AsyncTestClient(app) as client:
        with override_dependency(app, greeting, value):
            assert (await client.get("/greet")).json() == "hi"
        assert (await client.get("/greet")).json() == "hello"
    assert app.dependency_overrides == {}


async def test_an_override_is_taken_back_after_an_error_and_gives_an_outer_one_back(app: FastAPI) -> None:
    with override_dependency(app, greeting, "outer"):
        before = dict(app.dependency_overrides)
        with pytest.raises(ValueError, match="inside"), override_dependency(app, greeting, "inner"):
            raise ValueError("inside")
        assert app.dependency_overrides == before


async def test_an_override_of_what_is_no_application_or_dependency_is_refused(app: FastAPI) -> None:
    with pytest.raises(KitError, match="has no dependency_overrides"), override_dependency(object(), greeting, 1):
        pass
    name: Any = "greeting"
    with pytest.raises(KitError, match="'greeting' is no dependency"), override_dependency(app, name, 1):
        pass
