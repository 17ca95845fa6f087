"""Names two processes of a run that fight for one fixed port: the loser fails with an errno, or waits for ever."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator

_TAKEN = re.compile(r"address already in use|EADDRINUSE|Errno (?:48|98)\b|WinError 10048", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])\d{2,5}(?![\w.])")
_LISTENING = "0A"  # as /proc/net/tcp writes the state of a socket
_REMEDY = (
    "tests that need one fixed port cannot run at the same time: give their phase `workers: 1`, keep them apart with "
    '`isolation` and @pytest.mark.resources("port"), or let the system choose the port (0)'
)


def hint(text: str, runner: int, parallel: bool) -> str:
    """What to say of a failure with this text; empty if it is not about a port, or no other process of ours has it.

    ``runner`` is the process that all processes of the run descend from. Where nobody holds a port any more, only
    tests that run in ``parallel`` can have lost it to another one.
    """
    if not _TAKEN.search(text):
        return ""
    held = _held_by_relatives(runner)
    numbers = {int(found) for found in _NUMBER.findall(text)}
    named = [f"port {port} is held by process {held[port]}" for port in sorted(held) if port in numbers]
    if not named and not (held or parallel):
        return ""
    some = [f"other processes of this run listen on {', '.join(map(str, sorted(held)))}"] if held else []
    who = "; ".join(named or some or ["another process of this run may have had the address"])
    return f"{who}{', which belongs to this run' if named else ''}: {_REMEDY}"


def _held_by_relatives(runner: int) -> dict[int, int]:
    """Ports on which other processes of the run listen, and which process does; this process's children left out."""
    inodes = dict(_listening())
    found: dict[int, int] = {}
    for pid in _processes() if inodes else ():
        line = list(_ancestry(pid))
        if runner in line and os.getpid() not in line:
            found.update((inodes[inode], pid) for inode in _sockets(pid) if inode in inodes)
    return found


def _listening() -> Iterator[tuple[str, int]]:
    """Inode and port of each listening TCP socket; none where the system does not say."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path) as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            if row[3] == _LISTENING:
                yield row[9], int(row[1].rpartition(":")[2], 16)


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _ancestry(pid: int) -> Iterator[int]:
    """The process, its parent, and so on."""
    while pid > 1:
        yield pid
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                pid = int(file.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return


def _sockets(pid: int) -> Iterator[str]:
    for link in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target.startswith("socket:["):
            yield target[len("socket:[") : -1]
