"""A process that forks: it takes orders from a descriptor, one a line, and notices when a child has ended.

Nobody else's code runs in it once it serves. So its memory stays as it was when it began, and what its children copy
is what they write themselves: a parent that goes on working makes its children copy that too.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from .forking import flush
from .polling import readable

# Tests replace functions of the os module, and what is forked here may be forked from a process that ran some.
_close, _fork, _getpid, _pipe, _read, _waitpid = os.close, os.fork, os.getpid, os.pipe, os.read, os.waitpid

_LOST = signal.SIGKILL  # as which a child counts whose end somebody else has taken in: an unknown end is no success


class ForkServer:
    """Serves the orders that come in on the descriptor ``orders``, one a line; no child is to have that descriptor.

    ``ended`` hears of each child's end, with the status as the system has it. A child's end is noticed by SIGCHLD, and
    by looking each second, for a project may block that signal.
    """

    def __init__(self, orders: int, ended: Callable[[int, int], None]) -> None:
        self._orders = orders
        self._pending = b""
        self._ended = ended
        self._children: set[int] = set()
        self._wakeup, self._waker = _pipe()
        self._own = (orders, self._wakeup, self._waker)
        self._handler: Any = signal.SIG_DFL  # of the project
        self._mask: set[int] = set()
        self.is_child = False
        self.parent = _getpid()

    def serve(self, obey: Callable[[bytes], None]) -> bool:
        """Until the orders end and all children have. ``obey`` takes one order, and may call `fork`.

        True in a child that it has made, which gets no further order.
        """
        os.set_blocking(self._waker, False)
        os.set_blocking(self._wakeup, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        self._handler = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        is_open = True
        while is_open or self._children:
            ready = readable([self._wakeup, *([self._orders] if is_open else [])])
            self._reap()
            if self._orders in ready:
                is_open = self._take(obey)
                if self.is_child:
                    break
        return self.is_child

    def _take(self, obey: Callable[[bytes], None]) -> bool:
        """Obey what has come in; False at the end of the orders."""
        try:
            data = _read(self._orders, 1 << 16)
        except ConnectionError:
            data = b""
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            obey(line)
            if self.is_child:
                break
        return bool(data)

    def fork(self) -> int:
        """Process id of a new child; 0 in the child itself, which has nothing of the server any more."""
        flush()
        pid = _fork()
        if pid:
            self._children.add(pid)
            return pid
        self.is_child = True
        signal.set_wakeup_fd(-1)
        if self._handler is not None:  # None: not one of Python's
            signal.signal(signal.SIGCHLD, self._handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        for fd in self._own:
            _close(fd)
        return 0

    def _reap(self) -> None:
        try:
            while _read(self._wakeup, 4096):
                pass
        except BlockingIOError:
            pass
        for pid in list(self._children):
            try:
                found, status = _waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                found, status = pid, int(_LOST)
            if found:
                self._children.discard(pid)
                self._ended(pid, status)
