"""From a test's deadline to its line on screen and in the XML on disk: medians and maxima, forks and fresh processes.

    python scripts/bench/hangs.py [--runs 20]

The test hangs in an event loop; a second figure is for one that Python cannot answer for, where the stacks come from C.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = {
    "asyncio": "import asyncio\ndef test_it():\n    asyncio.run(asyncio.Event().wait())\n",
    "C": "def test_it():\n    sum(range(10**12))\n",
}
PLAN = "version: 1\nphases: [{name: all, test_timeout: 1s, grace: 500ms}]\n"
GIVE_UP = 120.0


def measure(code: str, launcher: str) -> tuple[float, float]:
    """Seconds from the deadline to the screen, and to the XML."""
    with tempfile.TemporaryDirectory(prefix="hangs-bench-") as name:
        root = Path(name)
        (root / "test_it.py").write_text(code)
        (root / "runner.yaml").write_text(PLAN)
        command = [sys.executable, "-u", "-m", "async_test_runner", "run", "--launcher", launcher, "--no-color", "-v"]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        screen = root / "screen.txt"
        with screen.open("wb") as output:
            child = subprocess.Popen(command, cwd=root, env=environment, stdout=output, stderr=output)
        try:
            return _watched(root, screen)
        finally:
            child.wait()


def _watched(root: Path, screen: Path) -> tuple[float, float]:
    seen: dict[str, float] = {}
    end = time.monotonic() + GIVE_UP
    while len(seen) < 3 and time.monotonic() < end:
        journal = _text(root, "journal.jsonl")
        if "deadline" not in seen and '"kind":"deadline_reached"' in journal:
            line = next(line for line in journal.splitlines() if '"kind":"deadline_reached"' in line)
            seen["deadline"] = float(line.partition('"mono":')[2].partition(",")[0].rstrip("}"))
        if "screen" not in seen and b"most likely: test_it.py:" in screen.read_bytes():
            seen["screen"] = time.monotonic()
        if "xml" not in seen and "most likely: test_it.py:" in _text(root, "junit.xml"):
            seen["xml"] = time.monotonic()
        time.sleep(0.005)
    return seen["screen"] - seen["deadline"], seen["xml"] - seen["deadline"]


def _text(root: Path, name: str) -> str:
    return "".join(path.read_text(errors="replace") for path in root.glob(f".async-test-run/runs/2*/{name}"))


def main() -> None:
    """Print a line per launcher and kind of hang."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    print(f"milliseconds, n={runs}: launcher, what hangs; screen: median, max; XML: median, max")
    for launcher in ("warm", "exec"):
        for kind, code in TESTS.items():
            figures = [measure(code, launcher) for _ in range(runs)]
            screen, xml = ([1000 * figure[n] for figure in figures] for n in (0, 1))
            print(
                f"{launcher:9} {kind:9} {statistics.median(screen):15.0f} {max(screen):6.0f}"
                f" {statistics.median(xml):13.0f} {max(xml):6.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
