"""Where signals of the system go while a run is under way."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from functools import partial


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
