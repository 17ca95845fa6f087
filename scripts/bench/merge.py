"""Measures ``async-test-run merge`` beside ``junitparser merge`` on inputs that it generates itself.

    python scripts/bench/merge.py                     the comparison, then memory for 10k, 100k, 500k testcases
    python scripts/bench/merge.py --cases 20000       a smaller comparison
    python scripts/bench/merge.py --runs 9 --sizes    more runs, no memory series

Whole processes are measured, taking turns, with this interpreter: wall time (median and range) and peak resident memory
(median) as the kernel reports it. junitparser comes with the ``dev`` extra; without it, there is ours only.
The outputs are checked to hold the same number of testcases, failures and skips.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import random
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from stopwatch import Sample, measured

ROOT = Path(__file__).resolve().parents[2]
OURS = "from async_test_runner.commands.merge import command; command.main()"
THEIRS = "import sys; from junitparser.cli import main; sys.exit(main())"


# ---------------------------------------------------------------------------------------------------------- the inputs


def write_inputs(directory: Path, files: int, cases: int) -> list[Path]:
    """Reports as pytest writes them: seven in ten testcases are bare, the rest has properties, tracebacks or output."""
    rng = random.Random(20260101)  # noqa: S311 - the same inputs every time, not a secret
    directory.mkdir(parents=True)
    paths = []
    for number in range(files):
        paths.append(directory / f"report-{number:04}.xml")
        count = cases // files + (number < cases % files)
        body = "".join(testcase(rng, number, index) for index in range(count))
        paths[-1].write_text(
            '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="0" '
            f'failures="0" skipped="0" tests="{count}" time="{count / 50:.3f}" '
            f'timestamp="2026-01-02T03:{number % 60:02}:00+00:00" hostname="box">{body}</testsuite></testsuites>',
            encoding="utf-8",
        )
    return paths


def testcase(rng: random.Random, file: int, index: int) -> str:
    head = (
        f'<testcase classname="tests.package{file % 7}.test_module{file}.TestThing" '
        f'name="test_case_{index}[param-{index}]" time="{rng.random():.3f}"'
    )
    kind = rng.random()
    if kind < 0.7:
        return f"{head} />"
    if kind < 0.8:
        owner = f'<property name="owner" value="team-{rng.randrange(9)}" />'
        return f'{head}><properties><property name="attempt" value="1" />{owner}</properties></testcase>'
    if kind < 0.9:
        lines = (f"    frame {n}: assert <{rng.randrange(10**6)}> & 'é' == \"y\"" for n in range(rng.randrange(5, 40)))
        message = quoteattr(f"AssertionError: {index}\nassert <a> == <b>")
        return f"{head}><failure message={message}>{escape(chr(10).join(lines))}</failure></testcase>"
    if kind < 0.95:
        return f'{head}><skipped type="pytest.skip" message="no">tests/x.py:1: no</skipped></testcase>'
    return f"{head}><system-out>{escape('some output <here>' * rng.randrange(1, 30))}</system-out></testcase>"


# ------------------------------------------------------------------------------------------------------- the processes


def python(code: str, arguments: Sequence[str]) -> Sample:
    """``python -c code arguments``, with this checkout importable."""
    return measured([sys.executable, "-c", code, *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)})


def ours(paths: Sequence[Path], output: Path) -> Sample:
    return python(OURS, [*map(str, paths), "-o", str(output)])


def theirs(paths: Sequence[Path], output: Path) -> Sample:
    return python(THEIRS, ["merge", *map(str, paths), str(output)])


def counted(path: Path) -> dict[str, int]:
    """How much of each is in a merged report, whatever its counts say."""
    text = path.read_text(encoding="utf-8")
    return {tag: len(re.findall(f"<{tag}[ />]", text)) for tag in ("testcase", "failure", "skipped")}


# ----------------------------------------------------------------------------------------------------------- the tables


def row(label: str, samples: Sequence[Sample]) -> str:
    walls = [sample.wall for sample in samples]
    memory = statistics.median(sample.memory for sample in samples)
    spread = f"{min(walls):.2f}–{max(walls):.2f}"
    return f"{label:34} {statistics.median(walls):>8.2f} s {spread:>13} {memory:>9.1f} MiB"


def compare(directory: Path, files: int, cases: int, runs: int) -> None:
    paths = write_inputs(directory / "compared", files, cases)
    size = sum(path.stat().st_size for path in paths) / 2**20
    print(f"\n{cases} testcases in {files} files ({size:.1f} MiB), {runs} runs each, taking turns")
    version = installed("junitparser")
    outputs = directory / "ours.xml", directory / "theirs.xml"
    samples: tuple[list[Sample], list[Sample]] = [], []
    for _ in range(runs):
        samples[0].append(ours(paths, outputs[0]))
        if version:
            samples[1].append(theirs(paths, outputs[1]))
    print(row("async-test-run merge", samples[0]))
    if not version:
        print("junitparser is not installed: nothing to compare with")
        return
    print(row(f"junitparser {version} merge", samples[1]))
    if counted(outputs[0]) != counted(outputs[1]):
        raise SystemExit(f"the outputs differ: {counted(outputs[0])} and {counted(outputs[1])}")
    time_ratio, memory_ratio = (
        statistics.median(getattr(s, field) for s in samples[1])
        / statistics.median(getattr(s, field) for s in samples[0])
        for field in Sample._fields
    )
    print(f"{'ratio':34} {time_ratio:>8.1f} × faster   {memory_ratio:>13.1f} × less memory")


def series(directory: Path, files: int, sizes: Sequence[int], runs: int) -> None:
    print(f"\nasync-test-run merge, {files} files, {runs} runs each")
    for cases in sizes:
        paths = write_inputs(directory / f"series-{cases}", files, cases)
        print(row(f"{cases} testcases", [ours(paths, directory / "series.xml") for _ in range(runs)]))
        for path in paths:
            path.unlink()


def installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200, help="number of input files (default: %(default)s)")
    parser.add_argument("--cases", type=int, default=100_000, help="testcases of the comparison (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each (default: %(default)s)")
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[10_000, 100_000, 500_000], help="testcases of the memory series"
    )
    options = parser.parse_args()
    lxml = f", lxml {installed('lxml')}" if installed("lxml") else ", no lxml"
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores{lxml}")
    with tempfile.TemporaryDirectory(prefix="bench-merge-") as directory:
        compare(Path(directory), options.files, options.cases, options.runs)
        if options.sizes:
            series(Path(directory), options.files, options.sizes, options.runs)


if __name__ == "__main__":
    main()
