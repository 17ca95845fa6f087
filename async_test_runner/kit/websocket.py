"""WebSockets of an ASGI application, in the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

from .chains import await_chain
from .tasks import ENDING, DeadlineExceededError, deadline

RECEIVING = 5.0  # seconds that a message of the application may take


class WebSocketClosedError(Exception):
    """The application closed the connection, or refused it."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(f"closed by the application with {code}{f': {reason}' if reason else ''}")
        self.code = code
        self.reason = reason


class AsyncWebSocket:
    """The client's end of a connection."""

    def __init__(self, app: Any, scope: MutableMapping[str, Any], seconds: float) -> None:
        self._seconds = seconds
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task = asyncio.create_task(self._run(app, scope), name="websocket")
        self._is_closed = False
        self.subprotocol: str | None = None
        self.headers: list[tuple[bytes, bytes]] = []

    async def accepted(self) -> None:
        """Offer the connection; returns when the application has accepted it."""
        self._to_app.put_nowait({"type": "websocket.connect"})
        message = await self._next("the application's websocket.accept")
        if message["type"] == "websocket.http.response.start":
            self._is_closed = True
            raise WebSocketClosedError(message["status"], "refused with an HTTP response")
        self.subprotocol = message.get("subprotocol")
        self.headers = list(message.get("headers", ()))

    async def send_text(self, text: str) -> None:
        await self._send({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        await self._send({"type": "websocket.receive", "bytes": data})

    async def send_json(self, value: Any) -> None:
        await self.send_text(json.dumps(value))

    async def receive_text(self) -> str:
        message = await self._message()
        text = message.get("text")
        if text is None:
            raise AssertionError(f"the application sent bytes, not text: {message.get('bytes')!r}")
        return str(text)

    async def receive_bytes(self) -> bytes:
        message = await self._message()
        data = message.get("bytes")
        if data is None:
            raise AssertionError(f"the application sent text, not bytes: {message.get('text')!r}")
        return bytes(data)

    async def receive_json(self) -> Any:
        message = await self._message()
        return json.loads(message["text"] if message.get("text") is not None else message["bytes"])

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close from this end; the application sees a disconnect."""
        if not self._is_closed:
            self._is_closed = True
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    async def end(self) -> None:
        """Close, and wait for the application's function to return. What it raised is raised here."""
        await self.close()
        try:
            await deadline(self._task, ENDING, "the application's end of the WebSocket")
        except Exception as error:
            if type(error).__name__ != "WebSocketDisconnect":  # Starlette's word for the disconnect, unhandled
                raise

    def abandon(self) -> None:
        self._task.cancel()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Texts, until the application closes."""
        while True:
            try:
                yield await self.receive_text()
            except WebSocketClosedError:
                return

    async def _run(self, app: Any, scope: MutableMapping[str, Any]) -> None:
        await app(scope, self._receive_in_app, self._from_app.put)

    async def _receive_in_app(self) -> dict[str, Any]:
        return await self._to_app.get()

    async def _send(self, message: dict[str, Any]) -> None:
        if self._is_closed:
            raise WebSocketClosedError(1000, "the connection is closed")
        self._to_app.put_nowait(message)
        await asyncio.sleep(0)

    async def _message(self) -> dict[str, Any]:
        return await self._next("a message of the application")

    async def _next(self, what: str) -> dict[str, Any]:
        """The application's next event. Its own error, its end and its silence are answers too."""
        getting = asyncio.ensure_future(self._from_app.get())
        try:
            await asyncio.wait({getting, self._task}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                if self._task.done():
                    self._is_closed = True
                    self._task.result()
                    raise WebSocketClosedError(1006, "the application ended without closing the connection")
                chain = await_chain(self._task)
                raise DeadlineExceededError(
                    f"{what} did not come within {self._seconds:g} s; the application was waiting here:\n{chain}"
                )
            message = getting.result()
        finally:
            getting.cancel()
        if message["type"] == "websocket.close":
            self._is_closed = True
            raise WebSocketClosedError(message.get("code", 1000), message.get("reason") or "")
        return message


@contextlib.asynccontextmanager
async def opened(app: Any, scope: MutableMapping[str, Any], seconds: float) -> AsyncIterator[AsyncWebSocket]:
    connection = AsyncWebSocket(app, scope, seconds)
    try:
        await connection.accepted()
        yield connection
    except BaseException:
        connection.abandon()
        raise
    await connection.end()
