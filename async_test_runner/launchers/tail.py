"""Reads the files that pytest processes append to, while they do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from ..contract.messages import Message

_decoder = msgspec.json.Decoder(Message)
_CHUNK = 1 << 20


def file_name(name: str) -> str:
    """The file of one process of a session."""
    return f"events.{name}.jsonl"


class Tail:
    """The messages in ``events*.jsonl`` of one session's directory: one file per process, each line read once.

    The files stay open: a test that deletes the run directory takes away none of the news. `close` ends that.
    """

    def __init__(self, directory: Path, names: Sequence[str] = ()) -> None:
        """``names`` of processes whose files are made and opened at once, before anything can delete them."""
        self._directory = directory
        self._files: dict[Path, _File] = {}
        for name in names:
            path = directory / file_name(name)
            path.touch()
            self._files[path] = _File(path)

    def poll(self) -> list[Message]:
        """Messages of all complete lines written since the last call, in the order of the monotonic clock."""
        for path in self._directory.glob("events*.jsonl"):
            if path not in self._files:
                with contextlib.suppress(OSError):
                    self._files[path] = _File(path)
        messages = [message for file in self._files.values() for message in file.messages()]
        if len(self._files) > 1:
            messages.sort(key=lambda message: message.mono)
        return messages

    def close(self) -> None:
        """Nothing more will be written; what has been read stays read."""
        for file in self._files.values():
            file.close()


class _File:
    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # not inherited, by Python's own rule
        self._rest = b""

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def messages(self) -> Iterator[Message]:
        for line in self._lines():
            try:
                yield _decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                # A line that a dying process tore, or that something else wrote into the file. What it would have
                # said is missing, and a test without an outcome is noticed when its process has ended.
                continue

    def _lines(self) -> list[bytes]:
        if self._fd < 0:
            return []
        # all of it: after the end of its process there is no other call
        data = b"".join(iter(lambda: os.read(self._fd, _CHUNK), b""))
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines
