"""PYTEST_DONT_REWRITE: fixtures on the event loop of the test that asks for them.

An asyncio fixture lives in the loop of its own loop scope, and a test with another one cannot use what it made. So the
kit's fixtures are ordinary generator functions, whose asynchronous parts run on *the test's* loop, whatever its scope,
in strict and in auto mode, and under anyio. The loop is learned by a fixture per scope that runs there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import pytest

from .errors import KitError, missing

try:
    import pytest_asyncio
except ModuleNotFoundError as error:
    raise missing("pytest_asyncio", "the testing kit") from error

T = TypeVar("T")

_DEFAULT_SCOPE = "asyncio_default_test_loop_scope"


@pytest_asyncio.fixture(scope="function", loop_scope="function")
async def _kit_function_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def _kit_class_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _kit_module_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def _kit_package_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _kit_session_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


@pytest.fixture
async def _kit_anyio_loop(anyio_backend: object) -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise KitError(
            f"the kit's fixtures need asyncio, and this test runs on {anyio_backend!r}",
            "keep it to asyncio: give it a fixture `anyio_backend` that returns 'asyncio'",
        ) from None


def loop_of_test(request: pytest.FixtureRequest) -> asyncio.AbstractEventLoop:
    """The loop in which the requesting test runs. Its fixture outlives the one that asks."""
    loop = request.getfixturevalue(f"_kit_{_loop_name(request)}_loop")
    if not isinstance(loop, asyncio.AbstractEventLoop):
        raise KitError(
            "the kit's fixtures need pytest-asyncio, which this pytest has not loaded",
            "remove `-p no:asyncio`, or load it: -p pytest_asyncio",
        )
    return loop


def _loop_name(request: pytest.FixtureRequest) -> str:
    marker = request.node.get_closest_marker("asyncio")
    if marker is None:
        return "anyio" if "anyio_backend" in request.fixturenames else "function"
    scope = marker.kwargs.get("loop_scope") or marker.kwargs.get("scope")
    return str(scope or _default_scope(request.config))


def _default_scope(config: pytest.Config) -> str:
    try:
        return config.getini(_DEFAULT_SCOPE) or "function"
    except ValueError:  # pytest-asyncio before 0.26 knows no such setting
        return "function"


def run(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a part of a fixture on a loop that is at rest."""
    if loop.is_running():
        coroutine.close()
        raise KitError(
            "a fixture of the kit was asked for by request.getfixturevalue() inside a running coroutine",
            "name the fixture among the test's parameters, or in @pytest.mark.usefixtures",
        )
    return loop.run_until_complete(coroutine)


def driven(request: pytest.FixtureRequest, manager: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """An asynchronous context manager as the body of a fixture: ``yield from driven(request, …)``."""
    loop = loop_of_test(request)
    value = run(loop, _enter(manager))
    yield value
    run(loop, _leave(manager))


async def _enter(manager: AbstractAsyncContextManager[T]) -> T:
    return await manager.__aenter__()


async def _leave(manager: AbstractAsyncContextManager[Any]) -> None:
    await manager.__aexit__(None, None, None)
