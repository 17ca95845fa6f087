"""Run other projects' test suites, from their sdists: does each test end as under plain pytest, in every isolation?

    python scripts/real_suites.py                                   every suite, in the usual configurations
    python scripts/real_suites.py h11 janus --configuration test×2  some of them, in one
    python scripts/real_suites.py h11 --configuration phase×2 --repeat 20

Downloads a suite once, makes an environment for it once (both below ``--directory``), runs plain pytest once, and our
runner for each configuration; `compare.py` compares test by test. Differences are listed below the table, and so are
the configurations that a suite cannot have, each with its reason. Needs the package index, and an hour for all.

Exits 0 if nothing differs, 1 if something does.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import compare

CONFIGURATIONS = [
    f"{isolation}×{workers}" for isolation in ("phase", "file", "test", "clean", "exec") for workers in (1, 2)
]
USUAL = [name for name in CONFIGURATIONS if name != "exec×2"]  # fresh processes cost the most
_PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
_PIP_TIME = 900
_SHOWN = 10  # differences of one suite in one configuration


@dataclass(frozen=True)
class Suite:
    """A project on the package index whose sdist has its tests."""

    name: str
    needs: tuple[str, ...] = ()  # beside pytest and the project itself
    arguments: tuple[str, ...] = ()  # for pytest, on both sides
    impossible: Mapping[str, str] = field(default_factory=dict)  # configurations, each with the reason in the suite

    def requirements(self, source: Path) -> list[str]:
        """What to install."""
        return ["pytest", *self.needs, f"{self.name}=={_version(source)}"]


def _side_by_side(reason: str) -> dict[str, str]:
    return {name: reason for name in CONFIGURATIONS if name.endswith("×2")}


def _fresh(reason: str) -> dict[str, str]:
    return {name: reason for name in CONFIGURATIONS if name.startswith("exec")}


SUITES = [
    Suite("h11"),
    Suite("wsproto"),
    Suite("tenacity", ("tornado", "typeguard", "pytest-asyncio", "trio")),
    Suite("itsdangerous", ("freezegun",)),
    Suite("markupsafe"),
    Suite("pluggy", ("pytest-benchmark",)),
    Suite("asyncstdlib"),
    Suite(
        "aiofiles",
        ("pytest-asyncio",),
        impossible=_side_by_side("its tests share files: under pytest -n 2 one is red too, six times of six"),
    ),
    Suite(
        "async-lru",
        ("pytest-asyncio", "pytest-cov", "pytest-timeout"),
        ("-o", "asyncio_default_fixture_loop_scope=function"),
    ),
    Suite(
        "structlog",
        ("pytest-asyncio", "freezegun", "simplejson", "time-machine", "rich", "better-exceptions"),
    ),
    Suite("janus", ("pytest-asyncio", "pytest-cov", "pytest-codspeed")),
    Suite(
        "anyio",
        ("trio", "hypothesis", "psutil", "pytest-mock", "pytest-timeout", "trustme", "blockbuster", "exceptiongroup"),
        ("tests/test_synchronization.py", "tests/test_taskgroups.py", "tests/streams"),
    ),
    Suite(
        "httpx",
        ("httpx[brotli,cli,http2,socks,zstd]", "chardet", "trio", "trustme", "uvicorn"),
        ("-m", "not network"),
        impossible=_side_by_side("a server of each session listens on port 8000"),
    ),
    Suite("trio-websocket", ("pytest-trio", "trustme")),
    Suite("aiojobs", ("pytest-aiohttp", "aiohttp")),
    Suite("aioresponses", ("pytest-asyncio", "pytest-cov", "pytest-html", "ddt", "yarl")),
    Suite("attrs", ("cloudpickle", "hypothesis", "pympler", "pytest-codspeed")),
    Suite("httpx-sse", ("pytest-asyncio", "pytest-cov", "httpx", "sse-starlette"), ("--no-cov",)),
    Suite("humanize", ("freezegun", "pytest-benchmark", "pytest-codspeed", "pytest-cov"), ("tests",)),
    Suite("hypercorn", ("httpx", "hypothesis", "mock", "pytest-asyncio", "pytest-trio", "pytest-cov", "trio")),
    Suite("pytest-httpserver", ("requests", "pytest-cov", "tomli", "toml")),
    Suite(
        "pytest-recording",
        ("pytest-httpbin", "pytest-mock", "requests", "pytest-cov"),
        impossible=_fresh("tests/test_recording.py fails alone under plain pytest too: 16 of its 18 tests"),
    ),
    Suite(
        "starlette",
        (
            *("starlette[full]", "httpx2[zstd]", "blockbuster", "importlib-metadata", "opentelemetry-sdk"),
            *("pytest-codspeed", "trio"),
        ),
    ),
    Suite(
        "uvicorn",
        (
            *("uvicorn[standard]", "a2wsgi", "cryptography", "httpx2", "pytest-codspeed", "pytest-mock", "trustme"),
            *("wsproto", "zttp"),
        ),
        ("-o", "addopts=-rxXs --strict-config --strict-markers"),
    ),
]


def default_directory() -> Path:
    """Not within this repository: a suite without a configuration of its own would take ours for its own (h11 did)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "async-test-run" / "real-suites"


def policy(configuration: str) -> list[str]:
    """The options of `compare.py` for a configuration. ``exec`` is a fresh process for each file."""
    isolation, workers = configuration.split("×")
    launcher = ["--launcher", "exec"] if isolation == "exec" else []
    return ["--isolation", "file" if launcher else isolation, "--workers", workers, *launcher]


