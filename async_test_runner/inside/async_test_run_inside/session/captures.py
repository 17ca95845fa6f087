"""The temporary files in which pytest keeps captured output: private, and none are found where there are none."""

from __future__ import annotations

import os
from typing import Any

import pytest

_PEEK = 64 * 1024  # bytes


def captured(config: pytest.Config) -> str:
    """The end of what has been captured of the current stage so far; nothing is taken away."""
    found = []
    for capture in captures(config):
        fd = capture.tmpfile.fileno()
        size = os.fstat(fd).st_size
        found.append(os.pread(fd, _PEEK, max(0, size - _PEEK)).decode("utf-8", "replace"))
    return "\n".join(found)


def captures(config: pytest.Config) -> list[Any]:
    """pytest's captures of descriptors 1 and 2; none where it captures in memory, or not at all."""
    manager = config.pluginmanager.get_plugin("capturemanager")
    capturing = getattr(manager, "_global_capturing", None)
    parts = (getattr(capturing, name, None) for name in ("out", "err"))
    return [part for part in parts if hasattr(part, "targetfd_save") and hasattr(part, "tmpfile")]
