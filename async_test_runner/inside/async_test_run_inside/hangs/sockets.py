"""Open sockets of this process and who is at their other end, as Linux tells it in ``/proc``."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterable, Iterator
from os import listdir, readlink

from ..early import standard_library
from . import safe

_open = open  # as it is now: tests replace it
_MOST = 40
_BYTES = 4_000_000  # of a table that is read
_STATES = {
    1: "established",
    2: "connecting",
    3: "being accepted",
    4: "closing",
    5: "closing",
    6: "time wait",
    7: "closed",
    8: "closed by its peer",
    9: "closing",
    10: "listening",
    11: "closing",
}
_UNIX_STATES = {1: "unconnected", 2: "connecting", 3: "connected", 4: "disconnecting"}
_UNIX_LISTENING = 1 << 16


def described() -> tuple[str, ...]:
    """One line for each socket; what has neither a name nor a peer (an event loop's own pair) is left out."""
    inodes = _inodes()
    if not inodes:
        return ()
    known: dict[int, str] = {}
    for table in ("tcp", "tcp6", "udp", "udp6"):
        known.update(internet(table.rstrip("6"), _lines(table), set(inodes)))
    known.update(unix(_lines("unix"), set(inodes)))
    lines = [
        f"fd {fd}: {known[inode]}" for inode, fd in sorted(inodes.items(), key=lambda pair: pair[1]) if inode in known
    ]
    return (*lines[:_MOST], *([f"… and {len(lines) - _MOST} more"] if len(lines) > _MOST else []))


def _inodes() -> dict[int, int]:
    """Inode -> descriptor, for the descriptors that are sockets."""
    found = {}
    try:
        names = listdir("/proc/self/fd")
    except OSError:
        return {}
    for name in names[:4096]:
        try:
            target = readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:["):
            found[int(target[8:-1])] = int(name)
    return found


def _lines(table: str) -> list[str]:
    try:
        with _open(f"/proc/self/net/{table}", encoding="utf-8", errors="backslashreplace") as file:
            return file.read(_BYTES).splitlines()[1:]
    except (OSError, ValueError):
        return []


def internet(protocol: str, lines: Iterable[str], wanted: set[int]) -> Iterator[tuple[int, str]]:
    """``(inode, "tcp 127.0.0.1:5432 -> 127.0.0.1:40112, established")`` for the rows of a table that are wanted."""
    for line in lines:
        parts = line.split()
        if len(parts) < 10 or not parts[9].isdigit() or int(parts[9]) not in wanted:
            continue
        local, peer, state = address(parts[1]), address(parts[2]), int(parts[3], 16)
        to = "" if parts[2].endswith(":0000") else f" -> {peer}"
        unread = int(parts[4].partition(":")[2] or "0", 16)
        said = f", {unread} bytes unread" if unread and state != 10 else ""
        yield int(parts[9]), f"{protocol} {local}{to}, {_STATES.get(state, 'unknown')}{said}"


def address(text: str) -> str:
    """``0100007F:1538`` is ``127.0.0.1:5432``: words of four bytes in the machine's order."""
    host, _, port = text.partition(":")
    raw = bytes.fromhex(host)
    words = struct.unpack(f">{len(raw) // 4}I", raw)
    packed = struct.pack(f"{'<' if sys.byteorder == 'little' else '>'}{len(words)}I", *words)
    if len(packed) == 4:
        return f"{'.'.join(map(str, packed))}:{int(port, 16)}"
    with standard_library():
        from ipaddress import IPv6Address  # no weight for the many processes that never get here

    return f"[{IPv6Address(packed)}]:{int(port, 16)}"


def unix(lines: Iterable[str], wanted: set[int]) -> Iterator[tuple[int, str]]:
    """The same for sockets in the file system, those that have a name."""
    for line in lines:
        parts = line.split(None, 7)
        if len(parts) < 8 or not parts[6].isdigit() or int(parts[6]) not in wanted:
            continue
        listening = int(parts[3], 16) & _UNIX_LISTENING
        state = "listening" if listening else _UNIX_STATES.get(int(parts[5], 16), "unknown")
        yield int(parts[6]), f"unix {safe.text(os.fsdecode(parts[7]), 120)}, {state}"
