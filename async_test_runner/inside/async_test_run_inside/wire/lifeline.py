"""A pytest process does not outlive the runner that started it, not even one that was killed with SIGKILL.

On Linux the kernel sees to it. Elsewhere a killed runner leaves its processes to end by themselves.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from typing import Any

from ..early import standard_library

_PR_SET_PDEATHSIG = 1


@functools.cache  # a fork finds it ready
def _prctl() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    try:
        with standard_library():
            import ctypes

        return ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):  # a Python without ctypes, a libc without prctl
        return None


def tie_to_parent(parent: int) -> None:
    """Be killed when the parent dies; at once if it is gone already. ``parent`` is its process id."""
    prctl = _prctl()
    if prctl is None:
        return
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
