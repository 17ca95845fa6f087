"""A terminal for a process that is under test: what it shows, and keys that are pressed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import secrets
import signal
import subprocess
import termios
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.projects import MARK, SOURCE, survivors, wait_until


class PseudoTerminal:
    """A command at work on a terminal of its own, whose session it leads."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        self.mark = secrets.token_hex(8)
        self._master, self._slave = pty.openpty()
        os.set_blocking(self._master, False)
        self._shown = bytearray()
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**env, MARK: self.mark},
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
        )

    def modes(self) -> list[Any]:
        """What ``stty`` would show."""
        return termios.tcgetattr(self._slave)

    def shown(self) -> str:
        """All that has been shown so far."""
        with contextlib.suppress(BlockingIOError, OSError):
            while read := os.read(self._master, 65536):
                self._shown.extend(read)
        return self._shown.decode(errors="replace")

    def press(self, keys: bytes) -> None:
        """As if typed."""
        os.write(self._master, keys)

    def until(self, *texts: str) -> None:
        """Wait until all of these have been shown."""
        try:
            wait_until(lambda: all(text in self.shown() for text in texts))
        except AssertionError:
            raise AssertionError(f"{texts} not in {self.shown()!r}") from None

    def ended(self) -> int:
        """The exit status, waiting for it; what is shown meanwhile is read, or the process would wait for that."""
        wait_until(lambda: self.shown() is not None and self.process.poll() is not None)
        return int(self.process.returncode)

    def close(self) -> None:
        """End it, and whatever runs in it, stopped or not."""
        self.process.kill()
        self.process.wait()
        for pid in survivors(self.mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os.close(self._slave)
        os.close(self._master)


@contextlib.contextmanager
def on_a_terminal(argv: Sequence[str], cwd: Path, **env: str) -> Iterator[PseudoTerminal]:
    """The command, ended at the end; it finds the runner that is under test."""
    ours = {"PYTHONPATH": str(SOURCE), "TERM": "xterm", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    terminal = PseudoTerminal(argv, cwd, {**os.environ, **ours, **env})
    try:
        yield terminal
    finally:
        terminal.close()