def unpacked(suite: Suite, directory: Path) -> Path:
    """The directory of the sources, downloaded once."""
    target = directory / suite.name
    if not target.exists():
        sdists = directory / "sdists"
        pattern = f"{suite.name.replace('-', '_')}-[0-9]*.tar.gz"
        if not list(sdists.glob(pattern)):
            _checked([*_PIP, "download", "--no-deps", "--no-binary", suite.name, "-d", str(sdists), suite.name])
        with tempfile.TemporaryDirectory(dir=directory) as temporary, tarfile.open(*sdists.glob(pattern)) as sdist:
            sdist.extractall(temporary, filter="data")
            (top,) = Path(temporary).iterdir()
            top.rename(target)
    return target


def environment(suite: Suite, source: Path, directory: Path) -> Path:
    """The interpreter of the suite's own environment, made once."""
    home = directory / "environments" / suite.name
    python, stamp = home / "bin" / "python", home / "complete"
    if not stamp.exists():
        _checked([sys.executable, "-m", "venv", "--clear", "--without-pip", str(home)])
        _checked([*_PIP, "--python", str(python), "install", *suite.requirements(source)])
        stamp.touch()
    return python


def _version(source: Path) -> str:
    found = re.search(r"^Version: (\S+)$", (source / "PKG-INFO").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"{source} has no version"
    return found[1]


def _checked(argv: Sequence[str]) -> None:
    subprocess.run(argv, check=True, timeout=_PIP_TIME, stdin=subprocess.DEVNULL)


@dataclass
class Cell:
    """One suite in one configuration."""

    same: int
    differences: list[str]
    wall: float

    def __str__(self) -> str:
        return f"{len(self.differences)} ({self.wall:.1f} s)"


def cells(
    suite: Suite, directory: Path, configurations: Sequence[str], repeat: int, plain_wall: list[float]
) -> Iterator[tuple[str, Cell]]:
    """Each configuration, ``repeat`` times, beside one run of plain pytest."""
    source = unpacked(suite, directory)
    python = environment(suite, source, directory)
    arguments = ["--cwd", str(source), "--python", str(python), "--", "-p", "no:randomly", *suite.arguments]
    with tempfile.TemporaryDirectory(dir=directory) as logs:
        plain = compare.run_plain(compare.parse(arguments), Path(logs))
    if plain.collect_errors:  # its requirements are not all there: less would be compared than the suite has
        raise compare.NothingToCompareError(f"plain pytest cannot collect {', '.join(sorted(plain.collect_errors))}")
    plain_wall.append(plain.wall)
    for configuration in possible(suite, configurations):
        options = compare.parse([*policy(configuration), *arguments])
        for _ in range(repeat):
            with tempfile.TemporaryDirectory(dir=directory) as run:
                runner = compare.run_runner(options, Path(run))
            same = sum(runner.outcomes.get(id) == outcome for id, outcome in plain.outcomes.items())
            yield configuration, Cell(same, compare.differences(plain, runner), runner.wall)


def possible(suite: Suite, configurations: Sequence[str]) -> list[str]:
    """Those that the suite can have."""
    return [name for name in configurations if name not in suite.impossible]


def left_out(suites: Sequence[Suite], configurations: Sequence[str]) -> Iterator[str]:
    """A line for each suite and reason: which of these configurations it did not run in."""
    for suite in suites:
        by_reason: dict[str, list[str]] = {}
        for configuration in configurations:
            if configuration in suite.impossible:
                by_reason.setdefault(suite.impossible[configuration], []).append(configuration)
        for reason, names in by_reason.items():
            yield f"{suite.name} is not run as {', '.join(names)}: {reason}"


def main(argv: Sequence[str]) -> int:
    """Print a row for each suite as it is finished, then what differs."""
    parser = argparse.ArgumentParser(prog="real_suites.py", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("names", nargs="*", metavar="SUITE", choices=[*(suite.name for suite in SUITES), []])
    parser.add_argument("--directory", type=Path, default=default_directory(), help="default: %(default)s")
    parser.add_argument("--configuration", action="append", choices=CONFIGURATIONS, help="default: all of them")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="runs in a row of each configuration")
    options = parser.parse_args(argv)
    directory = options.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    configurations = options.configuration or USUAL
    print("| suite | tests | pytest |" + "".join(f" {name} |" for name in configurations))
    print("|---|---|---|" + "---|" * len(configurations), flush=True)
    different: list[str] = []
    suites = [suite for suite in SUITES if suite.name in (options.names or [suite.name])]
    for suite in suites:
        wall: list[float] = []
        try:
            found = list(cells(suite, directory, configurations, options.repeat, wall))
        except (compare.NothingToCompareError, subprocess.SubprocessError) as error:
            different.append(f"{suite.name}: {error}")
            continue
        tests = max((cell.same + len(cell.differences) for _, cell in found), default=0)
        row = [" / ".join(str(cell) for name, cell in found if name == wanted) or "–" for wanted in configurations]
        print(f"| {suite.name} | {tests} | {wall[0]:.1f} s | {' | '.join(row)} |", flush=True)
        different += [f"{suite.name} {name}: {text}" for name, cell in found for text in cell.differences[:_SHOWN]]
    for text in left_out(suites, configurations):
        print(text)
    for text in different:
        print(compare.visible(text))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
