"""Measures whole processes: wall time, processor time, and peak resident memory as the kernel reports it."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# The kernel counts the memory of the process that starts another one as that one's peak: a small one has to do it.
_STOPWATCH = """
import os, sys, time
started = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - started, usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
sys.exit(os.waitstatus_to_exitcode(status))
"""
_MAXRSS_PER_MIB = 1024 * 1024 if sys.platform == "darwin" else 1024


class Sample(NamedTuple):
    """One process: seconds, peak resident memory in MiB (the largest of it and the children it waited for), and seconds
    of processor time, of the children that were waited for too.
    """

    wall: float
    memory: float
    cpu: float


def measured(argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Sample:
    """Run a command (``argv[0]`` a path) to its end; a failure ends the measurement."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", _STOPWATCH, *argv],
        cwd=cwd,
        env=dict(env) if env is not None else None,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"exit {done.returncode}: {' '.join(argv)[:300]}")
    wall, memory, cpu = map(float, done.stdout.split())
    return Sample(wall, memory / _MAXRSS_PER_MIB, cpu)


def median_wall(samples: Sequence[Sample]) -> float:
    """Seconds."""
    return statistics.median(sample.wall for sample in samples)


def shown(label: str, samples: Sequence[Sample]) -> str:
    """A row: median and range of the wall time."""
    walls = sorted(sample.wall for sample in samples)
    return f"{label:<44} {statistics.median(walls):8.3f} s   ({walls[0]:.3f} – {walls[-1]:.3f})"
