#!/usr/bin/env python3
"""How long an end takes: SIGTERM to the last byte on disk, SIGKILL of the runner to the last of its processes gone.

    python scripts/bench/ends.py --times 20

Each time the runner is in the middle of a test that waits, with a daemon beside it that has left its group, its
session, its parents and its environment. Both launchers; medians and maxima in seconds.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = "ENDS_MARK"
TEST = """
import os, pathlib, subprocess, sys, time

DAEMON = '''
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
with open("daemon.new", "w") as file: file.write(str(os.getpid()))
os.rename("daemon.new", "daemon")
time.sleep(600)
'''

def test_passes(): pass

def test_waits():
    subprocess.run([sys.executable, "-c", DAEMON], env={}, stdin=-3, stdout=-3, stderr=-3)
    pathlib.Path("waits").touch()
    time.sleep(600)
"""


def started(directory: Path, launcher: str) -> tuple[subprocess.Popen[bytes], str]:
    """A runner in the middle of its second test, and the mark of its processes."""
    (directory / "runner.yaml").write_text(
        f"version: 1\nphases: [{{name: p, isolation: test, workers: 1, launcher: {launcher}}}]\n"
    )
    (directory / "test_it.py").write_text(TEST)
    mark = secrets.token_hex(8)
    process = subprocess.Popen(
        [sys.executable, "-m", "async_test_runner", "run"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while not ((directory / "daemon").exists() and (directory / "waits").exists()):
        time.sleep(0.01)
    time.sleep(0.2)  # the runner has heard of it
    return process, mark


def alive(directory: Path, mark: str) -> bool:
    """Whether anything of the run lives: by its mark, or the daemon, which has none."""
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    try:
        return b"daemon.new" in Path(f"/proc/{(directory / 'daemon').read_text()}/cmdline").read_bytes()
    except OSError:
        return False


def to_last_byte(directory: Path, launcher: str) -> float:
    """Seconds from SIGTERM to the youngest change of any file of the run."""
    process, _ = started(directory, launcher)
    began = time.time()
    process.send_signal(signal.SIGTERM)
    process.wait()
    runs = directory / ".async-test-run"
    return max(path.stat().st_mtime for path in runs.rglob("*") if path.is_file()) - began


def to_last_process(directory: Path, launcher: str) -> float:
    """Seconds from SIGKILL of the runner until nothing of the run lives."""
    process, mark = started(directory, launcher)
    began = time.monotonic()
    process.kill()
    process.wait()
    while alive(directory, mark):
        time.sleep(0.005)
    return time.monotonic() - began


MEASURES: dict[str, Callable[[Path, str], float]] = {
    "SIGTERM to the last byte on disk": to_last_byte,
    "SIGKILL to the last process gone": to_last_process,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    print(f"| {'what':34} | launcher | times | median | maximum |")
    print(f"|{'-' * 36}|----------|-------|--------|---------|")
    for what, measure in MEASURES.items():
        for launcher in ("warm", "exec"):
            found = []
            for _ in range(times):
                with tempfile.TemporaryDirectory(prefix="ends-") as directory:
                    found.append(measure(Path(directory), launcher))
            line = f"| {what:34} | {launcher:8} | {times:5} | {statistics.median(found):4.2f} s | {max(found):5.2f} s |"
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
