"""The words for a process that died, and for the end of its report."""

from __future__ import annotations

import signal

REPORT_END = "(end of the hang report)"


def describe_death(status: int) -> str:
    """``killed by SIGSEGV`` or ``exited with 3 before finishing``."""
    if status < 0:
        try:
            return f"its process was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"its process was killed by signal {-status}"
    return f"its process exited with {status} before finishing"
