"""Processes: started, waited for, ended with an escalation. Most are started through the `guardian`, if there is one.

Every child leads a process group of its own, so that a signal reaches whatever it started. Its output goes to a file:
a grandchild that keeps a pipe open could hold up the runner for ever. A descendant that leaves the group on purpose
(``setsid``) is still ours on Linux, where orphans are handed to the nearest subreaper.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from ..model.errors import InfrastructureError
from . import descendants, guardian
from .descendants import KILL, Orphan, adopt_orphans, signal_group, signal_process
from .files import opened
from .table import LOOK

GIVEN_UP = 5.0  # seconds that a killed process has to be gone

__all__ = [
    "GIVEN_UP",
    "KILL",
    "Orphan",
    "Process",
    "adopt_orphans",
    "end",
    "end_orphans",
    "guarded",
    "many_files",
    "notices",
    "output_of",
    "parent",
    "signal_group",
    "signal_process",
    "start",
    "stop_with_all",
    "wait_or_end",
]


class _Input(Protocol):
    """The writing end of a child's input."""

    def write(self, data: bytes, /) -> None: ...

    def is_closing(self) -> bool: ...

    def close(self) -> None: ...


class Process:
    """A running child. ``status`` is None until it has ended, then its exit status (negative for a signal)."""

    def __init__(self, pid: int, end: Awaitable[int], stdin: _Input | None, on_exit: Callable[[], None]) -> None:
        self._pid = pid
        self._end = end
        self._stdin = stdin
        self._on_exit = on_exit
        self._waiter = asyncio.create_task(self._wait())

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group too."""
        return self._pid

    @property
    def status(self) -> int | None:
        """The exit status, once its end has been noticed."""
        return self._waiter.result() if self._waiter.done() and not self._waiter.cancelled() else None

    async def _wait(self) -> int:
        status = await self._end
        self._on_exit()
        return status

    async def wait(self) -> int:
        """The exit status, when there is one. Being cancelled here does not touch the process."""
        return await asyncio.shield(self._waiter)

    def write(self, data: bytes) -> None:
        """Hand data to the input of a process that was started with ``control``."""
        if self._stdin is not None and not self._stdin.is_closing():
            self._stdin.write(data)

    def hang_up(self) -> None:
        """Close its input."""
        if self._stdin is not None:
            self._stdin.close()

    def signal(self, number: int) -> None:
        """Signal the whole group; no error when it is gone."""
        signal_group(self.pid, number)


# ---------------------------------------------------------------------------------------------------------- guardian

_links: list[guardian.Link] = []  # of the run that goes on in this process
_limits: list[tuple[int, int]] = []  # of descriptors, as this process had them
_makers: list[Callable[[tuple[int, int] | None], guardian.Link | None]] = []  # of the guardian of each


@contextlib.contextmanager
def guarded(holds: Sequence[int] = (), last: Callable[[], None] | None = None) -> Iterator[None]:
    """While inside, processes are started through a guardian, which outlives this one to end them.

    ``holds`` are descriptors that stay open until that is done, and ``last`` is what it does then.
    """
    make = partial(guardian.fork, holds, last)
    link = make(None)
    if link is None:
        yield
        return
    _links.append(link)
    _makers.append(make)
    try:
        yield
    finally:
        _makers.pop()
        _links.pop().close()


@contextlib.contextmanager
def many_files() -> Iterator[None]:
    """While inside, this process may open as many files as the system allows: each worker of a phase has one.

    What it starts keeps the limit that it had itself, for the guardian starts it.
    """
    try:
        import resource
    except ImportError:  # Windows
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    _limits.append(before)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    try:
        yield
    finally:
        _limits.pop()
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _link() -> guardian.Link | None:
    """The guardian; a new one where a test has killed the last, once nothing is left of what that had started."""
    if _links and _links[-1].lost:
        with contextlib.suppress(RuntimeError, ValueError):  # outside of a loop, or closed already: nobody listens
            asyncio.get_running_loop().remove_reader(_links[-1].fileno())
        _links[-1].close()
        descendants.end_orphans(set())
        link = _makers[-1](_limits[-1] if _limits else None)
        if link is not None:
            _links[-1] = link
    return _links[-1] if _links and not _links[-1].lost else None


def parent() -> int:
    """The process that is the parent of what `start` starts now."""
    link = _link()
    return link.pid if link is not None else os.getpid()


def end_orphans(known: set[int]) -> list[Orphan]:
    """Kill and reap the descendants that have lost their parent, but not the ``known``; those that were running."""
    link = _link()
    found = link.end_orphans(known) if link is not None else []
    spared = {link.pid} if link is not None and not link.lost else set()
    return found + descendants.end_orphans(known | spared)


def stop_with_all() -> None:
    """Stop every descendant and this process; when it is continued, so are they."""
    link = _link()
    stopped = descendants.Stopped({link.pid} if link is not None else set())
    signal_process(os.getpid(), signal.SIGSTOP)  # and not SIGTSTP: nobody may be there who would be told of it
    stopped.resume()


# ------------------------------------------------------------------------------------------------------------- start

_watched: list[weakref.ref[asyncio.AbstractEventLoop]] = []  # the loop whose children are watched


def _watch_without_threads() -> None:
    """Python 3.11 waits for each child in a thread that outlives the loop; later versions do this by themselves."""
    if sys.version_info < (3, 12) and hasattr(os, "pidfd_open"):
        loop = asyncio.get_running_loop()
        if _watched and _watched[-1]() is loop:
            return
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(loop)
        asyncio.get_event_loop_policy().set_child_watcher(watcher)
        _watched[:] = [weakref.ref(loop)]


async def start(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    output: Path,
    on_exit: Callable[[], None] = lambda: None,
    shell: bool = False,
    control: bool = False,
) -> Process:
    """Start a child at the head of a new group, both outputs appended to ``output``, nothing on its input.

    ``control`` gives it an input, for `Process.write`.

    ``shell`` hands ``argv[0]`` to the platform's shell. ``InfrastructureError`` when it cannot be started.
    """
    link, child = _link(), _Child(argv, cwd, env, shell, control)
    try:
        with open(output, "ab", opener=opened) as file:
            if link is not None:
                return await _start_guarded(link, child, file, on_exit)
            return await _start_directly(child, file, on_exit)
    except (OSError, ValueError) as error:
        raise InfrastructureError(f"cannot start {argv[0]!r}: {getattr(error, 'strerror', None) or error}") from error


class _Child(NamedTuple):
    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    shell: bool
    control: bool


async def _start_guarded(link: guardian.Link, child: _Child, output: BinaryIO, on_exit: Callable[[], None]) -> Process:
    loop = asyncio.get_running_loop()
    loop.add_reader(link.fileno(), _listen, link, loop)
    _watch(link, loop)
    end: asyncio.Future[int] = loop.create_future()
    stdin, writing = os.pipe() if child.control else (os.open(os.devnull, os.O_RDONLY), None)
    try:
        pid = link.start(
            child.argv,
            cwd=str(child.cwd),
            env=child.env,
            shell=child.shell,
            files=(stdin, output.fileno()),
            ended=partial(_settle, end),
        )
    except InfrastructureError:
        if writing is not None:
            os.close(writing)
        raise
    finally:
        os.close(stdin)
    return Process(pid, end, await _writer(writing) if writing is not None else None, on_exit)


def _settle(end: asyncio.Future[int], status: int) -> None:
    if not end.done():  # nobody waits any more, at the end of a run that was broken off
        end.set_result(status)


def _listen(link: guardian.Link, loop: asyncio.AbstractEventLoop) -> None:
    link.listen()
    if link.lost:
        loop.remove_reader(link.fileno())


def _watch(link: guardian.Link, loop: asyncio.AbstractEventLoop) -> None:
    """Look at the guardian each second from now on: where it is stopped it tells nobody so."""
    if link.watched:
        return

    def again() -> None:
        link.watch()
        link.watched = not link.lost
        if link.watched:
            loop.call_later(LOOK, again)

    again()


def notices() -> list[str]:
    """What has happened to the processes behind all others, once."""
    found = [text for link in _links for text in link.told]
    for link in _links:
        link.told.clear()
    return found


async def _writer(fd: int) -> _Input:
    transport, _ = await asyncio.get_running_loop().connect_write_pipe(
        asyncio.BaseProtocol,
        open(fd, "wb", buffering=0),  # noqa: SIM115 - the transport closes it
    )
    return transport


async def _start_directly(child: _Child, output: BinaryIO, on_exit: Callable[[], None]) -> Process:
    _watch_without_threads()
    extra: dict[str, int] = {"process_group": 0} if os.name == "posix" else {}
    common = {
        "cwd": child.cwd,
        "env": dict(child.env),
        "stdin": subprocess.PIPE if child.control else subprocess.DEVNULL,
        "stdout": output,
        "stderr": output,
        **extra,
    }
    if child.shell:
        started = await asyncio.create_subprocess_shell(child.argv[0], **common)  # type: ignore[arg-type]
    else:
        started = await asyncio.create_subprocess_exec(*child.argv, **common)  # type: ignore[arg-type]
    return Process(started.pid, started.wait(), started.stdin, on_exit)


async def end(process: Process, grace: float, number: int = signal.SIGTERM) -> int:
    """A signal to the group, KILL after ``grace`` seconds; returns the exit status. Cancelling kills at once."""
    process.signal(number)
    try:
        async with asyncio.timeout(grace):
            return await process.wait()
    except TimeoutError:
        process.signal(KILL)
        return await _after_kill(process)
    except asyncio.CancelledError:
        process.signal(KILL)
        await _after_kill(process)
        raise


async def _after_kill(process: Process) -> int:
    """The status of a process that was killed. One that does not end all the same (a broken disk) is given up."""
    try:
        async with asyncio.timeout(GIVEN_UP):
            return await process.wait()
    except TimeoutError:
        return -KILL


async def wait_or_end(process: Process, limit: float, grace: float = 5.0) -> int:
    """The exit status; after ``limit`` seconds the process is ended."""
    try:
        async with asyncio.timeout(limit):
            return await process.wait()
    except TimeoutError:
        return await end(process, grace)


def output_of(argv: Sequence[str], *, timeout: float = 30.0, env: Mapping[str, str] | None = None) -> str | None:
    """What a short command prints on its standard output, or None when it fails or takes too long."""
    try:
        done = subprocess.run(  # noqa: S603 - the caller names the interpreter that it asks
            list(argv),
            capture_output=True,
            timeout=timeout,
            env=env,
            check=False,
            stdin=subprocess.DEVNULL,
            process_group=0 if os.name == "posix" else None,  # Ctrl-C is for the runner, not for the question
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def resident(pid: int) -> int | None:
    """Bytes that a process has in memory, what it shares with others included; None if it is gone, or not on Linux."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def oom_kills() -> int:
    """How many processes the kernel has killed for want of memory: those of our own container where it counts them."""
    for path in (_own_memory_events(), Path("/proc/vmstat")):
        with contextlib.suppress(OSError, ValueError):
            counts = dict(line.split() for line in path.read_text().splitlines())
            if "oom_kill" in counts:
                return int(counts["oom_kill"])
    return 0


def _own_memory_events() -> Path:
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), "/")
    return Path("/sys/fs/cgroup") / own.strip("/") / "memory.events"
