"""A pytest process does not outlive the runner that started it, not even one that was killed with SIGKILL.

On Linux the kernel sees to it. Elsewhere a killed runner leaves its processes to end by themselves.
"""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie_to_parent(parent: int) -> None:
    """Be killed when the parent dies; at once if it is gone already. ``parent`` is its process id."""
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):  # a Python without ctypes, a libc without prctl
        return
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
