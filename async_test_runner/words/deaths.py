"""The words for a process that died, and for the end of its report."""

from __future__ import annotations

import re
import signal

_FATAL = re.compile(r"(?=Fatal Python error: |Windows fatal exception: )")
_OF_A_STACK = (
    "Fatal Python error: ",
    "Windows fatal exception: ",
    "Thread ",
    "Current thread",
    "Python runtime state",
    "Stack (most",
    "<truncated",
    "  ",
)
_END = "."
_LONGEST = 4000  # characters of a stack
_FRAME = re.compile(r'^  File "([^"]*)", line \d+ in ')
_MACHINERY = re.compile(r"[/\\](?:_pytest|pluggy|pytest|xdist|execnet|async_test_run_inside)[/\\]|<frozen runpy>")
REPORT_END = "(end of the hang report)"
MOST_LIKELY = "; most likely: "  # stands before the line that hangs


def describe_death(status: int) -> str:
    """``killed by SIGSEGV`` or ``exited with 3 before finishing``."""
    if status < 0:
        try:
            return f"its process was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"its process was killed by signal {-status}"
    return f"its process exited with {status} before finishing"


def crash(log: str) -> str:
    """What Python's faulthandler wrote of crashes into a log, without frames of pytest; empty if nothing.

    In each thread the newest frame comes first.
    """
    _, *stacks = _FATAL.split(log)  # pytest's own line may stand before it
    lines: list[str] = []
    left_out = 0
    for line in [*"\n".join(stacks).splitlines(), _END]:
        frame = _FRAME.match(line)
        if frame is not None and _MACHINERY.search(frame[1]):
            left_out += 1
            continue
        if left_out:
            lines.append(f"  … {left_out} frames of pytest")
            left_out = 0
        if not line or line.startswith(_OF_A_STACK):
            lines.append(line)
    return "\n".join(lines).strip()


def of_test(id: str, words: str) -> str:
    """Last words without the stacks of crashes that were other tests': a test's own has its function in it."""
    head, *stacks = _FATAL.split(words)
    function = f" in {id.rpartition('::')[2].partition('[')[0]}"
    own = next((stack.strip() for stack in reversed(stacks) if function in stack), "")
    return "\n\n".join(filter(None, [head.strip("\n"), own[:_LONGEST]]))
