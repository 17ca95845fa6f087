"""Measures what the runner adds to pytest: start of ``--help``, a phase of trivial tests, its own memory, isolation.

    python scripts/bench/run.py                 all four
    python scripts/bench/run.py --only phase    one of: help, phase, memory, isolation
    python scripts/bench/run.py --runs 9        more runs

Peers are measured in the same run, taking turns; medians are quoted, and ratios of medians.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from stopwatch import Sample, measured, median_wall, shown

ROOT = Path(__file__).resolve().parents[2]
HELLO = "import click\n@click.command()\ndef hello():\n    click.echo('hello')\nhello()\n"
OWN_MEMORY = """
import resource, sys
from async_test_runner.cli import run
code = run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=open('memory.txt', 'w'))
sys.exit(code)
"""


def runner(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "async_test_runner", *arguments]


def turns(commands: dict[str, tuple[list[str], Path]], runs: int) -> dict[str, list[Sample]]:
    """Each command once to warm up, then ``runs`` times, taking turns."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, (argv, cwd) in commands.items():
            sample = measured(argv, cwd=cwd)
            if turn:
                samples[name].append(sample)
    return samples


def help_page(directory: Path, runs: int) -> None:
    (directory / "hello.py").write_text(HELLO)
    commands = {
        "hello world with Click": ([sys.executable, "hello.py"], directory),
        "async-test-run --help": (runner("--help"), directory),
    }
    samples = turns(commands, runs)
    for name, rows in samples.items():
        print(shown(name, rows))
    hello, ours = (median_wall(rows) for rows in samples.values())
    print(f"{'ratio (at most 1.5)':<44} {ours / hello:8.2f} ×\n")


def trivial(directory: Path, tests: int) -> Path:
    """A project of trivial tests, 100 a file, and its plan of one phase."""
    project = directory / f"trivial-{tests}"
    (project / "tests").mkdir(parents=True)
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = tests\naddopts = -p no:cacheprovider\n")
    (project / "runner.yaml").write_text("version: 1\nphases:\n  - name: all\n")
    for number in range(tests // 100):
        lines = [f"def test_{index}():\n    assert {index} + 1 == {index + 1}\n" for index in range(100)]
        (project / "tests" / f"test_{number:04}.py").write_text("\n".join(lines))
    return project


def one_phase(directory: Path, runs: int) -> None:
    project = trivial(directory, 2000)
    pytest_argv = [sys.executable, "-m", "pytest", "-q"]
    commands = {
        "bare pytest, 2 000 tests": (pytest_argv, project),
        "pytest --collect-only": ([*pytest_argv, "--collect-only"], project),
        "async-test-run, one phase, forked": (runner("-q"), project),
        "async-test-run, one phase, fresh process": (runner("run", "-q", "--launcher", "exec"), project),
    }
    samples = turns(commands, runs)
    for name, rows in samples.items():
        print(shown(name, rows))
    bare, collection, forked, fresh = (median_wall(rows) for rows in samples.values())
    print(f"{'forked / (bare + one collection) (at most 1.1)':<44} {forked / (bare + collection):8.2f} ×")
    print(f"{'fresh / (bare + one collection) (at most 1.1)':<44} {fresh / (bare + collection):8.2f} ×\n")


ONE_BY_ONE = """
import concurrent.futures, subprocess, sys
ids = [f"tests/test_0000.py::test_{n}" for n in range(int(sys.argv[1]))]
run = lambda id: subprocess.run([sys.executable, "-m", "pytest", "-q", id], stdout=subprocess.DEVNULL, check=True)
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    list(pool.map(run, ids))
"""


def isolation(directory: Path, runs: int) -> None:
    """A process per test for 100 trivial tests, two at a time: forks, fresh processes, and a fresh pytest per test."""
    project = trivial(directory, 100)
    plan = "version: 1\nphases: [{name: all, isolation: test, workers: 2}]\n"
    (project / "runner.yaml").write_text(plan)
    commands = {
        "bare pytest, no isolation": ([sys.executable, "-m", "pytest", "-q"], project),
        "async-test-run, forks": (runner("-q"), project),
        "async-test-run, fresh processes": (runner("run", "-q", "--launcher", "exec"), project),
        "a fresh pytest per test": ([sys.executable, "-c", ONE_BY_ONE, "100"], project),
    }
    samples = turns(commands, runs)
    for name, rows in samples.items():
        print(shown(name, rows))
    bare, forks, _, fresh = (median_wall(rows) for rows in samples.values())
    print(f"{'forks: cost per test over bare pytest':<44} {(forks - bare) * 10:8.1f} ms (with start and collection)")
    print(f"{'forks against a fresh pytest per test':<44} {fresh / forks:8.1f} × faster\n")


def own_memory(directory: Path, tests: int) -> None:
    project = trivial(directory, tests)
    subprocess.run([sys.executable, "-c", OWN_MEMORY, "run", "-q"], cwd=project, check=True, stdout=subprocess.DEVNULL)
    peak = int((project / "memory.txt").read_text()) / 1024
    print(f"{f'own memory with {tests} tests (at most 150)':<44} {peak:8.0f} MiB\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=["help", "phase", "memory", "isolation"])
    parser.add_argument("--tests", type=int, default=20_000, help="tests of the memory measurement")
    options = parser.parse_args()
    print(f"Python {platform.python_version()}, pytest {pytest.__version__}, medians of {options.runs}\n")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if options.only in (None, "help"):
            help_page(directory, options.runs)
        if options.only in (None, "phase"):
            one_phase(directory, options.runs)
        if options.only in (None, "isolation"):
            isolation(directory, options.runs)
        if options.only in (None, "memory"):
            own_memory(directory, options.tests)


if __name__ == "__main__":
    main()
