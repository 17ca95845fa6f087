"""Who reads the body of a response, and what still produces it."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pytest
from async_test_run_inside.hangs import bodies, stacks, tasks
from async_test_run_inside.hangs.bounds import Look
from async_test_run_inside.hangs.values import Task
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

ROOT = str(Path(__file__).parent)


def seen(main: Callable[[], Coroutine[Any, Any, object]], turns: int = 60) -> tuple[Task, ...]:
    """The tasks after ``main`` has had some turns."""

    async def look() -> tuple[Task, ...]:
        waiting = asyncio.create_task(main(), name="main")
        for _ in range(turns):
            await asyncio.sleep(0)
        found = tasks.pending([], Look(seconds=3600)).tasks
        described = tasks.described(found, {}, [waiting], Look(ROOT, seconds=3600))
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return described

    return asyncio.run(look())


def requested(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[], Coroutine[Any, Any, object]]:
    async def main() -> None:
        transport = httpx.ASGITransport(Starlette(routes=[Route("/", endpoint)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            await client.get("/")

    return main


async def events() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"
    await asyncio.Event().wait()


def test_a_body_that_httpx_reads_from_an_application_has_a_reader_and_a_writer() -> None:
    async def endpoint(_request: Request) -> Response:
        return StreamingResponse(events())

    found = seen(requested(endpoint))
    (read,) = [task.reading for task in found if task.reading is not None]
    (written,) = [task.writing for task in found if task.writing is not None]
    assert (read.place.code, read.parts) == ('await client.get("/")', 2)
    assert (written.what, written.place.code) == (
        "the generator events of the application",
        "await asyncio.Event().wait()",
    )


def test_an_answer_that_has_not_begun_is_no_body() -> None:
    async def endpoint(_request: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError("not reached")

    assert [task.reading for task in seen(requested(endpoint)) if task.reading is not None] == []


def test_what_an_application_does_after_its_answer_is_no_body() -> None:
    async def later() -> None:
        await asyncio.Event().wait()

    async def endpoint(_request: Request) -> Response:
        return Response("x", background=BackgroundTask(later))

    assert [task.reading for task in seen(requested(endpoint)) if task.reading is not None] == []


def test_a_stream_that_is_read_line_by_line_is_a_body() -> None:
    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"line\n"
            await asyncio.Event().wait()

    async def main() -> None:
        async for _line in httpx.Response(200, stream=Endless()).aiter_lines():
            pass

    (task,) = (task for task in seen(main) if task.name == "main")
    assert task.reading is not None
    assert task.reading.place.code == "async for _line in httpx.Response(200, stream=Endless()).aiter_lines():"


# A library's functions stand under site-packages, so these are made as files there: what counts is path and name.
LIBRARIES = {
    "aiohttp/client_reqrep.py": """
        class ClientResponse:
            def read(self, then): return then()
        """,
    "aiohttp/streams.py": """
        class ResponseHandler: pass
        class RequestHandler: pass
        class StreamReader:
            def __init__(self, protocol): self._protocol = protocol
            def readline(self, then): return then()
        """,
    "starlette/responses.py": """
        class StreamingResponse:
            def __init__(self, body): self.body_iterator = body
            def stream(self, then): return then()
        """,
}


@pytest.fixture
def library(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    def load(name: str) -> dict[str, Any]:
        path = tmp_path / "site-packages" / name
        path.parent.mkdir(parents=True)
        path.write_text(textwrap.dedent(LIBRARIES[name]))
        namespace: dict[str, Any] = {"__name__": name.removesuffix(".py").replace("/", ".")}
        exec(compile(path.read_text(), str(path), "exec"), namespace)
        return namespace

    return load


def here() -> list[FrameType]:
    return stacks.frames(sys._getframe(1), Look())


def test_a_client_of_aiohttps_that_reads_is_known(library: Callable[[str], dict[str, Any]]) -> None:
    frames = library("aiohttp/client_reqrep.py")["ClientResponse"]().read(here)
    read = bodies.reading(frames, Look(ROOT))
    assert read is not None
    assert read.place.function == "test_a_client_of_aiohttps_that_reads_is_known"


@pytest.mark.parametrize(("protocol", "is_read"), [("ResponseHandler", True), ("RequestHandler", False)])
def test_a_server_that_reads_a_request_by_the_same_function_is_not_meant(
    library: Callable[[str], dict[str, Any]], protocol: str, is_read: bool
) -> None:
    streams = library("aiohttp/streams.py")
    frames = streams["StreamReader"](streams[protocol]()).readline(here)
    assert (bodies.reading(frames, Look(ROOT)) is not None) is is_read


def test_a_generator_that_is_at_its_yield_is_found_at_the_response(library: Callable[[str], dict[str, Any]]) -> None:
    def ticks() -> Iterator[bytes]:
        while True:
            yield b"x"

    body = ticks()
    next(body)
    response = library("starlette/responses.py")["StreamingResponse"](body)
    frames = [frame for frame in response.stream(here) if frame.f_code.co_filename.endswith("responses.py")]
    written = bodies.writing(frames, Look(ROOT))
    assert written is not None
    assert written.what.endswith("ticks of the application")
    assert written.place.code == 'yield b"x"'


def test_without_a_server_on_the_stack_nobody_writes() -> None:
    assert bodies.writing(here(), Look(ROOT)) is None
    assert bodies.reading(here(), Look(ROOT)) is None
