"""Processes: the only importer of ``subprocess`` and the only sender of signals.

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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from .errors import InfrastructureError

KILL: int = getattr(signal, "SIGKILL", signal.SIGTERM)
_PR_SET_CHILD_SUBREAPER = 36
_GENERATIONS = 1000  # of orphans: whoever forks faster than that is not ended by killing


class Process:
    """A running child. ``status`` is None until it has ended, then its exit status (negative for a signal)."""

    def __init__(self, child: asyncio.subprocess.Process, on_exit: Callable[[], None]) -> None:
        self._child = child
        self._on_exit = on_exit
        self._waiter = asyncio.create_task(self._wait())

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group too."""
        return self._child.pid

    @property
    def status(self) -> int | None:
        """The exit status, once its end has been noticed."""
        return self._child.returncode if self._waiter.done() else None

    async def _wait(self) -> int:
        status = await self._child.wait()
        self._on_exit()
        return status

    async def wait(self) -> int:
        """The exit status, when there is one. Being cancelled here does not touch the process."""
        return await asyncio.shield(self._waiter)

    def write(self, data: bytes) -> None:
        """Hand data to the input of a process that was started with ``control``."""
        if self._child.stdin is not None and not self._child.stdin.is_closing():
            self._child.stdin.write(data)

    def hang_up(self) -> None:
        """Close its input."""
        if self._child.stdin is not None:
            self._child.stdin.close()

    def signal(self, number: int) -> None:
        """Signal the whole group; no error when it is gone."""
        signal_group(self.pid, number)


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


def signal_group(pid: int, number: int) -> None:
    """Signal the group that ``pid`` leads; where there are no groups, the process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(pid, number)
        else:
            os.kill(pid, number)


def signal_process(pid: int, number: int) -> None:
    """Signal one process; no error when it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


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
    _watch_without_threads()
    extra: dict[str, int] = {"process_group": 0} if os.name == "posix" else {}
    try:
        with output.open("ab") as file:
            common = {
                "cwd": cwd,
                "env": dict(env),
                "stdin": subprocess.PIPE if control else subprocess.DEVNULL,
                "stdout": file,
                "stderr": file,
                **extra,
            }
            if shell:
                child = await asyncio.create_subprocess_shell(argv[0], **common)  # type: ignore[arg-type]
            else:
                child = await asyncio.create_subprocess_exec(*argv, **common)  # type: ignore[arg-type]
    except (OSError, ValueError) as error:
        raise InfrastructureError(f"cannot start {argv[0]!r}: {getattr(error, 'strerror', None) or error}") from error
    return Process(child, on_exit)


async def end(process: Process, grace: float) -> int:
    """TERM to the group, KILL after ``grace`` seconds; returns the exit status."""
    process.signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(grace):
            return await process.wait()
    except TimeoutError:
        process.signal(KILL)
        return await process.wait()


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


def adopt_orphans() -> bool:
    """Become the process that orphaned descendants are handed to (Linux); False where the system has no such thing."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes

    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


class Orphan(NamedTuple):
    """A descendant that outlived the process that started it."""

    pid: int
    command: str


def end_orphans(known: set[int]) -> list[Orphan]:
    """Kill and reap the children of this process that are not ``known``; returns those that were still running.

    What they had started becomes a child of this process in its turn.
    """
    found: list[Orphan] = []
    for _ in range(_GENERATIONS):
        pids = [pid for pid in _children() if pid not in known]
        if not pids:
            break
        found += _end(pids)
    return found


def _end(pids: list[int]) -> list[Orphan]:
    found = []
    for pid in pids:
        command = _command(pid)
        signal_process(pid, KILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        if command:
            found.append(Orphan(pid, command))
    return found


def _children() -> list[int]:
    pids: list[int] = []
    for task in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            pids += [int(pid) for pid in task.read_text().split()]
    return pids


def _command(pid: int) -> str:
    """The command line of a process, empty for one that is dead already (a zombie has none)."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode("utf-8", "backslashreplace").strip()
