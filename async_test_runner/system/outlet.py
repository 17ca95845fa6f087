"""What is written for somebody who may stop reading: a pager, a terminal after Ctrl-S, a log collector that hangs.

A thread of its own waits for them, so that deadlines go on meanwhile.
"""

from __future__ import annotations

import os
import select
import stat
import threading
from collections import deque

_LINGERS = 0.5  # seconds that the thread stays when nothing waits: starting one takes as long as many writes
_ROOM = 1000  # milliseconds between two looks at a descriptor that does not block and has no room


def may_stall(fd: int) -> bool:
    """Whether a write may wait for a reader: a pipe, a socket or a terminal."""
    mode = os.fstat(fd).st_mode
    return os.name == "posix" and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd))


def silence(fd: int) -> None:
    """Nobody reads there any more: what the interpreter flushes there at its exit is no error."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, fd)
    os.close(null)


class Outlet:
    """Takes bytes at once and writes them to ``fd`` in their order, as fast as somebody reads.

    It is ``gone`` when nobody does any more, or ever will.
    """

    def __init__(self, fd: int) -> None:
        self.gone = False
        self._fd = fd
        self._change = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._at_work = False

    @property
    def is_behind(self) -> bool:
        """Whether something is not written yet."""
        return bool(self._waiting)

    def put(self, data: bytes) -> None:
        """Have this written after all that came before."""
        with self._change:
            if self.gone:
                return
            self._waiting.append(data)
            self._change.notify_all()
            if not self._at_work:
                self._at_work = True
                # A daemon: the interpreter does not wait for it at its exit. Who wants that calls `drain`.
                threading.Thread(target=self._work, name="outlet", daemon=True).start()

    def drain(self, limit: float | None = None) -> None:
        """Wait until all is written or nobody reads, at most so many seconds."""
        with self._change:
            self._change.wait_for(lambda: not self._waiting, limit)

    def _work(self) -> None:
        """Until nothing waits, and nothing comes for a while."""
        while self._at_work:
            try:
                self._write(self._waiting[0])
            except OSError:
                self._give_up()
            with self._change:
                if not self.gone:
                    self._waiting.popleft()
                self._change.notify_all()
                self._at_work = not self.gone and self._change.wait_for(lambda: self.is_behind, _LINGERS)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:  # another program has made the terminal so
                room = select.poll()
                room.register(self._fd, select.POLLOUT)
                room.poll(_ROOM)

    def _give_up(self) -> None:
        with self._change:
            self.gone = True
            self._waiting.clear()
        silence(self._fd)
