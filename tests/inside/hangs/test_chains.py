"""Await chains go down to what is waited for."""

from __future__ import annotations

import asyncio
import sys
import types
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from async_test_run_inside.hangs import chains, stacks
from async_test_run_inside.hangs.bounds import Look


async def innermost() -> None:
    await asyncio.get_running_loop().create_future()


async def outer() -> None:
    await innermost()


async def generator() -> AsyncIterator[int]:
    await innermost()
    yield 1


async def consumer() -> None:
    async for _ in generator():
        pass


async def by_anext() -> None:
    await anext(generator(), None)


class Wrapped:
    def __await__(self) -> Any:
        return innermost().__await__()


async def through_an_object() -> None:
    await Wrapped()


@types.coroutine
def old_style() -> Any:
    yield from innermost().__await__()


async def through_old_style() -> None:
    await old_style()


def followed(coroutine: Coroutine[Any, Any, None]) -> chains.Chain:
    """Its chain, while it waits."""

    async def main() -> chains.Chain:
        task = asyncio.create_task(coroutine)
        await asyncio.sleep(0)
        try:
            return chains.follow(task.get_coro(), Look())
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return asyncio.run(main())


def names(chain: chains.Chain) -> list[str]:
    return [frame.f_code.co_name for frame in chain.frames]


def test_coroutines_lead_to_the_future() -> None:
    chain = followed(outer())
    assert names(chain) == ["outer", "innermost"]
    assert chains.is_future(chain.leaf)


def test_async_generators_are_followed() -> None:
    assert names(followed(consumer())) == ["consumer", "generator", "innermost"]


def test_what_anext_wraps_is_followed() -> None:
    assert names(followed(by_anext())) == ["by_anext", "generator", "innermost"]


def test_objects_with_await_are_followed() -> None:
    assert names(followed(through_an_object())) == ["through_an_object", "innermost"]


def test_coroutines_out_of_generators_are_followed() -> None:
    assert names(followed(through_old_style())) == ["through_old_style", "old_style", "innermost"]


def test_a_future_in_python_is_a_leaf_as_well() -> None:
    from asyncio.futures import _PyFuture  # type: ignore[attr-defined]

    async def wait() -> None:
        await _PyFuture()

    chain = followed(wait())
    assert type(chain.leaf) is _PyFuture


def test_of_a_long_chain_both_ends_are_kept_and_what_it_waits_for() -> None:
    async def deep(depth: int) -> None:
        await (deep(depth - 1) if depth else innermost())

    chain = followed(deep(300))
    assert len(chain.frames) == len(chain.links) == stacks.DEEP
    assert chain.frames[-1].f_code is innermost.__code__
    assert chain.leaf is not None


def test_an_object_that_lies_is_not_asked() -> None:
    class Liar:
        cr_frame = sys._getframe()

        @property
        def cr_await(self) -> Any:
            raise AssertionError("asked")

    assert chains.follow(Liar(), Look()).frames == []


def test_what_runs_in_a_greenlet_is_part_of_the_chain() -> None:
    def driver() -> types.FrameType:
        return sys._getframe()

    frame = driver()
    greenlet = type("greenlet", (), {"gr_frame": frame})

    async def greenlet_spawn(context: Any) -> None:
        await innermost()

    found = names(followed(greenlet_spawn(greenlet())))
    assert found[0] == "greenlet_spawn"
    assert found[-2:] == ["driver", "innermost"]


def test_the_locks_that_a_coroutine_has_entered_are_found() -> None:
    lock = asyncio.Lock()

    async def holds() -> None:
        async with lock:
            await innermost()

    async def main() -> list[Any]:
        task = asyncio.create_task(holds())
        await asyncio.sleep(0)
        entered = chains.entered(task.get_coro())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return entered

    assert asyncio.run(main()) == [lock]
