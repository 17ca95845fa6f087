"""The body of a response that does not end: who reads it, and what of the application still produces it."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import AsyncGeneratorType, FrameType, GeneratorType
from typing import Any

from . import safe, stacks
from .bounds import Look
from .values import Reading, Writing

_GENERATOR = 0x20 | 0x200  # flags of code: CO_GENERATOR, CO_ASYNC_GENERATOR
# Between a server, or a client that calls an application itself, and the application's own functions.
_SERVERS = tuple(
    part.replace("/", os.sep)
    for part in (
        "/starlette/",
        "/fastapi/",
        "/sse_starlette/",
        "/uvicorn/protocols/",
        "/hypercorn/",
        "/aiohttp/web",
        "/litestar/",
        "/quart/",
        "/django/core/handlers/",
        "/werkzeug/",
        "/httpx/_transports/asgi.py",
        "/httpx/_transports/wsgi.py",
        "/wsgiref/",
    )
)


def reading(frames: list[FrameType], look: Look) -> Reading | None:
    """The body that a chain or a thread reads, at the last line of the project's before the client's."""
    for number, frame in enumerate(frames):
        for file, functions, parts in _READERS:
            if stacks.is_at(frame, file, *functions):
                said = _parts(parts, frame)
                own = [each for each in frames[:number] if stacks.is_own(each.f_code.co_filename)]
                if said is not None and own:
                    return Reading(stacks.place(own[-1], look), said if said >= 0 else None)
    return None


def _parts(parts: Callable[[FrameType], int | None], frame: FrameType) -> int | None:
    try:
        return parts(frame)
    except Exception:  # noqa: BLE001 - variables of a frame that is at its end, another version's fields
        return None


_UNKNOWN = -1  # so many parts have come


def _of_asgi(frame: FrameType) -> int | None:
    """httpx calls the application: its answer has begun and is not over."""
    return _under_way(frame) and safe.size(stacks.local(frame, "body_parts"))


def _of_test_client(frame: FrameType) -> int | None:
    return _under_way(frame) and _UNKNOWN


def _under_way(frame: FrameType) -> Any:
    begun = stacks.local(frame, "response_started") is True
    return True if begun and not _is_set(stacks.local(frame, "response_complete")) else None


def _is_set(event: Any) -> bool:
    """For events of asyncio, trio and anyio, which hold one another."""
    for _ in range(3):
        if any(safe.own(event, name) is True for name in ("_value", "_flag")):
            return True
        event = safe.own(event, "_event")
    return False


def _of_client_stream(frame: FrameType) -> int | None:
    """aiohttp reads bodies of requests by the same functions."""
    return (
        _UNKNOWN if safe.kind(safe.own(stacks.local(frame, "self"), "_protocol")).endswith("ResponseHandler") else None
    )


def _always(frame: FrameType) -> int:
    return _UNKNOWN


_STREAM = tuple(
    f"StreamReader.{name}"
    for name in ("read", "readany", "readchunk", "readline", "readuntil", "readexactly", "_wait", "read_nowait")
)
_RESPONSE = tuple(f"HTTPResponse.{name}" for name in ("read", "read1", "readinto", "readline", "peek", "stream"))
_READERS: tuple[tuple[str, tuple[str, ...], Callable[[FrameType], int | None]], ...] = (
    ("httpx/_transports/asgi.py", ("ASGITransport.handle_async_request",), _of_asgi),
    ("starlette/testclient.py", ("_TestClientTransport.handle_request",), _of_test_client),
    ("httpx/_models.py", ("Response.aiter_raw", "Response.iter_raw"), _always),
    ("httpcore/_async/http11.py", ("AsyncHTTP11Connection._receive_response_body",), _always),
    ("httpcore/_sync/http11.py", ("HTTP11Connection._receive_response_body",), _always),
    ("aiohttp/client_reqrep.py", tuple(f"ClientResponse.{name}" for name in ("read", "text", "json")), _always),
    ("aiohttp/streams.py", _STREAM, _of_client_stream),
    ("http/client.py", _RESPONSE, _always),
    ("urllib3/response.py", _RESPONSE, _always),
)


def writing(frames: list[FrameType], look: Look) -> Writing | None:
    """The function of an application's that a chain or a thread runs for a server, and where it is."""
    server = None
    for number, frame in enumerate(frames):
        if any(part in frame.f_code.co_filename for part in _SERVERS):
            server = number
    if server is None:
        return None
    own = [frame for frame in frames[server:] if stacks.is_own(frame.f_code.co_filename)]
    suspended = _iterated(frames[server])
    if not own and suspended is not None:
        own = [suspended]
    if not own:
        return None
    return Writing(_what(own), stacks.place(own[-1], look))


def _what(own: list[FrameType]) -> str:
    generators = [frame for frame in own if frame.f_code.co_flags & _GENERATOR]
    kind = "generator" if generators else "function"
    name = (generators or own)[0].f_code.co_qualname
    return f"the {kind} {safe.text(name, 100)} of the application"


def _iterated(frame: FrameType) -> FrameType | None:
    """The generator that a response of starlette's iterates, which is at its ``yield`` while a part is sent."""
    body = safe.field(stacks.local(frame, "self"), "body_iterator")
    found = (
        body.ag_frame if type(body) is AsyncGeneratorType else body.gi_frame if type(body) is GeneratorType else None
    )
    return found if found is not None and stacks.is_own(found.f_code.co_filename) else None
