"""Signals of the system while a run is under way: where they go, and what becomes of the run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
def signals_to(
    handler: Callable[[int], None], stop: Callable[[], None] = lambda: None, *, patience: float = 5.0
) -> Iterator[None]:
    """While inside, SIGINT, SIGTERM and SIGHUP go to ``handler``, SIGTSTP to ``stop`` (in the running event loop).

    A second signal is the last word: ``patience`` seconds later this process ends, whether or not its loop turns. A
    SIGHUP that is ignored already stays so: that is what ``nohup`` is for; and a SIGTSTP, where no shell could take
    the run up again.
    """
    loop = asyncio.get_running_loop()
    last_word = _LastWord(patience)

    def received(number: int, _frame: object) -> None:
        # In the main thread, also where a call of ours blocks it: the system interrupts that call.
        last_word.count(number)
        loop.call_soon_threadsafe(handler, number)

    wanted: dict[str, Callable[[int, object], None]] = dict.fromkeys(("SIGINT", "SIGTERM", "SIGHUP"), received)
    wanted["SIGTSTP"] = lambda _number, _frame: loop.call_soon_threadsafe(stop)  # type: ignore[assignment]
    before = {}
    for name, callback in wanted.items():
        number = getattr(signal, name, None)
        if number is None or (name in ("SIGHUP", "SIGTSTP") and signal.getsignal(number) is signal.SIG_IGN):
            continue
        before[number] = signal.signal(number, callback)
    try:
        yield
    finally:
        last_word.withdraw()
        for number, earlier in before.items():
            signal.signal(number, earlier if earlier is not None else signal.SIG_DFL)


class _LastWord:
    """Ends this process a while after a second signal. The guardian sees to what it had started."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._signals: list[int] = []
        self._withdrawn = threading.Event()

    def count(self, number: int) -> None:
        """A signal has come."""
        self._signals.append(number)
        if len(self._signals) == 2:
            threading.Thread(target=self._end, daemon=True).start()

    def withdraw(self) -> None:
        """The run has come to its end by itself."""
        self._withdrawn.set()

    def _end(self) -> None:
        if self._withdrawn.wait(self._patience):
            return
        with contextlib.suppress(OSError):
            os.write(2, b"async-test-run: ended at once; what was learned until then: async-test-run report\n")
        os._exit(128 + self._signals[0])
