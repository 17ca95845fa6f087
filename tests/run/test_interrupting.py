"""Where signals go while a run is under way, and until when they change anything."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from async_test_runner.record import journal
from async_test_runner.record.events import RunStarted
from async_test_runner.run.interrupting import Signals, signals_to
from tests.run.recording import RUN, View, recorder


def test_signals_reach_the_handler_and_only_while_inside() -> None:
    heard: list[int] = []

    async def main() -> None:
        before = signal.getsignal(signal.SIGTERM)
        with signals_to(heard.append):
            os.kill(os.getpid(), signal.SIGTERM)
            while not heard:
                await asyncio.sleep(0)
        assert signal.getsignal(signal.SIGTERM) == before

    asyncio.run(main())
    assert heard == [signal.SIGTERM]


def test_a_signal_that_comes_while_the_reports_are_written_changes_nothing(tmp_path: Path) -> None:
    it = recorder(tmp_path, View())
    it.emit(RUN)
    signals = Signals(it, lambda: None)
    signals.close()
    signals(2)
    it.close()
    assert it.fold.result().signal == 0
    assert [type(event) for event in journal.read(tmp_path / journal.FILE_NAME)] == [RunStarted]
