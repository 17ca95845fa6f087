"""The way out: one JSON line per fact, appended to a file of this process.

Each begins on a line of its own, so that what somebody else left there spoils none of ours, and has a number, so that
one that got lost is missed.

A file and not a pipe: nothing that a test leaves running can hold it open, and what was written survives this process.
Tests close descriptors, fork and change directory; so the path is absolute, a descriptor that is not ours any more is
opened again, and a fork of this process is mute.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as _text
from math import isfinite
from os import close, fstat, getpid, write  # as they are now: tests put something else in their places in `os`
from typing import Any

from ..early import standard_library
from ..hangs.files import opened
from .messages import Message

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_BATCH = 500
_HIGH = 200  # out of the way of tests that count on the lowest free descriptors


class Wire:
    """Appends facts to ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._pid = getpid()
        self._fd = -1
        self._count = 0  # facts of this process
        self._identity: tuple[int, int] | None = None
        self._wall, self._mono = time.time, time.monotonic  # as they are now: tests freeze them, some for many tests
        self._open()

    def send(self, message: Message) -> None:
        """Write one fact. ``OSError`` when the disk does not take it."""
        if getpid() != self._pid:
            return
        self._write(self._line(message))

    def send_all(self, messages: Iterable[Message]) -> None:
        """Write facts that all hold already: a few hundred with one ``write``."""
        if getpid() != self._pid:
            return
        lines: list[bytes] = []
        for message in messages:
            lines.append(self._line(message))
            if len(lines) == _BATCH:
                self._write(b"".join(lines))
                lines.clear()
        self._write(b"".join(lines))

    def _line(self, message: Message) -> bytes:
        head = {"kind": message.kind, "at": self._wall(), "mono": self._mono(), "n": self._count}
        self._count += 1
        return b"\n" + _object({**head, **message.fields}).encode("ascii") + b"\n"

    def _write(self, data: bytes) -> None:
        if not self._is_ours():
            self._open()
        while data:
            data = data[write(self._fd, data) :]

    def release(self) -> None:
        """In a fork that has nothing to say here."""
        close(self._fd)

    def adopt(self) -> None:
        """After a fork this process writes on, under its own numbers."""
        self._pid = getpid()
        self._count = 0

    def _open(self) -> None:
        self._fd = _raised(opened(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
        status = fstat(self._fd)
        self._identity = (status.st_dev, status.st_ino)

    def _is_ours(self) -> bool:
        try:
            status = fstat(self._fd)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity


def _object(fields: dict[str, Any]) -> str:
    """``fields`` as JSON. Most facts are a few short texts and numbers, for which the general encoder is slow."""
    return "{" + ",".join([f'"{key}":{_value(value)}' for key, value in fields.items()]) + "}"


def _value(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is float:  # a plugin may say that a test took for ever; JSON has no word for it
        return repr(value) if isfinite(value) else "0.0"
    return repr(value) if kind is int else _encode(value)


def _raised(fd: int) -> int:
    try:
        with standard_library():
            import fcntl

        high = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except (ImportError, OSError):
        return fd
    close(fd)
    return high


def plain(text: str) -> str:
    """Text without lone surrogates (file names that are not UTF-8 have them): the same for the same input, always."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def encodable(value: Any) -> Any:
    """The same value of dictionaries, lists and tuples with every text in it `plain`."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {encodable(key): encodable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [encodable(item) for item in value]
    return tuple(encodable(item) for item in value) if isinstance(value, tuple) else value
