"""Reads the files that pytest processes append to, while they do. Tests may write there too.

Only files that were announced are read. They are made and opened before their process starts, as regular files and
without following links, and so much at a look. What is no fact of ours is a `Damaged`, and never passed over.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ..contract.messages import Damaged, Hello, Message
from ..model.errors import InfrastructureError

_decoder = msgspec.json.Decoder(Message)
_LOOK = 16 << 20  # bytes that are read of a file at one look, as long as its process may write
_LONGEST = 64 << 20  # bytes of one line
_SHOWN = 120  # bytes of a damaged line that are told
_SAID = 20  # damages of one file that are told one by one
COLLECTION = "events.jsonl"  # of a process that collects


class Tail:
    """The messages in the files of one session: one file per process, each line read once.

    The files stay open: a test that deletes the run directory takes away none of the news. `close` ends that.
    """

    def __init__(self, directory: Path, names: Sequence[str]) -> None:
        """Make and open the files of these ``names``. ``InfrastructureError`` when that cannot be."""
        self._files = [_File(directory / name) for name in names]

    def poll(self, *, over: bool = False) -> list[Message | Damaged]:
        """Messages of all complete lines written since the last call, in the order of the monotonic clock.

        ``over`` says that nobody writes any more: all that is left is read, however much.
        """
        messages = [message for file in self._files for message in file.messages(over)]
        if len(self._files) > 1:
            messages.sort(key=lambda message: message.mono)
        return messages

    def close(self) -> None:
        """Nothing more will be written; what has been read stays read."""
        for file in self._files:
            file.close()


class _File:
    def __init__(self, path: Path) -> None:
        self._name = path.name
        flags = os.O_RDONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            self._fd = os.open(path, flags, 0o600)  # not inherited, by Python's own rule
        except OSError as error:
            raise InfrastructureError(f"cannot make {path}: {error.strerror}") from error
        self._position = 0
        self._rest = b""
        self._greeted = False
        self._next = 0  # the number of the fact that comes next
        self._said = 0

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def messages(self, over: bool) -> Iterator[Message | Damaged]:
        if self._fd < 0:
            return
        size = os.fstat(self._fd).st_size
        if size < self._position:
            yield from self._damaged("was cut off while it was read")
            self._position, self._rest = 0, b""
        for line in self._lines(size if over else min(size, self._position + _LOOK)):
            if line:  # each fact begins on a line of its own, whatever stands before it
                yield from self._message(line)
        if len(self._rest) > _LONGEST:
            self._rest = b""
            yield from self._damaged(f"holds a line of more than {_LONGEST} bytes")

    def _message(self, line: bytes) -> Iterator[Message | Damaged]:
        try:
            message = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield from self._damaged(f"holds a line that is no fact: {_shown(line)}")
            return
        if isinstance(message, Hello):  # a new process begins to count
            self._next, self._greeted = 0, True
        if not self._greeted:
            yield from self._damaged(f"has a fact before any process said hello there: {_shown(line)}")
            return
        if message.n != self._next:
            yield from self._damaged(f"has fact {message.n} where {self._next} was to come: {_shown(line)}")
        if message.n < self._next:
            return  # ours have only higher numbers
        self._next = message.n + 1
        yield message

    def _damaged(self, what: str) -> Iterator[Damaged]:
        self._said += 1
        if self._said <= _SAID:
            yield Damaged(at=time.time(), mono=time.monotonic(), file=self._name, what=what)

    def _lines(self, end: int) -> list[bytes]:
        parts = [self._rest]
        while self._position < end:
            data = os.pread(self._fd, min(1 << 20, end - self._position), self._position)
            if not data:
                break
            self._position += len(data)
            parts.append(data)
        *lines, self._rest = b"".join(parts).split(b"\n")
        return lines


def _shown(line: bytes) -> str:
    return repr(line[:_SHOWN])[1:] + ("…" if len(line) > _SHOWN else "")
