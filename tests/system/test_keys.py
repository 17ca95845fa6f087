"""Keys of a terminal, and SIGUSR1."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from async_test_runner.system.keys import Keys, questions_to


def test_the_signal_calls_the_handler_and_nothing_is_left_of_it() -> None:
    if not hasattr(signal, "SIGUSR1"):
        pytest.skip("no such signal")
    before = signal.getsignal(signal.SIGUSR1)

    async def main() -> int:
        heard = asyncio.Event()
        with questions_to(heard.set, None):
            os.kill(os.getpid(), signal.SIGUSR1)
            await asyncio.wait_for(heard.wait(), 30)
        return 1

    assert asyncio.run(main()) == 1
    assert signal.getsignal(signal.SIGUSR1) == before


def test_what_is_no_terminal_is_left_alone(tmp_path: Path) -> None:
    async def main() -> None:
        with (tmp_path / "file").open("w") as file:
            keys = Keys(file.fileno(), {"d": lambda: None})
            keys.resume()
            assert keys._before is None
            keys.suspend()

    asyncio.run(main())


def test_each_key_has_its_handler_and_others_have_none() -> None:
    async def main() -> list[str]:
        heard: list[str] = []
        reading, writing = os.pipe()
        keys = Keys(reading, {"d": lambda: heard.append("d"), "q": lambda: heard.append("q")})
        os.write(writing, b"xdx")
        keys._read()
        os.close(writing)
        keys._read()  # the terminal is gone
        os.close(reading)
        return heard

    assert asyncio.run(main()) == ["d"]
