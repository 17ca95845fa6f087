"""An asynchronous HTTP client of an ASGI application: no network, no second thread, the test's own event loop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import httpx

from .errors import KitError
from .lifespan import Lifespan
from .websocket import RECEIVING, AsyncWebSocket, opened


class AsyncTestClient(httpx.AsyncClient):
    """``httpx.AsyncClient`` on an application, whose lifespan runs as long as the client is open.

    Everything else is httpx's: verbs, cookies, streaming, ``headers=``, ``follow_redirects=``. An exception of the
    application is raised in the test, unless ``raise_app_exceptions`` is false: then it is answered with status 500.
    """

    def __init__(
        self,
        app: Any,
        *,
        base_url: str = "http://test",
        lifespan: bool = True,
        raise_app_exceptions: bool = True,
        root_path: str = "",
        client: tuple[str, int] = ("127.0.0.1", 50000),
        **options: Any,
    ) -> None:
        if not callable(app):
            raise KitError(f"{app!r} is no ASGI application", "give the application itself, such as FastAPI()")
        self.app = app
        self._make = {
            "base_url": base_url,
            "raise_app_exceptions": raise_app_exceptions,
            "root_path": root_path,
            "client": client,
            **options,
        }
        self._peer, self._root_path = client, root_path
        self._wants_lifespan = lifespan
        self._lifespan: Lifespan | None = None
        self._asgi_state: dict[str, Any] | None = None
        self._open_here = False
        self._others: list[AsyncTestClient] = []
        transport = httpx.ASGITransport(
            self._with_state, raise_app_exceptions=raise_app_exceptions, root_path=root_path, client=client
        )
        super().__init__(transport=transport, base_url=base_url, **options)

    async def __aenter__(self) -> AsyncTestClient:
        if self._wants_lifespan:
            self._lifespan = Lifespan(self.app)
            await self._lifespan.start()
            self._asgi_state = self._lifespan.state
        await super().__aenter__()
        self._open_here = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._open_here = False
        try:
            for other in self._others:
                await other.__aexit__()
            await super().__aexit__(exc_type, exc_value, traceback)
        finally:
            if self._lifespan is not None:
                await self._lifespan.stop()

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        self._check()
        return await super().send(request, **options)

    def as_user(self, token: str, *, scheme: str = "Bearer") -> AsyncTestClient:
        """Another client of the same running application, with that token and cookies of its own."""
        self._check()
        other = AsyncTestClient(self.app, lifespan=False, **self._make)
        other.headers = httpx.Headers({**self.headers, "Authorization": f"{scheme} {token}"})
        other._asgi_state, other._open_here = self._asgi_state, True
        self._others.append(other)
        return other

    @contextlib.asynccontextmanager
    async def websocket(
        self,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        timeout: float = RECEIVING,
    ) -> AsyncIterator[AsyncWebSocket]:
        """A connection that the application has accepted; one that it refuses is a ``WebSocketClosedError``."""
        self._check()
        request = self.build_request("GET", url, params=params, headers=headers)
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": {"http": "ws", "https": "wss"}.get(request.url.scheme, request.url.scheme),
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "root_path": self._root_path,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": self._peer,
            "server": (request.url.host, request.url.port),
            "subprotocols": list(subprotocols),
            "extensions": {"websocket.http.response": {}},
        }
        async with opened(self._with_state, scope, timeout) as connection:
            yield connection

    def _check(self) -> None:
        if not self._open_here:
            raise KitError(
                "the client is not open: without it the application's lifespan does not run",
                "use it in a block: async with AsyncTestClient(app) as client: …",
            )

    async def _with_state(self, scope: Any, receive: Any, send: Any) -> None:
        if self._asgi_state is not None:
            scope["state"] = dict(self._asgi_state)
        await self.app(scope, receive, send)
