"""How much of what a test prints is kept: both ends, and between them how much is missing.

It is cut where it arises: in the files behind pytest's capture before pytest reads them, and in what an item remembers
for its reports. So it neither fills this process's memory nor what the reports are sent and written to.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from os import fstat, ftruncate, lseek, pread, write  # as they are now: tests put something else in their places
from typing import Any

import pytest

from .captures import captures

_WORD = 50  # bytes that the word about what is missing takes, at most
_LEFT_OUT = re.compile(rb"\n\xe2\x80\xa6 (\d+) bytes left out \xe2\x80\xa6\n")


_limit = 0  # of the session that this process is, or was forked from
_add_report_section = pytest.Item.add_report_section


def limit_output(config: pytest.Config, limit: int) -> None:
    """Keep so many bytes of the output of each test from now on.

    Not by hooks: they would run for every stage of every test, and most print nothing. pytest's captures read their
    files by ``snap``; what an item is to show is given to it by ``add_report_section``.
    """
    global _limit
    _limit = limit
    pytest.Item.add_report_section = _add_bounded  # type: ignore[method-assign, assignment]
    for capture in captures(config):
        if callable(getattr(capture, "snap", None)):
            capture.snap = partial(_snap, type(capture).snap, capture)


def capture_files(config: pytest.Config) -> list[tuple[int, int, int]]:
    """``(descriptor, device, inode)`` of each file that captured output goes to: the runner sees to what they take."""
    found = []
    for capture in captures(config):
        fd = capture.tmpfile.fileno()
        status = fstat(fd)
        found.append((fd, status.st_dev, status.st_ino))
    return found


def _snap(snap: Callable[[Any], Any], capture: Any) -> Any:
    shorten(capture.tmpfile.fileno(), _limit)
    return snap(capture)


def _add_bounded(item: pytest.Item, when: str, key: str, content: str) -> None:
    _add_report_section(item, when, key, content)
    sections = item._report_sections
    contents = bounded([content for _, _, content in sections], _limit)
    sections[:] = [(when, key, text) for (when, key, _), text in zip(sections, contents, strict=True)]


def shorten(fd: int, limit: int) -> None:
    """Take the middle out of a file that is longer than the limit; its position is at the end afterwards."""
    try:
        size = fstat(fd).st_size
        if size <= limit:
            return
        half = limit // 2
        data = _joined(pread(fd, half, 0), pread(fd, half, size - half), size - 2 * half, limit)
        ftruncate(fd, 0)
        lseek(fd, 0, os.SEEK_SET)
        while data:
            data = data[write(fd, data) :]
    except OSError:  # a test has closed it, or there is no room: pytest will say so
        return


def bounded(contents: Sequence[str], limit: int) -> list[str]:
    """The texts, together not longer than the limit: the long ones are cut, each to the same length."""
    if 4 * sum(map(len, contents)) <= limit:
        return list(contents)
    encoded = [content.encode("utf-8", "surrogatepass") for content in contents]
    shares = _shares([len(data) for data in encoded], limit)
    return [
        content if len(data) <= share else cut(data, share)
        for content, data, share in zip(contents, encoded, shares, strict=True)
    ]


def _shares(sizes: Sequence[int], limit: int) -> list[int]:
    shares = [0] * len(sizes)
    for done, (size, position) in enumerate(sorted((size, position) for position, size in enumerate(sizes))):
        shares[position] = min(size, limit // (len(sizes) - done))
        limit -= shares[position]
    return shares


def cut(data: bytes, limit: int) -> str:
    """At most ``limit`` bytes of a text, from both its ends, saying how many are missing."""
    half = limit // 2
    middle = data[half : len(data) - half]
    missing = len(middle) + sum(_missing_before(middle))
    return _joined(data[:half], data[len(data) - half :], missing, limit).decode("utf-8", "ignore")


def _missing_before(data: bytes) -> Iterable[int]:
    """What had been left out already of what is left out now; the word itself is no loss."""
    for found in _LEFT_OUT.finditer(data):
        yield int(found[1]) - len(found[0])


def _joined(head: bytes, tail: bytes, missing: int, limit: int) -> bytes:
    """Both ends with the word between them, in whose place a little of both goes too."""
    spare = min((_WORD + 1) // 2, limit // 2)
    head, tail = head[: len(head) - spare], tail[spare:]
    return head + f"\n… {missing + 2 * spare} bytes left out …\n".encode() + tail
