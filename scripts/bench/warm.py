"""What forks cost and save: the tables of docs/figures.md, peers measured in the same run, taking turns.

    python scripts/bench/warm.py                     everything (about an hour)
    python scripts/bench/warm.py --only mixed        one of: fastapi, trivial, isolated, mixed, real, memory
    python scripts/bench/warm.py --runs 3            fewer runs than the 5 that are quoted

Environments are made below build/bench: one for pytest, pytest-xdist and us, one for pytest-isolated and pytest-lanes,
one with the newest pytest that pytest-forked still works with. What takes a fresh interpreter per test is measured with
a sample of the tests, and said to be.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import suites
from stopwatch import Sample, measured, median_wall

BUILD = suites.ROOT / "build" / "bench"
_ENV = {name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS")}
_SAMPLE = 24  # tests of a suite that a fresh process per test is measured with

ONE_BY_ONE = """
import concurrent.futures, subprocess, sys
ids = open(sys.argv[1]).read().split("\\n")
run = lambda id: subprocess.run([sys.executable, "-m", "pytest", "-q", id], stdout=subprocess.DEVNULL, check=True)
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    list(pool.map(run, ids))
"""


class Limit(NamedTuple):
    """What a ratio must be and should be: at most, or with ``least`` at least."""

    must: float
    aim: float
    least: bool = False

    def verdict(self, value: float) -> str:
        """``met``, ``met, aim missed`` or ``missed``."""
        reached = (value >= self.must, value >= self.aim) if self.least else (value <= self.must, value <= self.aim)
        return "missed" if not reached[0] else "met" if reached[1] else "met, aim missed"


def log(text: str) -> None:
    """Something for who waits."""
    print(text, file=sys.stderr, flush=True)


# ------------------------------------------------------------------------------------------------------- environments


def environment(name: str, *packages: str) -> Path:
    """The Python of an environment with these packages; made once."""
    directory = BUILD / name
    python = directory / "bin" / "python"
    stamp = directory / "packages.json"
    if not stamp.exists() or json.loads(stamp.read_text()) != list(packages):
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        subprocess.run([python, "-m", "pip", "install", "-qq", *packages], check=True)
        stamp.write_text(json.dumps(packages))
    return python


_APPLICATION = ("-r", str(suites.EXAMPLE / "requirements.txt"))


def ours() -> Path:
    """pytest, pytest-xdist and this project."""
    return environment("ours", "-e", str(suites.ROOT), *_APPLICATION)


def peers() -> Path:
    """The newest pytest-isolated and pytest-lanes."""
    return environment("peers", "pytest-isolated", "pytest-lanes", "-e", str(suites.ROOT), *_APPLICATION)


def forked(directory: Path) -> Path | None:
    """pytest-forked with the newest pytest that it works with; None if there is none."""
    probe = directory / "probe"
    probe.mkdir(exist_ok=True)
    (probe / "test_probe.py").write_text("def test_probe(): pass\n")
    for version in ("10", "9.2", "9.1", "9.0", "8.5", "8.4"):
        packages = ("pytest-forked", f"pytest<{version}", "-e", str(suites.ROOT), *_APPLICATION)
        python = environment(f"forked-{version}", *packages)
        done = subprocess.run([python, "-m", "pytest", "-q", "--forked"], cwd=probe, capture_output=True, check=False)
        if done.returncode == 0:
            return python
    return None


def version(python: Path, package: str) -> str:
    """The installed version of a package."""
    program = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


# ------------------------------------------------------------------------------------------------------------ measures


class Command(NamedTuple):
    """What is measured: a command, and by how much its time is to be multiplied (a sample of the tests)."""

    argv: list[str]
    cwd: Path
    times: float = 1.0


def pytest_command(python: Path, project: Path, *arguments: str, times: float = 1.0) -> Command:
    """Bare pytest or a plugin of it."""
    return Command([str(python), "-m", "pytest", "-q", *arguments], project, times)


# These two leave pipes and files open, which the example, for which warnings are errors, would not pass.
_LENIENT = ("-W", "default::ResourceWarning", "-W", "default::pytest.PytestUnraisableExceptionWarning")


def isolated_command(project: Path, ids: list[str], times: float) -> Command:
    """pytest-isolated, two at a time."""
    return pytest_command(peers(), project, "--isolated", "--isolated-numprocesses=2", *_LENIENT, *ids, times=times)


def forked_command(python: Path, project: Path) -> dict[str, Command]:
    """pytest-forked, two at a time."""
    name = f"pytest-forked -n 2 (pytest {version(python, 'pytest')})"
    return {name: pytest_command(python, project, "--forked", "-n", "2", *_LENIENT)}


def run_command(python: Path, project: Path, name: str, text: str, *arguments: str, times: float = 1.0) -> Command:
    """This project, with a plan of its own."""
    path = project / f"runner-{name}.yaml"
    path.write_text(text)
    return Command([str(python), "-m", "async_test_runner", "run", "-q", "-c", path.name, *arguments], project, times)


def turns(commands: Mapping[str, Command], runs: int) -> dict[str, float]:
    """Median seconds of each: once to warm up, then ``runs`` times, taking turns."""
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            sample = measured(command.argv, cwd=command.cwd, env=_ENV)
            log(f"  {name}: {sample.wall:.2f} s{'' if turn else ' (warm-up)'}")
            if turn:
                samples[name].append(sample)
    found = {name: median_wall(rows) * commands[name].times for name, rows in samples.items()}
    for name, rows in samples.items():
        walls = sorted(sample.wall * commands[name].times for sample in rows)
        note = f"  (a sample, × {commands[name].times:.1f})" if commands[name].times != 1.0 else ""
        print(f"{name:<58} {found[name]:8.2f} s   ({walls[0]:.2f} – {walls[-1]:.2f}){note}")
    return found


def ratio(name: str, value: float, limit: Limit | None = None, unit: str = "×") -> None:
    """A line of the result."""
    if limit is None:
        print(f"  {name:<56} {value:8.2f} {unit}")
        return
    word = "at least" if limit.least else "at most"
    print(f"  {name:<56} {value:8.2f} {unit}   ({word} {limit.must:g}, aim {limit.aim:g}: {limit.verdict(value)})")


def sample_of(python: Path, project: Path) -> tuple[list[str], float]:
    """Some ids of a suite, evenly spread, and how many times as many it has."""
    argv = [str(python), "-m", "pytest", "-q", "--collect-only"]
    done = subprocess.run(argv, cwd=project, env=_ENV, capture_output=True, text=True, check=True)
    ids = [line for line in done.stdout.splitlines() if "::" in line]
    chosen = ids[:: max(1, len(ids) // _SAMPLE)][:_SAMPLE]
    return chosen, len(ids) / len(chosen)


def one_by_one(python: Path, project: Path, ids: list[str], times: float) -> Command:
    """A fresh pytest per test, two at a time."""
    (project / "ids.txt").write_text("\n".join(ids))
    return Command([str(python), "-c", ONE_BY_ONE, "ids.txt"], project, times)


# -------------------------------------------------------------------------------------------------------------- suites

_TWO_AT_A_TIME = "name: all, isolation: test, workers: 2"


def fastapi(directory: Path, runs: int) -> None:
    """A process per test for the database tests of the FastAPI example."""
    python, project = ours(), suites.fastapi(directory)
    ids, times = sample_of(python, project)
    print(f"\nFastAPI example, {round(len(ids) * times)} database tests, two at a time")
    other = forked(directory)
    commands = {
        "bare pytest": pytest_command(python, project),
        "pytest -n 2": pytest_command(python, project, "-n", "2"),
        "async-test-run, process per test": run_command(python, project, "test", suites.plan(_TWO_AT_A_TIME)),
        "async-test-run, process per test, preload: false": run_command(
            python, project, "cold", suites.plan(f"{_TWO_AT_A_TIME}, preload: false")
        ),
        "a fresh pytest per test": one_by_one(python, project, ids, times),
        "pytest-isolated": isolated_command(project, ids, times),
    }
    if other is not None:
        commands |= forked_command(other, project)
    found = turns(commands, runs)
    mine, cold = found["async-test-run, process per test"], found["async-test-run, process per test, preload: false"]
    ratio(
        "a fresh pytest per test / process per test", found["a fresh pytest per test"] / mine, Limit(20, 40, least=True)
    )
    ratio("process per test / bare pytest", mine / found["bare pytest"], Limit(2.0, 1.2))
    ratio("the same with preload: false", cold / found["bare pytest"])


def trivial(directory: Path, runs: int) -> None:
    """What the runner adds where tests do nothing: one phase, one worker."""
    python, project = ours(), suites.trivial(directory, 20_000)
    print("\n20 000 trivial tests, one worker")
    found = turns(
        {
            "bare pytest": pytest_command(python, project),
            "async-test-run": run_command(python, project, "phase", suites.plan("name: all")),
            "async-test-run, leaks: ignore": run_command(
                python, project, "deaf", suites.plan("name: all, leaks: ignore")
            ),
        },
        runs,
    )
    ratio("async-test-run / bare pytest", found["async-test-run"] / found["bare pytest"], Limit(1.10, 1.0))
    ratio("the same without looking for leaks", found["async-test-run, leaks: ignore"] / found["bare pytest"])


def isolated(directory: Path, runs: int) -> None:
    """What a process costs: trivial tests, 400 of them."""
    tests = 400
    python, project = ours(), suites.trivial(directory, tests)
    ids, times = sample_of(python, project)
    print(f"\n{tests} trivial tests, a process each, two at a time")
    other = forked(directory)
    commands = {
        "bare pytest": pytest_command(python, project),
        "async-test-run, one process": run_command(python, project, "phase", suites.plan("name: all")),
        "async-test-run, process per test": run_command(python, project, "test", suites.plan(_TWO_AT_A_TIME)),
        "async-test-run, process per test, launcher: exec": run_command(
            python,
            project,
            "exec",
            suites.plan(f"{_TWO_AT_A_TIME}, launcher: exec"),
            "--files",
            "tests/test_0000.py",
            times=tests / 100,
        ),
        "a fresh pytest per test": one_by_one(python, project, ids, times),
        "pytest-isolated": isolated_command(project, ids, times),
    }
    if other is not None:
        commands |= forked_command(other, project)
    found = turns(commands, runs)
    mine = found["async-test-run, process per test"]
    extra = (mine - found["async-test-run, one process"]) / tests * 1000
    ratio("a process's cost per test over one process", extra, Limit(8, 4), "ms")
    ratio("a fresh pytest per test / process per test", found["a fresh pytest per test"] / mine)


def mixed(directory: Path, runs: int) -> None:
    """Undivided phases, with one and with two workers."""
    python, project = ours(), suites.mixed(directory)
    print("\n800 mixed tests: 500 functions, 200 coroutines, 100 with SQLAlchemy")
    found = turns(
        {
            "bare pytest": pytest_command(python, project),
            "pytest -n 2": pytest_command(python, project, "-n", "2"),
            "pytest-lanes, three lanes": pytest_command(
                peers(),
                project,
                *(f"--lane-def={kind}={_files(project, kind)}" for kind in ("sync", "async", "database")),
            ),
            "async-test-run, one phase, two workers": run_command(
                python, project, "two", suites.plan("name: all, workers: 2")
            ),
            "async-test-run, three phases, one worker": run_command(python, project, "three", suites.THREE_PHASES),
        },
        runs,
    )
    two, three = found["async-test-run, one phase, two workers"], found["async-test-run, three phases, one worker"]
    ratio("two workers / bare pytest", two / found["bare pytest"], Limit(0.75, 0.6))
    ratio("two workers / pytest -n 2", two / found["pytest -n 2"], Limit(0.6, 0.4))
    ratio("three phases, one worker / bare pytest", three / found["bare pytest"], Limit(1.10, 1.0))


def _files(project: Path, kind: str) -> str:
    return ",".join(str(path.relative_to(project)) for path in sorted((project / "tests").glob(f"test_{kind}_*.py")))


def real(directory: Path, runs: int) -> None:
    """Two suites from PyPI."""
    python = ours()
    for name, tests in (("h11", "h11/tests"), ("asyncstdlib", "unittests")):
        project = _sdist(directory, name)
        common = ("-p", "no:cacheprovider", tests)
        plan = f"version: 1\nselect: {{paths: [{tests}]}}\n"
        print(f"\n{project.name}")
        found = turns(
            {
                "bare pytest": pytest_command(python, project, *common),
                "pytest -n 2": pytest_command(python, project, *common, "-n", "2"),
                "async-test-run, one process": run_command(python, project, "one", f"{plan}phases: [{{name: all}}]\n"),
                "async-test-run, two workers": run_command(
                    python, project, "two", f"{plan}phases: [{{name: all, workers: 2}}]\n"
                ),
                "async-test-run, process per test": run_command(
                    python, project, "test", f"{plan}phases: [{{{_TWO_AT_A_TIME}}}]\n"
                ),
            },
            runs,
        )
        for label, value in found.items():
            if label.startswith("async"):
                ratio(f"{label} / bare pytest", value / found["bare pytest"])


def _sdist(directory: Path, name: str) -> Path:
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", name, "-d", directory],
        check=True,
    )
    (archive,) = directory.glob(f"{name}-*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(directory, filter="data")
    return directory / archive.name.removesuffix(".tar.gz")


_PRIVATE = """
import pathlib, pytest
@pytest.mark.parametrize("number", range(8))
def test_private(number, worker_id):
    lines = pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines()
    rows = dict(line.split(":", 1) for line in lines if ":" in line)
    private = sum(int(rows[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))
    with open("private.txt", "a") as file: file.write(f"{worker_id} {private}\\n")
"""


def memory(directory: Path, runs: int) -> None:
    """What a worker has of its own when its first test begins: Private_Clean + Private_Dirty of smaps_rollup."""
    python, project = ours(), suites.fastapi(directory)
    (project / "tests" / "async_db" / "test_00_private.py").write_text(_PRIVATE)
    command = run_command(
        python, project, "memory", suites.plan("name: all, workers: 2, keyword: test_private", "name: rest")
    )
    found = []
    for _ in range(runs):
        (project / "private.txt").unlink(missing_ok=True)
        measured([*command.argv, "all"], cwd=project, env=_ENV)
        rows = [line.split() for line in (project / "private.txt").read_text().splitlines()]
        found.append(max(int(kib) for kib in dict(reversed(rows)).values()) / 1024)
    print("\nMemory of a worker that has run nothing yet, FastAPI example")
    ratio("private memory", statistics.median(found), Limit(10, 10), "MiB")


_SUITES: dict[str, Callable[[Path, int], None]] = {
    "isolated": isolated,
    "mixed": mixed,
    "real": real,
    "memory": memory,
    "trivial": trivial,
    "fastapi": fastapi,
}


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=list(_SUITES), action="append")
    options = parser.parse_args()
    python = ours()
    packages = ("pytest", "pytest-asyncio", "pytest-xdist")
    others = ("pytest-isolated", "pytest-lanes")
    print(
        f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, medians of {options.runs}; "
        + ", ".join(f"{package} {version(python, package)}" for package in packages)
        + ", "
        + ", ".join(f"{package} {version(peers(), package)}" for package in others)
    )
    for name, measure in _SUITES.items():
        if options.only is None or name in options.only:
            with tempfile.TemporaryDirectory(prefix="bench-") as directory:
                measure(Path(directory), options.runs)


if __name__ == "__main__":
    main()
