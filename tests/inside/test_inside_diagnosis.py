"""Stacks and await chains, and the signal that asks for them."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from async_test_run_inside import diagnosis


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


def chains(*coroutines: object) -> str:
    """What is said about tasks for these, while all of them wait."""

    async def main() -> str:
        tasks = [asyncio.create_task(c, name=f"job-{n}") for n, c in enumerate(coroutines)]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        try:
            return diagnosis.tasks()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(main())


def test_the_await_chain_of_a_task_goes_down_to_what_it_waits_for() -> None:
    text = chains(outer())
    chain = text[text.index("task job-0") :].split("\ntask ")[0]
    assert chain.index("in outer") < chain.index("in innermost") < chain.index("-> ")
    assert f"{Path(__file__).name}:" in chain


def test_an_async_generator_is_followed() -> None:
    text = chains(consumer())
    assert "in consumer" in text


def test_every_task_is_listed() -> None:
    assert {f"task job-{n}" for n in range(3)} <= set(
        chains(outer(), outer(), outer()).replace(" waits in", "").split("\n")
    )


def test_outside_a_loop_there_is_nothing_to_say() -> None:
    assert diagnosis.tasks() == ""


def test_a_chain_that_never_ends_is_cut() -> None:
    class Liar:
        cr_frame = sys._getframe()

        @property
        def cr_await(self) -> Liar:
            return self

    assert len(list(diagnosis.await_chain(Liar()))) == 100


@pytest.fixture
def restored() -> Iterator[None]:
    number = diagnosis.dump_signal()
    assert number is not None
    before = signal.getsignal(number)
    yield
    faulthandler.unregister(number)
    signal.signal(number, before if before is not None else signal.SIG_DFL)
    diagnosis._files.pop().close()


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_the_signal_writes_the_stacks_and_calls_back(tmp_path: Path, restored: None) -> None:
    heard: list[str] = []
    number = diagnosis.install(str(tmp_path), "main", heard.append)
    assert number is not None

    async def main() -> None:
        task = asyncio.create_task(outer(), name="hung")
        await asyncio.sleep(0)
        os.kill(os.getpid(), number)
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(main())
    dump = (tmp_path / "dump-main.txt").read_text()
    assert "Current thread" in dump
    assert "test_the_signal_writes" in dump
    assert "task hung waits in" in dump
    assert len(heard) == 1
    assert "in innermost" in heard[0]


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_a_second_installation_takes_the_place_of_the_first(tmp_path: Path, restored: None) -> None:
    diagnosis.install(str(tmp_path), "first", None)
    first = diagnosis._files.pop()
    number = diagnosis.install(str(tmp_path), "second", None)
    assert number is not None
    os.kill(os.getpid(), number)
    assert "Current thread" in (tmp_path / "dump-second.txt").read_text()
    assert (tmp_path / "dump-first.txt").read_text() == ""
    first.close()
