"""Measures what looking for leaks costs: the same run with ``leaks: report`` and ``leaks: ignore``, taking turns.

    python scripts/bench/leaks.py                      5 000 trivial tests, and 351 of the FastAPI example's
    python scripts/bench/leaks.py --only trivial       one of: trivial, fastapi
    python scripts/bench/leaks.py --runs 9 --tests 20000

Wall and processor time are medians; what is quoted is the median of the ratios of pairs, which stood next to each other
in time: on a machine that others use too, both of a pair are slowed down alike.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import suites
from stopwatch import Sample, measured
from warm import ours

PLAN = "version: 1\nphases: [{{name: all, leaks: {policy}}}]\n"


def pairs(project: Path, runs: int) -> dict[str, list[Sample]]:
    """``ignore`` and ``report``, once each to warm up, then in turns; which comes first alternates."""
    samples: dict[str, list[Sample]] = {"ignore": [], "report": []}
    for turn in range(runs + 1):
        for policy in sorted(samples, reverse=bool(turn % 2)):
            (project / "runner.yaml").write_text(PLAN.format(policy=policy))
            sample = measured([str(ours()), "-m", "async_test_runner", "run", "-q"], cwd=project)
            if turn:
                samples[policy].append(sample)
    return samples


def report(title: str, tests: int, samples: dict[str, list[Sample]]) -> None:
    print(f"{title}, {tests} tests")
    kinds: tuple[tuple[str, Callable[[Sample], float]], ...] = (
        ("processor time", lambda sample: sample.cpu),
        ("wall time", lambda sample: sample.wall),
    )
    for name, measure in kinds:
        off, on = ([measure(sample) for sample in samples[policy]] for policy in ("ignore", "report"))
        ratio = statistics.median(b / a for a, b in zip(off, on, strict=True))
        each = (statistics.median(on) - statistics.median(off)) / tests * 1e6
        print(
            f"  {name:<16}{shown(off)} without, {shown(on)} with: {100 * (ratio - 1):+6.1f} %, {each:+8.1f} µs a test"
        )
    print()


def shown(values: Sequence[float]) -> str:
    return f"{statistics.median(values):7.2f} s ({min(values):.2f} – {max(values):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=["trivial", "fastapi"])
    parser.add_argument("--tests", type=int, default=5000, help="trivial tests")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, pytest {pytest.__version__}, medians of {options.runs} pairs\n")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if options.only in (None, "trivial"):
            project = suites.trivial(directory, options.tests)
            report("trivial", options.tests, pairs(project, options.runs))
        if options.only in (None, "fastapi"):
            report("FastAPI example, copied", 351, pairs(suites.fastapi(directory), options.runs))


if __name__ == "__main__":
    main()
