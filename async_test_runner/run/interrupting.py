"""Signals of the system while a run is under way: where they go, and what becomes of the run."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from ..record.events import Interrupted, Paused
from ..system import process
from ..system.keys import Keys
from .engine import Engine
from .recorder import Recorder

_PASSED_ON = 0.1  # seconds until a first signal has been passed on to all processes


class Signals:
    """Where signals go: recorded during the collection, handed to the engine once there is one.

    The first one has the reports written at once: who sends it may not wait until all processes have ended.
    """

    def __init__(self, recorder: Recorder, write_reports: Callable[[], object]) -> None:
        self._recorder = recorder
        self._write_reports = write_reports
        self._count = 0
        self._task: asyncio.Task[object] | None = None
        self._closed = False
        self.engine: Engine | None = None

    def close(self) -> None:
        """From here on signals are too late: what is left to do is to write the reports, and that is done."""
        self._closed = True

    def __call__(self, number: int) -> None:
        if self._closed:
            return
        self._count += 1
        if self.engine is not None:
            self.engine.on_signal(number)
        else:
            if self._task is not None:
                self._task.cancel()
            self._recorder.emit(Interrupted(**self._recorder.now(), signal=number))
        if self._count == 1:
            asyncio.get_running_loop().call_later(_PASSED_ON, self._write_early)

    def on_question(self) -> None:
        """A person wants to know what the tests are at."""
        if self.engine is not None and not self._closed:
            self.engine.on_question()

    def _write_early(self) -> None:
        if not self._closed:
            self._write_reports()

    @contextmanager
    def cancelling(self, task: asyncio.Task[object]) -> Iterator[None]:
        """While inside, a signal cancels the task."""
        self._task = task
        try:
            yield
        finally:
            self._task = None


def stop(recorder: Recorder, keys: Keys | None) -> None:
    """Ctrl-Z: everything stops, time too, until the shell continues us."""
    recorder.pause()
    if keys is not None:
        keys.suspend()
    recorder.clock.pause()
    process.stop_with_all()
    paused = recorder.clock.go_on()
    if keys is not None:
        keys.resume()
    recorder.emit(Paused(**recorder.now(), seconds=paused))


@contextlib.contextmanager
def signals_to(handler: Callable[[int], None], stop: Callable[[], None] = lambda: None) -> Iterator[None]:
    """While inside, SIGINT, SIGTERM and SIGHUP go to ``handler``, SIGTSTP to ``stop`` (in the running event loop).

    A SIGHUP that is ignored already stays so: that is what ``nohup`` is for; and a SIGTSTP, where no shell could take
    the run up again.
    """
    loop = asyncio.get_running_loop()
    wanted: dict[str, Callable[[], None]] = {
        name: partial(handler, int(getattr(signal, name)))
        for name in ("SIGINT", "SIGTERM", "SIGHUP")
        if hasattr(signal, name)
    }
    if hasattr(signal, "SIGTSTP"):
        wanted["SIGTSTP"] = stop
    added = []
    for name, callback in wanted.items():
        number = int(getattr(signal, name))
        if name in ("SIGHUP", "SIGTSTP") and signal.getsignal(number) is signal.SIG_IGN:
            continue
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C stays KeyboardInterrupt
            loop.add_signal_handler(number, callback)
            added.append(number)
    try:
        yield
    finally:
        for number in added:
            loop.remove_signal_handler(number)
