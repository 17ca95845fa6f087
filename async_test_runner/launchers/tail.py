"""Reads the files that pytest processes append to, while they do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..protocol import Message

_decoder = msgspec.json.Decoder(Message)


class Tail:
    """The messages in ``events*.jsonl`` of one session's directory: one file per process, each line read once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[Path, _File] = {}

    def poll(self) -> list[Message]:
        """Messages of all complete lines written since the last call, in the order of the monotonic clock."""
        for path in self._directory.glob("events*.jsonl"):
            if path not in self._files:
                self._files[path] = _File(path)
        messages = [message for file in self._files.values() for message in file.messages()]
        if len(self._files) > 1:
            messages.sort(key=lambda message: message.mono)
        return messages


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""

    def messages(self) -> Iterator[Message]:
        for line in self._lines():
            try:
                yield _decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                # A line that a dying process tore, or that something else wrote into the file. What it would have
                # said is missing, and a test without an outcome is noticed when its process has ended.
                continue

    def _lines(self) -> list[bytes]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()  # all of it: after the end of its process there is no other call
        except OSError:
            return []
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines
