"""The guardian: a small process between the runner and all that it starts, which ends everything when the runner dies.

It is a fork of the runner, made before anything is started, and the parent of every process of the run. So what the
runner leaves behind, killed with SIGKILL or not, is found without marks and lists: whatever loses its parent, having
left its group and session too, is handed to the guardian by the system, which kills its children until it has none.
It is a session of its own, out of reach of signals to the runner's group, and waits without working.

The other way round, a test that kills its parent takes the guardian and what runs with it, and not the runner, which
makes another one.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..model.errors import InfrastructureError
from .descendants import (
    KILL,
    Orphan,
    Waking,
    adopt_orphans,
    end_orphans,
    go_on_when_parent_dies,
    signal_group,
    signal_process,
)
from .table import LOOK

_HEAD = struct.Struct(">Q")  # the length of what follows
_DEADLINE = 20.0  # seconds that it may take to answer
_PARTING = 2.0  # seconds that it may take to end
_DYING = 0.1  # seconds between the moment when a killed process lets go of its files and the one when it is dead
_LOOK_DYING = 0.001
_CHUNK = 1 << 16
_HANDED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")  # for a test that signals its parent, it stands for the runner
_DEAF_TO = ("SIGQUIT", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGUSR2", "SIGALRM")

Ended = Callable[[int], None]


class Link:
    """The runner's end: starts processes through the guardian and hears of their ends.

    ``pid`` is the guardian's. A `Link` that is ``lost`` starts nothing any more: the guardian is gone, and all that it
    had started with it.
    """

    def __init__(self, pid: int, channel: socket.socket) -> None:
        self.pid = pid
        self.lost = False
        self.watched = False  # somebody looks at it each second
        self.told: list[str] = []  # what is worth telling, until somebody takes it
        self._channel = channel
        self._channel.settimeout(_DEADLINE)
        self._waking = Waking()
        self._inbox = _Inbox()
        self._replies: deque[dict[str, Any]] = deque()
        self._waiting: dict[int, Ended] = {}
        self._early: dict[int, int] = {}  # ends that were told in one breath with the start

    def fileno(self) -> int:
        """What becomes readable when there is something to `listen` to."""
        return self._channel.fileno()

    def start(
        self,
        argv: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str],
        shell: bool,
        files: tuple[int, int],
        ended: Ended,
    ) -> int:
        """Process id of a new process, its group's leader, with ``files`` as its input and both its outputs.

        ``ended`` gets its status, when it has one. ``InfrastructureError`` when it cannot be started.
        """
        request = {"do": "start", "argv": list(argv), "cwd": cwd, "env": dict(env), "shell": shell}
        reply = self._ask(request, files)
        if "refused" in reply:
            raise InfrastructureError(f"cannot start {argv[0]!r}: {reply['refused']}")
        pid = int(reply["pid"])
        if pid in self._early:
            ended(self._early.pop(pid))
        else:
            self._waiting[pid] = ended
        return pid

    def end_orphans(self, known: set[int]) -> list[Orphan]:
        """Kill and reap what was handed to the guardian; processes that it has started itself are ``known`` to it."""
        try:
            return [Orphan(*orphan) for orphan in self._ask({"do": "orphans", "known": sorted(known)})["orphans"]]
        except InfrastructureError:
            return []

    def watch(self) -> None:
        """A look at the guardian: where a test has stopped it, it goes on, and is given up if that does not help."""
        if self.lost:
            return
        self._waking.look(self.pid)
        if self._waking.has_begun:
            self.told.append("the process that starts all others was stopped, and goes on")
        if self._waking.is_hopeless:
            self._lose()

    def listen(self) -> None:
        """Take in what it has said."""
        self._channel.setblocking(False)
        try:
            while self._read():
                pass
        except BlockingIOError:
            pass
        except OSError:
            self._lose()
        finally:
            self._channel.settimeout(_DEADLINE)

    def close(self) -> None:
        """No more to start: it ends, and is waited for."""
        with contextlib.suppress(OSError):
            self._channel.setblocking(False)
            _send(self._channel, {"do": "leave"})
        self._channel.close()
        if self.lost:
            return
        signal_process(self.pid, signal.SIGCONT)
        self._reap()
        self.lost = True

    def _reap(self) -> None:
        """Wait for its end, which is made sure after a while; one that even then is there is left to the system."""
        until = time.monotonic() + _PARTING
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(self.pid, os.WNOHANG) == (0, 0) and time.monotonic() < until + _PARTING:
                if time.monotonic() > until:
                    signal_process(self.pid, KILL)
                time.sleep(0.001)

    def _ask(self, request: dict[str, Any], files: tuple[int, ...] = ()) -> dict[str, Any]:
        self.watch()
        try:
            _send(self._channel, request, files)
            self._await_reply()
        except OSError:
            self._lose()
        if not self._replies:
            raise InfrastructureError("the process that starts all others is gone")
        return self._replies.popleft()

    def _await_reply(self) -> None:
        until = time.monotonic() + _DEADLINE
        while not self._replies and not self.lost:
            if _readable([self._channel.fileno()], LOOK):
                self._read()
            elif time.monotonic() > until:
                self._lose()
            else:
                self.watch()

    def _read(self) -> bool:
        """Take in one piece; False when it has hung up."""
        data = self._channel.recv(_CHUNK)
        if not data:
            self._lose()
            return False
        for message in self._inbox.take(data):
            if "ended" in message:
                self._ended(int(message["ended"]), int(message["status"]))
            else:
                self._replies.append(message)
        return True

    def _ended(self, pid: int, status: int) -> None:
        with contextlib.suppress(OSError):
            _send(self._channel, {"do": "release", "pid": pid})
        ended = self._waiting.pop(pid, None)
        if ended is None:
            self._early[pid] = status
        else:
            ended(status)

    def _lose(self) -> None:
        if self.lost:
            return
        self.lost = True
        signal_process(self.pid, KILL)  # it may be stopped, and not dead
        self._reap()
        waiting, self._waiting = self._waiting, {}
        for pid, ended in waiting.items():
            signal_group(pid, KILL)
            ended(-KILL)


def fork(
    holds: Sequence[int] = (), last: Callable[[], None] | None = None, limit: tuple[int, int] | None = None
) -> Link | None:
    """Make the guardian, in a process that has no threads yet; None where there is no forking, or no room for it.

    ``holds`` are descriptors that it keeps open as long as anything of the run may be alive; ``last`` is what it does
    when nothing is, if the runner was killed; ``limit`` the limits of descriptors that it, and what it starts, is to
    have.
    """
    if not hasattr(os, "fork") or not hasattr(socket, "send_fds"):
        return None
    ours, theirs = socket.socketpair()
    try:
        pid = os.fork()
    except OSError:
        ours.close()
        theirs.close()
        return None
    if pid:
        theirs.close()
        return Link(pid, ours)
    try:
        if limit is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        is_orphan = _Guardian(theirs.detach(), holds).serve()
        if is_orphan and last is not None:
            last()
    finally:
        os._exit(0)


class _Guardian:
    """The guardian itself, after the fork. Its children are left as zombies until the runner knows of their end."""

    def __init__(self, channel: int, holds: Sequence[int]) -> None:
        gc.disable()
        self._runner = os.getppid()
        os.setsid()
        adopt_orphans()
        go_on_when_parent_dies()  # a test may have stopped us when the runner is killed
        # Ends are told by SIGCHLD: blocked it may be in the runner, and for what we start it stays so.
        self._mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        for name in (*_HANDED_ON, *_DEAF_TO):  # not ignored: what is ignored stays so in what we start
            if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
                signal.signal(getattr(signal, name), self._hand_on if name in _HANDED_ON else lambda *_: None)
        self._channel = socket.socket(fileno=_alone(channel, holds))
        self._inbox = _Inbox()
        self._dismissed = False
        self._files: deque[int] = deque()
        self._started: dict[int, subprocess.Popen[bytes]] = {}
        self._told: set[int] = set()
        self._wakeup, waker = os.pipe()
        os.set_blocking(waker, False)
        os.set_blocking(self._wakeup, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> bool:
        """Until the runner hangs up, which it does when it dies too; then nothing is left. Whether it has died."""
        try:
            while self._listen():
                self._tell_ends()
        except OSError:
            pass  # the runner died while we spoke
        for pid in self._started:
            signal_group(pid, KILL)
        end_orphans(set())
        return not self._dismissed and self._is_orphan()

    def _is_orphan(self) -> bool:
        """Whether the runner is dead. It hangs up a moment before."""
        until = time.monotonic() + _DYING
        while os.getppid() == self._runner and time.monotonic() < until:
            time.sleep(_LOOK_DYING)
        return os.getppid() != self._runner

    def _hand_on(self, number: int, _frame: object) -> None:
        if os.getppid() == self._runner:
            signal_process(self._runner, number)

    def _listen(self) -> bool:
        ready = _readable([self._channel.fileno(), self._wakeup], LOOK)
        if self._wakeup in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, _CHUNK)
        if self._channel.fileno() not in ready:
            return True
        data, files, _, _ = socket.recv_fds(self._channel, _CHUNK, 16)
        self._files += files
        for request in self._inbox.take(data):
            self._serve(request)
        return bool(data)

    def _serve(self, request: dict[str, Any]) -> None:
        if request["do"] == "leave":
            self._dismissed = True
        elif request["do"] == "release":
            self._told.discard(request["pid"])
            self._started.pop(request["pid"]).wait()
        elif request["do"] == "orphans":
            _send(self._channel, {"orphans": end_orphans({*request["known"], *self._started})})
        else:
            _send(self._channel, self._start(request))

    def _start(self, request: dict[str, Any]) -> dict[str, Any]:
        stdin, output = self._files.popleft(), self._files.popleft()
        try:
            child = subprocess.Popen(  # noqa: S603 - what the runner asks for
                request["argv"][0] if request["shell"] else request["argv"],
                cwd=request["cwd"],
                env=request["env"],
                stdin=stdin,
                stdout=output,
                stderr=output,
                shell=request["shell"],
                process_group=0,
                preexec_fn=self._restore_mask if self._mask else None,  # noqa: PLW1509 - there are no threads here
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return {"refused": getattr(error, "strerror", None) or str(error)}
        finally:
            os.close(stdin)
            os.close(output)
        self._started[child.pid] = child
        return {"pid": child.pid}

    def _restore_mask(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _tell_ends(self) -> None:
        for pid in self._started.keys() - self._told:
            end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if end is not None:
                self._told.add(pid)
                status = end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
                _send(self._channel, {"ended": pid, "status": status})


def _readable(fds: Sequence[int], seconds: float) -> set[int]:
    """Those with something to read, after at most so many seconds. Not ``select``: it knows 1024 descriptors."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return {fd for fd, _ in poll.poll(seconds * 1000)}


def _alone(channel: int, holds: Sequence[int]) -> int:
    """Let go of all that was the runner's, its terminal and its files, but for these; returns the channel."""
    empty = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(empty, fd)
    below = 3
    for kept in sorted({channel, *holds}):
        os.closerange(below, kept)
        below = kept + 1
    os.closerange(below, os.sysconf("SC_OPEN_MAX"))
    return channel


class _Inbox:
    """Pieces of a stream put together to messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def take(self, data: bytes) -> list[dict[str, Any]]:
        """The messages that are complete with this piece."""
        self._data += data
        found = []
        while len(self._data) >= _HEAD.size:
            end = _HEAD.size + _HEAD.unpack_from(self._data)[0]
            if len(self._data) < end:
                break
            found.append(json.loads(self._data[_HEAD.size : end]))
            del self._data[:end]
        return found


def _send(channel: socket.socket, message: dict[str, Any], files: tuple[int, ...] = ()) -> None:
    data = memoryview(_framed(message))
    sent = socket.send_fds(channel, [data], files) if files else 0
    channel.sendall(data[sent:])


def _framed(message: dict[str, Any]) -> bytes:
    payload = json.dumps(message).encode("ascii")  # the lone surrogates of names that are not UTF-8 are kept
    return _HEAD.pack(len(payload)) + payload
