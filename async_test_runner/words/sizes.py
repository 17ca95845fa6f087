"""Amounts of memory and of text as people write them: ``512MB``, ``2GiB``, ``64kB``; a plain number means bytes."""

from __future__ import annotations

import math
import re

LARGEST = 1 << 50  # bytes; what lies above is a slip

_UNITS = {
    "b": 1,
    "kb": 1000, "mb": 1000**2, "gb": 1000**3, "tb": 1000**4,
    "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}  # fmt: skip
_WRITTEN = ("TiB", "TB", "GiB", "GB", "MiB", "MB", "KiB", "kB")  # of two that fit, the one that needs fewer digits
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,6})?"
PATTERN = rf"{_NUMBER} ?(?:[kKmMgGtT]?[bB]|[kKmMgGtT][iI][bB]|[kKmMgGtT])?"  # without groups: it is the schema's too


def parse_size(text: str) -> int:
    """Bytes. ``ValueError`` with a finished sentence for what is no size, or more than 2^50 bytes."""
    number = re.match(_NUMBER, text)
    if number is None or not re.fullmatch(PATTERN, text):
        raise ValueError("expected a size such as 512MB, 2GiB or 64kB")
    unit = text[number.end() :].strip().lower() or "b"
    size = round(float(number[0]) * _UNITS[unit])
    if size > LARGEST:
        raise ValueError("expected a size of at most 1024TiB")
    return size


def format_above(size: int, limit: int) -> str:
    """A size that is more than a limit, in the limit's own unit and rounded up: it never reads as less."""
    unit = format_size(limit).rpartition(" ")[2]
    if unit == "bytes":
        return f"{size} bytes"
    return f"{math.ceil(10 * size / _UNITS[unit.lower()]) / 10:.1f} {unit}"


def format_size(size: int) -> str:
    """``512 MB``, ``2 GiB``; what is no whole number of either to one decimal place: ``1.5 GB``."""
    for unit in _WRITTEN:
        if size and size % _UNITS[unit.lower()] == 0:
            return f"{size // _UNITS[unit.lower()]} {unit}"
    for unit in ("TB", "GB", "MB", "kB"):
        if size >= _UNITS[unit.lower()]:
            return f"{size / _UNITS[unit.lower()]:.1f} {unit}"
    return f"{size} bytes"
