"""What a person can ask of a run in progress: ``kill -USR1`` from anywhere, or a key on the terminal.

On a terminal keys come as they are typed and are not shown, while a run goes on; what they mean to the terminal itself,
Ctrl-C and Ctrl-Z, stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping

REPORT_KEY = "d"


@contextlib.contextmanager
def questions_to(handler: Callable[[], None], stdin: int | None) -> Iterator[Keys | None]:
    """While inside, SIGUSR1 calls ``handler`` (in the running event loop), and so does the key on ``stdin``.

    Yields who reads the keys, if anybody does.
    """
    loop = asyncio.get_running_loop()
    number = getattr(signal, "SIGUSR1", None)
    with contextlib.suppress(NotImplementedError):
        if number is not None:
            loop.add_signal_handler(number, handler)
    keys = Keys(stdin, {REPORT_KEY: handler}) if stdin is not None else None
    if keys is not None:
        keys.resume()
    try:
        yield keys
    finally:
        if keys is not None:
            keys.suspend()
        with contextlib.suppress(NotImplementedError):
            if number is not None:
                loop.remove_signal_handler(number)


class Keys:
    """Reads single keys of a terminal. `suspend` gives the terminal back as it was, for the time of a Ctrl-Z too."""

    def __init__(self, fd: int, handlers: Mapping[str, Callable[[], None]]) -> None:
        self._fd = fd
        self._handlers = handlers
        self._before: list[object] | None = None

    def resume(self) -> None:
        """Begin, if the terminal is ours: in the background another program's would be changed."""
        try:
            import termios

            if not os.isatty(self._fd) or os.tcgetpgrp(self._fd) != os.getpgrp():
                return
            before = termios.tcgetattr(self._fd)
            changed = [*before]
            changed[3] &= ~(termios.ICANON | termios.ECHO)
            changed[6] = [*before[6]]
            changed[6][termios.VMIN], changed[6][termios.VTIME] = 0, 0  # a read never waits
            termios.tcsetattr(self._fd, termios.TCSADRAIN, changed)
            asyncio.get_running_loop().add_reader(self._fd, self._read)
        except (ImportError, OSError, NotImplementedError, termios.error):
            return
        self._before = before

    def suspend(self) -> None:
        """End; nothing happens where it has not begun."""
        if self._before is None:
            return
        import termios

        asyncio.get_running_loop().remove_reader(self._fd)
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]
        self._before = None

    def _read(self) -> None:
        try:
            typed = os.read(self._fd, 1024)
        except OSError:  # the terminal is gone
            typed = b""
        if not typed:
            self.suspend()
            return
        for key, handler in self._handlers.items():
            if key.encode() in typed:
                handler()
